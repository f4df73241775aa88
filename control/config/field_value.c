/* SPDX-License-Identifier: BSD-3-Clause */
#include "field_value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "duration.h"
#include "name.h"
#include "size.h"
#include "suggestion.h"

#define EXPECTATION_MAX 256

struct shown {
	char *text;
	size_t used;
};

static int show_chunk(const char *chunk, size_t size, void *context)
{
	struct shown *shown = context;
	size_t room = FIELD_SHOWN_MAX - 4 - shown->used;
	size_t length = size < room ? size : room;

	memcpy(shown->text + shown->used, chunk, length);
	shown->used += length;
	if (length == size)
		return 0;
	memcpy(shown->text + shown->used, "...", 3);
	shown->used += 3;
	return -1; /* enough is shown: the rest is not written out */
}

void field_value_show(const json_t *json, char *out)
{
	struct shown shown = {.text = out};

	if (json_is_object(json) || json_is_array(json)) {
		strcpy(out, json_is_object(json) ? "an object" : "an array");
		return;
	}
	(void)json_dump_callback(json, show_chunk, &shown, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	out[shown.used] = '\0';
}

bool field_kind_is_string(enum field_kind kind)
{
	return kind == FIELD_NAME || kind == FIELD_FQDN || kind == FIELD_STRING;
}

uint64_t field_max(const struct field *field)
{
	uint64_t storage_max = field->size >= 8 || field->kind == FIELD_STRING
				       ? INT64_MAX
				       : (UINT64_C(1) << 8 * field->size) - 1;

	return field->max > 0 ? field->max : storage_max;
}

/* Completes "expected ..." and "... is not ..."; @out has EXPECTATION_MAX bytes. */
static void describe_expected(const struct field *field, char *out)
{
	char from[DURATION_TEXT_MAX], to[DURATION_TEXT_MAX];
	size_t used;

	switch (field->kind) {
	case FIELD_NAME:
		strcpy(out, "a name (1..63 letters, digits, \".\", \"_\", \"-\"; first a letter or "
			    "digit)");
		break;
	case FIELD_FQDN:
		strcpy(out, "a domain name");
		break;
	case FIELD_STRING:
		strcpy(out, "a string");
		break;
	case FIELD_UINT:
		used = (size_t)snprintf(out, EXPECTATION_MAX, "an integer in %" PRIu64 "..%" PRIu64,
					field->min, field_max(field));
		for (size_t i = 0; field->choices && field->choices[i]; i++)
			used += (size_t)snprintf(out + used, EXPECTATION_MAX - used, ", or \"%s\"",
						 field->choices[i]);
		break;
	case FIELD_BOOL:
		strcpy(out, "true or false");
		break;
	case FIELD_ENUM:
		used = (size_t)snprintf(out, EXPECTATION_MAX, "one of");
		for (size_t i = 0; field->choices[i] && used < EXPECTATION_MAX; i++)
			used += (size_t)snprintf(out + used, EXPECTATION_MAX - used, "%s \"%s\"",
						 i > 0 ? "," : "", field->choices[i]);
		break;
	case FIELD_DURATION:
		duration_format(field->min, from);
		duration_format(field_max(field), to);
		snprintf(out, EXPECTATION_MAX,
			 "a duration with its unit (ms, s, m, h) in \"%s\"..\"%s\"", from, to);
		break;
	case FIELD_SIZE:
		size_format(field->min, from);
		size_format(field_max(field), to);
		snprintf(out, EXPECTATION_MAX,
			 "a size with its unit (B, KiB, MiB, GiB) in \"%s\"..\"%s\"", from, to);
		break;
	case FIELD_ADDRESS:
		strcpy(out, "the IPv4 or IPv6 address of a host");
		break;
	case FIELD_PREFIX:
		strcpy(out, "an IPv4 or IPv6 address or prefix (CIDR)");
		break;
	case FIELD_MAC:
		strcpy(out, "a MAC address like \"02:00:00:00:00:01\"");
		break;
	case FIELD_HEX:
		snprintf(out, EXPECTATION_MAX, "%" PRIu32 " hexadecimal digits", 2 * field->size);
		break;
	case FIELD_JSON:
	case FIELD_OBJECT:
		strcpy(out, "an object");
		break;
	}
}

static bool refuse_type(const struct field *field, const json_t *json,
			const struct field_path *path, struct field_errors *errors)
{
	static const char *const articles[] = {
		[JSON_STRING] = "the string ",
		[JSON_INTEGER] = "the number ",
		[JSON_REAL] = "the number ",
	};
	char expected[EXPECTATION_MAX], shown[FIELD_SHOWN_MAX];
	const char *article = json_typeof(json) <= JSON_REAL ? articles[json_typeof(json)] : NULL;

	describe_expected(field, expected);
	field_value_show(json, shown);
	if (field->secret)
		field_errors_add(errors, path, "expected %s", expected);
	else
		field_errors_add(errors, path, "expected %s, got %s%s", expected,
				 article ? article : "", shown);
	return false;
}

static bool refuse_value(const struct field *field, const json_t *json,
			 const struct field_path *path, struct field_errors *errors)
{
	char expected[EXPECTATION_MAX], shown[FIELD_SHOWN_MAX];

	describe_expected(field, expected);
	field_value_show(json, shown);
	field_errors_add(errors, path, "%s is not %s", shown, expected);
	return false;
}

static bool refuse_range(const json_t *json, const char *min, const char *max,
			 const struct field_path *path, struct field_errors *errors)
{
	char shown[FIELD_SHOWN_MAX];

	field_value_show(json, shown);
	field_errors_add(errors, path, "%s is outside %s..%s", shown, min, max);
	return false;
}

static void uint_store(void *out, uint32_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)out = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)out = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)out = (uint32_t)value;
		break;
	default:
		assert(size == 8);
		*(uint64_t *)out = value;
	}
}

