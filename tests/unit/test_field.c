/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <mailrail/address.h>
#include <rte_ether.h>

#include "../lib/errors.h"
#include "../lib/unit.h"
#include "field.h"
#include "field_schema.h"
#include "field_write.h"

enum colour { RED, GREEN };

struct wheel {
	char *name;
	uint16_t size;
};

struct car {
	char *name;
	char *domain;
	char *path;
	uint8_t small;
	uint64_t large;
	bool open;
	enum colour colour;
	uint32_t patience_ms;
	struct mr_addr address;
	struct mr_prefix prefix;
	struct rte_ether_addr mac;
	uint8_t key[4];
	json_t *extra;
	struct wheel spare;
	struct wheel *wheels;
	uint32_t wheel_count;
	uint16_t *numbers;
	uint32_t number_count;
	char **words;
	uint32_t word_count;
	bool weight_given;
	uint32_t weight;
	int untold; /* no field of the table */
};

static const char *const colours[] = {[RED] = "red", [GREEN] = "green", NULL};

static const struct field wheel_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct wheel, name), .required = true, .key = true,
	 .text = "Name"},
	{"size", FIELD_UINT, FIELD_AT(struct wheel, size), .min = 10, .max = 30, .fallback = 15,
	 .text = "Size"},
};
static const struct shape wheel_shape = SHAPE("wheel", struct wheel, wheel_fields, "Wheel");

static const struct field car_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct car, name), .required = true, .text = "Name"},
	{"domain", FIELD_FQDN, FIELD_AT(struct car, domain), .text = "Domain"},
	{"path", FIELD_STRING, FIELD_AT(struct car, path), .min = 1, .max = 8,
	 .fallback_text = "/x", .text = "Path"},
	{"small", FIELD_UINT, FIELD_AT(struct car, small), .text = "Small"},
	{"large", FIELD_UINT, FIELD_AT(struct car, large), .text = "Large"},
	{"open", FIELD_BOOL, FIELD_AT(struct car, open), .fallback = true, .text = "Open"},
	{"colour", FIELD_ENUM, FIELD_AT(struct car, colour), .choices = colours, .fallback = GREEN,
	 .text = "Colour"},
	{"patience", FIELD_DURATION, FIELD_AT(struct car, patience_ms), .min = 1000, .max = 60000,
	 .fallback = 5000, .text = "Patience"},
	{"address", FIELD_ADDRESS, FIELD_AT(struct car, address), .text = "Address"},
	{"prefix", FIELD_PREFIX, FIELD_AT(struct car, prefix), .text = "Prefix"},
	{"mac", FIELD_MAC, FIELD_AT(struct car, mac), .text = "MAC"},
	{"key", FIELD_HEX, FIELD_AT(struct car, key), .secret = true, .text = "Key"},
	{"extra", FIELD_JSON, FIELD_AT(struct car, extra), .text = "Extra"},
	{"spare", FIELD_OBJECT, FIELD_AT(struct car, spare), .required = true,
	 .shape = &wheel_shape, .text = "Spare"},
	{"wheels", FIELD_OBJECT, FIELD_LIST_AT(struct car, wheels, wheel_count),
	 .shape = &wheel_shape, .list_min = 1, .list_max = 4, .text = "Wheels"},
	{"numbers", FIELD_UINT, FIELD_LIST_AT(struct car, numbers, number_count), .min = 1,
	 .unique = true, .text = "Numbers"},
	{"words", FIELD_STRING, FIELD_LIST_AT(struct car, words, word_count), .text = "Words"},
	{"weight", FIELD_UINT, FIELD_AT(struct car, weight),
	 FIELD_PRESENT(struct car, weight_given), .max = 9, .text = "Weight"},
};
static const struct shape car_shape = SHAPE("car", struct car, car_fields, "Car");

static const char full[] =
	"{\"name\": \"a\", \"domain\": \"x.org\", \"path\": \"/y\", \"small\": 255, "
	"\"large\": 9223372036854775807, \"open\": false, \"colour\": \"red\", "
	"\"patience\": \"1m\", \"address\": \"2001:db8::1\", \"prefix\": \"10.0.0.0/8\", "
	"\"mac\": \"02:00:00:00:00:01\", \"key\": \"00aAfF10\", \"extra\": {\"b\": [1]}, "
	"\"spare\": {\"name\": \"s\", \"size\": 30}, \"wheels\": [{\"name\": \"l\"}, "
	"{\"name\": \"r\", \"size\": 10}], \"numbers\": [3, 1, 65535], \"words\": [\"u\", \"v\"], "
	"\"weight\": 0}";

static bool decode(const char *text, struct car *car, struct field_errors *errors)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	bool ok;

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	*errors = (struct field_errors){0};
	ok = shape_decode(&car_shape, json, NULL, car, errors);
	json_decref(json);
	CU_ASSERT_EQUAL(ok, !field_errors_any(errors));
	return ok;
}

static void release(struct car *car, struct field_errors *errors)
{
	shape_fini(&car_shape, car);
	field_errors_fini(errors);
}

static void test_every_kind(void)
{
	struct field_errors errors;
	struct car car;

	CU_ASSERT_FATAL(decode(full, &car, &errors));
	CU_ASSERT_STRING_EQUAL(car.name, "a");
	CU_ASSERT_STRING_EQUAL(car.domain, "x.org");
	CU_ASSERT_STRING_EQUAL(car.path, "/y");
	CU_ASSERT_EQUAL(car.small, 255);
	CU_ASSERT_EQUAL(car.large, INT64_MAX);
	CU_ASSERT_FALSE(car.open);
	CU_ASSERT_EQUAL(car.colour, RED);
	CU_ASSERT_EQUAL(car.patience_ms, 60000);
	CU_ASSERT_EQUAL(car.address.bytes[15], 1);
	CU_ASSERT_EQUAL(car.prefix.length, 104);
	CU_ASSERT_EQUAL(car.mac.addr_bytes[5], 1);
	CU_ASSERT_EQUAL(memcmp(car.key, "\x00\xaa\xff\x10", 4), 0);
	CU_ASSERT(json_is_array(json_object_get(car.extra, "b")));
	CU_ASSERT_EQUAL(car.spare.size, 30);
	CU_ASSERT_EQUAL_FATAL(car.wheel_count, 2);
	CU_ASSERT_EQUAL(car.wheels[0].size, 15);
	CU_ASSERT_EQUAL(car.wheels[1].size, 10);
	CU_ASSERT_EQUAL_FATAL(car.number_count, 3);
	CU_ASSERT_EQUAL(car.numbers[2], 65535);
	CU_ASSERT_EQUAL_FATAL(car.word_count, 2);
	CU_ASSERT_STRING_EQUAL(car.words[1], "v");
	CU_ASSERT(car.weight_given);
	release(&car, &errors);
	CU_ASSERT_PTR_NULL(car.name);
}

static void test_fallbacks(void)
{
	struct field_errors errors;
	struct car car;

	CU_ASSERT_FATAL(decode("{\"name\": \"a\", \"spare\": {\"name\": \"s\"}}", &car, &errors));
	CU_ASSERT_PTR_NULL(car.domain);
	CU_ASSERT_STRING_EQUAL(car.path, "/x");
	CU_ASSERT(car.open);
	CU_ASSERT_EQUAL(car.colour, GREEN);
	CU_ASSERT_EQUAL(car.patience_ms, 5000);
	CU_ASSERT_EQUAL(car.spare.size, 15);
	CU_ASSERT_EQUAL(car.wheel_count, 0);
	CU_ASSERT_PTR_NULL(car.wheels);
	CU_ASSERT_FALSE(car.weight_given);
	release(&car, &errors);
}