static uint64_t uint_load(const void *in, uint32_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)in;
	case 2:
		return *(const uint16_t *)in;
	case 4:
		return *(const uint32_t *)in;
	default:
		assert(size == 8);
		return *(const uint64_t *)in;
	}
}

uint64_t field_value_uint(const struct field *field, const void *in)
{
	return uint_load(in, field->size);
}

static bool decode_uint(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	json_int_t value = json_integer_value(json);
	char min[24], max[24];

	if (value >= 0 && (uint64_t)value >= field->min && (uint64_t)value <= field_max(field)) {
		uint_store(out, field->size, (uint64_t)value);
		return true;
	}
	snprintf(min, sizeof(min), "%" PRIu64, field->min);
	snprintf(max, sizeof(max), "%" PRIu64, field_max(field));
	return refuse_range(json, min, max, path, errors);
}

static bool decode_duration(const struct field *field, const json_t *json,
			    const struct field_path *path, void *out, struct field_errors *errors)
{
	char min[DURATION_TEXT_MAX + 2], max[DURATION_TEXT_MAX + 2], text[DURATION_TEXT_MAX];
	uint64_t ms;

	if (!duration_parse(json_string_value(json), &ms))
		return refuse_value(field, json, path, errors);
	if (ms >= field->min && ms <= field_max(field)) {
		*(uint32_t *)out = (uint32_t)ms;
		return true;
	}
	duration_format(field->min, text);
	snprintf(min, sizeof(min), "\"%s\"", text);
	duration_format(field_max(field), text);
	snprintf(max, sizeof(max), "\"%s\"", text);
	return refuse_range(json, min, max, path, errors);
}

static bool decode_size(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	char min[SIZE_TEXT_MAX + 2], max[SIZE_TEXT_MAX + 2], text[SIZE_TEXT_MAX];
	uint64_t bytes;

	if (!size_parse(json_string_value(json), &bytes))
		return refuse_value(field, json, path, errors);
	if (bytes >= field->min && bytes <= field_max(field)) {
		uint_store(out, field->size, bytes);
		return true;
	}
	size_format(field->min, text);
	snprintf(min, sizeof(min), "\"%s\"", text);
	size_format(field_max(field), text);
	snprintf(max, sizeof(max), "\"%s\"", text);
	return refuse_range(json, min, max, path, errors);
}