/* @member: "name": value, put into an otherwise right document. */
static void test_wrong_values(void)
{
	static const struct {
		const char *member;
		const char *pointer;
		const char *message;
	} rows[] = {
		{"\"name\": \"-\"", "/name", "\"-\" is not a name"},
		{"\"name\": 1", "/name", "got the number 1"},
		{"\"name\": null", "/name", "got null"},
		{"\"domain\": \"a..b\"", "/domain", "\"a..b\" is not a domain name"},
		{"\"path\": \"\"", "/path", "0 bytes long; expected 1..8"},
		{"\"path\": \"123456789\"", "/path", "9 bytes long; expected 1..8"},
		{"\"path\": \"a\\nb\"", "/path", "control character"},
		{"\"small\": 256", "/small", "256 is outside 0..255"},
		{"\"small\": -1", "/small", "-1 is outside 0..255"},
		{"\"small\": \"7\"", "/small", "expected an integer in 0..255, got the string"},
		{"\"small\": 7.0", "/small", "got the number 7.0"},
		{"\"small\": true", "/small", "got true"},
		{"\"small\": []", "/small", "got an array"},
		{"\"open\": 1", "/open", "expected true or false, got the number 1"},
		{"\"open\": \"true\"", "/open", "expected true or false, got the string"},
		{"\"colour\": \"gren\"", "/colour",
		 "\"gren\" is not one of \"red\", \"green\" (did you mean \"green\"?)"},
		{"\"colour\": 0", "/colour", "expected one of \"red\", \"green\", got the number"},
		{"\"patience\": \"999ms\"", "/patience", "\"999ms\" is outside \"1s\"..\"1m\""},
		{"\"patience\": \"61s\"", "/patience", "\"61s\" is outside \"1s\"..\"1m\""},
		{"\"patience\": \"9999999999h\"", "/patience", "is outside"},
		{"\"patience\": \"5\"", "/patience", "\"5\" is not a duration with its unit"},
		{"\"patience\": 5", "/patience", "expected a duration with its unit"},
		{"\"address\": \"224.0.0.1\"", "/address", "is not the IPv4 or IPv6 address"},
		{"\"prefix\": \"10.0.0.1/8\"", "/prefix", "it is \"10.0.0.0/8\""},
		{"\"mac\": \"1\"", "/mac", "is not a MAC address"},
		{"\"key\": \"00aaff1\"", "/key", "7 hexadecimal digits; expected 8"},
		{"\"key\": \"00aaff100\"", "/key", "9 hexadecimal digits; expected 8"},
		{"\"key\": \"00aaffxx\"", "/key", "character 7 is not a hexadecimal digit"},
		{"\"key\": \"unchanged\"", "/key", "stands for a secret"},
		{"\"extra\": []", "/extra", "expected an object, got an array"},
		{"\"spare\": 1", "/spare", "expected an object, got 1"},
		{"\"spare\": {}", "/spare/name", "missing"},
		{"\"spare\": {\"name\": \"x\", \"sise\": 1}", "/spare/sise",
		 "unknown field (did you mean \"size\"?)"},
		{"\"wheels\": {}", "/wheels", "expected an array, got an object"},
		{"\"wheels\": []", "/wheels", "0 elements; at least 1"},
		{"\"wheels\": [1, 2, 3, 4, 5]", "/wheels", "5 elements; at most 4"},
		{"\"wheels\": [{\"name\": \"a\"}, {\"name\": \"b\"}, {\"name\": \"a\"}]",
		 "/wheels/2/name", "\"a\" is already at /wheels/0/name"},
		{"\"wheels\": [{\"name\": \"a\", \"size\": 31}]", "/wheels/0/size",
		 "31 is outside 10..30"},
		{"\"numbers\": [7, 8, 7]", "/numbers/2", "7 is already at /numbers/0"},
		{"\"numbers\": [1, 0]", "/numbers/1", "0 is outside 1..65535"},
		{"\"weight\": 10", "/weight", "10 is outside 0..9"},
		{"\"a/b~c\": 1", "/a~1b~0c", "unknown field"},
		{"\"a\\nb\": 1", "/a\nb", "unknown field"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *document =
			json_loads("{\"name\": \"a\", \"spare\": {\"name\": \"s\"}}", 0, NULL);
		struct field_errors errors = {0};
		struct car car;
		char member[256];
		json_t *change;

		snprintf(member, sizeof(member), "{%s}", rows[i].member);
		change = json_loads(member, 0, NULL);
		CU_ASSERT_FATAL(json_object_update(document, change) == 0);
		CU_ASSERT_FALSE(shape_decode(&car_shape, document, NULL, &car, &errors));
		CU_ASSERT_EQUAL(errors.count, 1);
		CU_ASSERT(errors_have(&errors, rows[i].pointer, rows[i].message));
		json_decref(change);
		json_decref(document);
		release(&car, &errors);
	}
}

static void test_all_errors_at_once(void)
{
	struct field_errors errors;
	struct car car;

	CU_ASSERT_FALSE(decode("{\"small\": 256, \"wheels\": [{\"size\": 9}, {\"name\": 1}], "
			       "\"numbers\": [0, 0, 5, 5], \"nme\": 1}",
			       &car, &errors));
	CU_ASSERT_EQUAL(errors.count, 10);
	CU_ASSERT(errors_have(&errors, "/nme", "did you mean \"name\""));
	CU_ASSERT(errors_have(&errors, "/name", "missing"));
	CU_ASSERT(errors_have(&errors, "/small", "outside"));
	CU_ASSERT(errors_have(&errors, "/spare", "missing"));
	CU_ASSERT(errors_have(&errors, "/wheels/0/name", "missing"));
	CU_ASSERT(errors_have(&errors, "/wheels/0/size", "outside"));
	CU_ASSERT(errors_have(&errors, "/wheels/1/name", "expected a name"));
	CU_ASSERT(errors_have(&errors, "/numbers/0", "outside"));
	CU_ASSERT(errors_have(&errors, "/numbers/1", "outside"));
	CU_ASSERT(errors_have(&errors, "/numbers/3", "already at /numbers/2"));
	release(&car, &errors);

	CU_ASSERT_FALSE(decode("[]", &car, &errors));
	CU_ASSERT(errors_have(&errors, "", "expected an object, got an array"));
	release(&car, &errors);
}

static void test_secrets_are_not_told(void)
{
	struct field_errors errors;
	struct car car;

	CU_ASSERT_FALSE(decode("{\"name\": \"a\", \"spare\": {\"name\": \"s\"}, "
			       "\"key\": \"c0ffee\"}",
			       &car, &errors));
	CU_ASSERT_PTR_NULL(strstr(errors.list[0].message, "c0ffee"));
	release(&car, &errors);
	CU_ASSERT_FALSE(decode("{\"name\": \"a\", \"spare\": {\"name\": \"s\"}, \"key\": 4711}",
			       &car, &errors));
	CU_ASSERT_PTR_NULL(strstr(errors.list[0].message, "4711"));
	release(&car, &errors);
}

static void test_positional(void)
{
	json_t *json = json_loads("[\"a\", \"x.org\", 7]", 0, NULL);
	struct field_errors errors = {0};
	struct car car;

	CU_ASSERT_FALSE(shape_decode_positional(&car_shape, json, &car, &errors));
	CU_ASSERT_STRING_EQUAL(car.name, "a");
	CU_ASSERT_STRING_EQUAL(car.domain, "x.org");
	CU_ASSERT_EQUAL(errors.count, 2);
	CU_ASSERT(errors_have(&errors, "/2", "expected a string"));
	CU_ASSERT(errors_have(&errors, "/spare", "missing"));
	json_decref(json);
	release(&car, &errors);

	json = json_loads("[\"a\", 1, 2]", 0, NULL);
	errors = (struct field_errors){0};
	CU_ASSERT_FALSE(shape_decode_positional(&wheel_shape, json, &car.spare, &errors));
	CU_ASSERT(errors_have(&errors, "/2", "3 parameters; at most 2"));
	json_decref(json);
	shape_fini(&wheel_shape, &car.spare);
	field_errors_fini(&errors);
}

static void test_encode_what_was_decoded(void)
{
	struct field_errors errors;
	struct car car, copy;
	json_t *json, *again, *redacted;

	CU_ASSERT_FATAL(decode(full, &car, &errors));
	car.untold = 42;
	json = shape_encode(&car_shape, &car, SHAPE_PLAIN);
	CU_ASSERT_EQUAL_FATAL(shape_copy(&car_shape, &car, &copy), 0);
	redacted = shape_encode(&car_shape, &car, SHAPE_REDACT);
	release(&car, &errors);
	again = shape_encode(&car_shape, &copy, SHAPE_PLAIN);

	CU_ASSERT(json_equal(json, again));
	CU_ASSERT_EQUAL(copy.untold, 42);
	CU_ASSERT_EQUAL(json_object_size(json), sizeof(car_fields) / sizeof(car_fields[0]));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "patience")), "1m");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "key")), "00aaff10");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(redacted, "key")), "unchanged");
	json_object_set_new(redacted, "key", json_string("00aaff10"));
	CU_ASSERT(json_equal(json, redacted));
	json_decref(json);
	json_decref(again);
	json_decref(redacted);
	shape_fini(&car_shape, &copy);
}

static void test_absent_members_stay_away(void)
{
	struct field_errors errors;
	struct car car;
	json_t *json;

	CU_ASSERT_FATAL(decode("{\"name\": \"a\", \"spare\": {\"name\": \"s\"}}", &car, &errors));
	json = shape_encode(&car_shape, &car, SHAPE_PLAIN);
	CU_ASSERT_PTR_NULL(json_object_get(json, "weight"));
	CU_ASSERT_PTR_NULL(json_object_get(json, "domain"));
	CU_ASSERT_PTR_NULL(json_object_get(json, "extra"));
	CU_ASSERT_PTR_NOT_NULL(json_object_get(json, "wheels"));
	json_decref(json);
	release(&car, &errors);
}

static void test_error_list_is_bounded(void)
{
	json_t *json = json_object();
	struct field_errors errors = {0};
	struct car car;
	char name[400];

	for (int i = 0; i < FIELD_ERRORS_MAX + 50; i++) {
		snprintf(name, sizeof(name), "%0300d\xc3\xa4", i);
		json_object_set_new(json, name, json_true());
	}
	CU_ASSERT_FALSE(shape_decode(&car_shape, json, NULL, &car, &errors));
	CU_ASSERT_EQUAL(errors.count, FIELD_ERRORS_MAX);
	CU_ASSERT_EQUAL(errors.omitted, 52);
	json_decref(json);
	json = field_errors_encode(&errors);
	CU_ASSERT_EQUAL(json_array_size(json), FIELD_ERRORS_MAX);
	json_decref(json);
	release(&car, &errors);
}