static bool decode_enum(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	struct suggestion nearest = {.word = json_string_value(json)};
	char expected[EXPECTATION_MAX], shown[FIELD_SHOWN_MAX], hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; field->choices[i]; i++) {
		if (strcmp(field->choices[i], nearest.word) == 0) {
			uint_store(out, field->size, i);
			return true;
		}
		suggestion_consider(&nearest, field->choices[i]);
	}
	describe_expected(field, expected);
	field_value_show(json, shown);
	suggestion_format(&nearest, hint);
	field_errors_add(errors, path, "%s is not %s%s", shown, expected, hint);
	return false;
}

/* @c is known to be one. */
static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* In place of a number. */
static bool decode_word(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	for (uint32_t i = 0; field->choices && field->choices[i]; i++) {
		if (strcmp(field->choices[i], json_string_value(json)) == 0) {
			*(uint64_t *)out = FIELD_WORD(i);
			return true;
		}
	}
	return refuse_type(field, json, path, errors);
}

static bool decode_hex(const struct field *field, const json_t *json, const struct field_path *path,
		       void *out, struct field_errors *errors)
{
	const char *text = json_string_value(json);
	size_t length = strlen(text);
	size_t digits = strspn(text, "0123456789abcdefABCDEF");
	uint8_t *bytes = out;

	if (field->secret && strcmp(text, FIELD_UNCHANGED) == 0) {
		field_errors_add(errors, path,
				 "\"" FIELD_UNCHANGED "\" stands for a secret that a running node "
				 "has; here the secret itself is wanted");
		return false;
	}
	/* What is wrong is told without the value: it may be a secret. */
	if (digits < length) {
		field_errors_add(errors, path,
				 "character %zu is not a hexadecimal digit; expected %" PRIu32
				 " of them",
				 digits + 1, 2 * field->size);
		return false;
	}
	if (length != 2 * (size_t)field->size) {
		field_errors_add(errors, path, "%zu hexadecimal digits; expected %" PRIu32, length,
				 2 * field->size);
		return false;
	}
	for (uint32_t i = 0; i < field->size; i++)
		bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return true;
}

static bool decode_address(const struct field *field, const json_t *json,
			   const struct field_path *path, void *out, struct field_errors *errors)
{
	struct mr_addr addr;

	if (!address_parse(json_string_value(json), &addr) || !address_is_host(&addr))
		return refuse_value(field, json, path, errors);
	*(struct mr_addr *)out = addr;
	return true;
}

static bool decode_prefix(const struct field *field, const json_t *json,
			  const struct field_path *path, void *out, struct field_errors *errors)
{
	char shown[FIELD_SHOWN_MAX], right[MR_ADDR_TEXT_MAX];
	struct mr_prefix prefix;

	switch (prefix_parse(json_string_value(json), &prefix)) {
	case PREFIX_OK:
		*(struct mr_prefix *)out = prefix;
		return true;
	case PREFIX_HOST_BITS:
		field_value_show(json, shown);
		prefix_format(&prefix, right);
		field_errors_add(errors, path, "%s has bits set behind its length: it is \"%s\"",
				 shown, right);
		return false;
	case PREFIX_MALFORMED:
		break;
	}
	return refuse_value(field, json, path, errors);
}

static bool string_is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool decode_string(const struct field *field, const json_t *json,
			  const struct field_path *path, void *out, struct field_errors *errors)
{
	const char *text = json_string_value(json);
	size_t length = json_string_length(json);
	char *copy;

	if ((field->kind == FIELD_NAME && !name_is_valid(text)) ||
	    (field->kind == FIELD_FQDN && !fqdn_is_valid(text)))
		return refuse_value(field, json, path, errors);
	if (field->kind == FIELD_STRING && (length < field->min || length > field_max(field))) {
		field_errors_add(errors, path, "%zu bytes long; expected %" PRIu64 "..%" PRIu64,
				 length, field->min, field_max(field));
		return false;
	}
	if (!string_is_clean(text)) {
		field_errors_add(errors, path, "contains a control character");
		return false;
	}
	copy = strdup(text);
	if (!copy) {
		field_errors_add(errors, path, "out of memory");
		return false;
	}
	*(char **)out = copy;
	return true;
}