/* Cut anywhere, a pointer stays valid UTF-8, or it could not be sent. */
static void test_long_pointers_are_cut_between_characters(void)
{
	for (size_t length = FIELD_POINTER_MAX - 8; length < FIELD_POINTER_MAX + 4; length++) {
		char name[FIELD_POINTER_MAX + 16] = "", pointer[FIELD_POINTER_MAX];
		struct field_path path = {NULL, name, 0};
		json_t *json;

		memset(name, 'a', length);
		strcpy(name + length, "\xe2\x82\xac\xe2\x82\xac");
		field_path_format(&path, pointer);
		json = json_string(pointer);
		CU_ASSERT_PTR_NOT_NULL(json);
		json_decref(json);
	}
}

static void test_lines_stay_lines(void)
{
	struct field_errors errors = {.source = strdup("a\nb")};
	char line[FIELD_ERROR_LINE_MAX], small[8];

	field_errors_add(&errors, &(struct field_path){NULL, "x\ty", 0}, "wrong");
	field_errors_line(&errors, 0, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "a\\u000ab: /x\\u0009y: wrong");
	field_errors_line(&errors, 0, small, sizeof(small));
	CU_ASSERT_STRING_EQUAL(small, "a\\u000a");
	field_errors_prefix(&errors, "/config");
	CU_ASSERT_STRING_EQUAL(errors.list[0].pointer, "/config/x\ty");
	field_errors_fini(&errors);
}

static void test_schema(void)
{
	json_t *schema = shape_schema(&car_shape, FIELD_SCHEMA_PLAIN);
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *patience = json_object_get(properties, "patience");
	const json_t *wheels = json_object_get(properties, "wheels");

	CU_ASSERT_EQUAL(json_object_size(properties), sizeof(car_fields) / sizeof(car_fields[0]));
	CU_ASSERT(json_is_false(json_object_get(schema, "additionalProperties")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(schema, "required")), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(patience, "default")), "5s");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(patience, "description")),
			       "Patience. From \"1s\" to \"1m\".");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(wheels, "maxItems")), 4);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(properties, "weight"), "default"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		json_string_value(json_object_get(json_object_get(properties, "key"), "pattern")),
		"{8}$"));
	json_decref(schema);
}