static bool decode_text(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	const char *text = json_string_value(json);

	switch (field->kind) {
	case FIELD_NAME:
	case FIELD_FQDN:
	case FIELD_STRING:
		return decode_string(field, json, path, out, errors);
	case FIELD_ENUM:
		return decode_enum(field, json, path, out, errors);
	case FIELD_DURATION:
		return decode_duration(field, json, path, out, errors);
	case FIELD_SIZE:
		return decode_size(field, json, path, out, errors);
	case FIELD_HEX:
		return decode_hex(field, json, path, out, errors);
	case FIELD_PREFIX:
		return decode_prefix(field, json, path, out, errors);
	case FIELD_ADDRESS:
		return decode_address(field, json, path, out, errors);
	case FIELD_MAC:
		return mac_parse(text, out) || refuse_value(field, json, path, errors);
	case FIELD_UINT:
		return decode_word(field, json, path, out, errors);
	case FIELD_BOOL:
	case FIELD_JSON:
	case FIELD_OBJECT:
		break;
	}
	return refuse_type(field, json, path, errors);
}

bool field_value_decode(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors)
{
	if (field->kind == FIELD_JSON && (field->any || json_is_object(json))) {
		*(json_t **)out = json_incref((json_t *)json);
		return true;
	}
	if (json_is_string(json))
		return decode_text(field, json, path, out, errors);
	if (field->kind == FIELD_UINT && json_is_integer(json))
		return decode_uint(field, json, path, out, errors);
	if (field->kind == FIELD_BOOL && json_is_boolean(json)) {
		*(bool *)out = json_is_true(json);
		return true;
	}
	return refuse_type(field, json, path, errors);
}

static json_t *encode_hex(const uint8_t *bytes, uint32_t size)
{
	char *text = malloc(2 * (size_t)size + 1);
	json_t *json;

	if (!text)
		return NULL;
	text[0] = '\0';
	for (uint32_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	json = json_string(text);
	free(text);
	return json;
}

/* Counters of 64 bits stop at what a JSON integer of jansson can hold. */
static json_t *encode_uint(const struct field *field, uint64_t value)
{
	for (uint32_t i = 0; field->choices && field->choices[i]; i++)
		if (value == FIELD_WORD(i))
			return json_string(field->choices[i]);
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *field_value_encode(const struct field *field, const void *in)
{
	char text[MR_ADDR_TEXT_MAX];

	switch (field->kind) {
	case FIELD_NAME:
	case FIELD_FQDN:
	case FIELD_STRING:
		return json_string(*(char *const *)in);
	case FIELD_UINT:
		return encode_uint(field, uint_load(in, field->size));
	case FIELD_BOOL:
		return json_boolean(*(const bool *)in);
	case FIELD_ENUM:
		return json_string(field->choices[uint_load(in, field->size)]);
	case FIELD_DURATION:
		duration_format(*(const uint32_t *)in, text);
		return json_string(text);
	case FIELD_SIZE:
		size_format(uint_load(in, field->size), text);
		return json_string(text);
	case FIELD_ADDRESS:
		address_format(in, text);
		return json_string(text);
	case FIELD_PREFIX:
		prefix_format(in, text);
		return json_string(text);
	case FIELD_MAC:
		mac_format(in, text);
		return json_string(text);
	case FIELD_HEX:
		return encode_hex(in, field->size);
	case FIELD_JSON:
		return json_incref(*(json_t *const *)in);
	case FIELD_OBJECT:
		break;
	}
	return NULL;
}

bool field_value_fallback(const struct field *field, void *out)
{
	switch (field->kind) {
	case FIELD_NAME:
	case FIELD_FQDN:
	case FIELD_STRING:
		*(char **)out = field->fallback_text ? strdup(field->fallback_text) : NULL;
		return !field->fallback_text || *(char **)out;
	case FIELD_UINT:
	case FIELD_ENUM:
	case FIELD_DURATION:
	case FIELD_SIZE:
		uint_store(out, field->size, field->fallback);
		return true;
	case FIELD_BOOL:
		*(bool *)out = field->fallback != 0;
		return true;
	case FIELD_ADDRESS:
		return !field->fallback_text || address_parse(field->fallback_text, out);
	case FIELD_PREFIX:
	case FIELD_MAC:
	case FIELD_HEX:
	case FIELD_JSON:
	case FIELD_OBJECT:
		break;
	}
	return true; /* all zero */
}