/* jansson's text, from a struct. */
static void expect_text(const struct car *car, enum shape_encode_flags flags,
			enum shape_layout layout)
{
	json_t *json = shape_encode(&car_shape, car, flags);
	char *expected = json_dumps(json, layout == SHAPE_INDENTED ? JSON_INDENT(2) : JSON_COMPACT);
	char *text = shape_write(&car_shape, car, flags, layout);

	CU_ASSERT_STRING_EQUAL(text, expected);
	free(text);
	free(expected);
	json_decref(json);
}

static void test_written_text(void)
{
	static const char *const texts[] = {
		full,
		"{\"name\": \"a\", \"spare\": {\"name\": \"s\"}, \"wheels\": [{\"name\": \"l\"}]}",
		"{\"name\": \"a\", \"path\": \"\\\"\\\\\\/\\\"\", \"spare\": {\"name\": \"s\"}, "
		"\"wheels\": [{\"name\": \"l\"}], \"words\": [\"\", \"\\\\\", \"\u00e4\"]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct field_errors errors;
		struct car car;

		CU_ASSERT_FATAL(decode(texts[i], &car, &errors));
		if (!car.extra) /* which stays on its line */
			expect_text(&car, SHAPE_PLAIN, SHAPE_INDENTED);
		expect_text(&car, SHAPE_PLAIN, SHAPE_ONE_LINE);
		expect_text(&car, SHAPE_REDACT, SHAPE_ONE_LINE);
		release(&car, &errors);
	}
}

struct ticket {
	uint64_t number;
	json_t *value;
};

static const char *const ticket_words[] = {"first", "last", NULL};
static const struct field ticket_fields[] = {
	{"number", FIELD_UINT, FIELD_AT(struct ticket, number), .min = 1, .choices = ticket_words,
	 .fallback = FIELD_WORD(1), .text = "Number"},
	{"value", FIELD_JSON, FIELD_AT(struct ticket, value), .any = true, .text = "Value"},
};
static const struct shape ticket_shape = SHAPE("ticket", struct ticket, ticket_fields, "Ticket");

/* A number or a word, and any value at all. */
static void test_words_and_any_values(void)
{
	static const struct {
		const char *text;
		uint64_t number; /* 0: refused */
	} rows[] = {
		{"{\"number\": 7, \"value\": 1}", 7},
		{"{\"number\": \"first\", \"value\": \"a\"}", FIELD_WORD(0)},
		{"{\"value\": [null]}", FIELD_WORD(1)},
		{"{\"number\": \"7\"}", 0},
		{"{\"number\": \"firs\"}", 0},
		{"{\"number\": 0}", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_loads(rows[i].text, 0, NULL), *encoded;
		struct field_errors errors = {0};
		struct ticket ticket;

		CU_ASSERT_EQUAL(shape_decode(&ticket_shape, json, NULL, &ticket, &errors),
				rows[i].number != 0);
		if (rows[i].number != 0) {
			CU_ASSERT_EQUAL(ticket.number, rows[i].number);
			encoded = shape_encode(&ticket_shape, &ticket, SHAPE_PLAIN);
			if (!json_object_get(json, "number"))
				json_object_set_new(json, "number", json_string("last"));
			CU_ASSERT(json_equal(encoded, json));
			json_decref(encoded);
		}
		shape_fini(&ticket_shape, &ticket);
		field_errors_fini(&errors);
		json_decref(json);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_every_kind),
		UNIT_TEST(test_fallbacks),
		UNIT_TEST(test_wrong_values),
		UNIT_TEST(test_all_errors_at_once),
		UNIT_TEST(test_secrets_are_not_told),
		UNIT_TEST(test_positional),
		UNIT_TEST(test_encode_what_was_decoded),
		UNIT_TEST(test_absent_members_stay_away),
		UNIT_TEST(test_error_list_is_bounded),
		UNIT_TEST(test_long_pointers_are_cut_between_characters),
		UNIT_TEST(test_lines_stay_lines),
		UNIT_TEST(test_schema),
		UNIT_TEST(test_written_text),
		UNIT_TEST(test_words_and_any_values),
		CU_TEST_INFO_NULL,
	};

	return unit_run("field", tests);
}
