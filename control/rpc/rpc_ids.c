/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_ids.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Integers of so many digits, with their sign, are jansson's too. */
#define PLAIN_DIGITS_MAX 18

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* Behind the string that begins at @at; @end: it does not end. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			at++;
	}
	return end;
}

/* Behind the number that begins at @at (RFC 8259, section 6); @at: there is none. */
static const char *skip_number(const char *at, const char *end)
{
	const char *integer = at < end && *at == '-' ? at + 1 : at;
	const char *behind = skip_digits(integer, end);
	const char *digits;

	if (behind == integer || (*integer == '0' && behind > integer + 1))
		return at;
	if (behind < end && *behind == '.') {
		digits = behind + 1;
		behind = skip_digits(digits, end);
		if (behind == digits)
			return at;
	}
	if (behind < end && (*behind == 'e' || *behind == 'E')) {
		digits = behind + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		behind = skip_digits(digits, end);
		if (behind == digits)
			return at;
	}
	return behind;
}

static bool is_plain(const char *number, size_t size)
{
	return size <= PLAIN_DIGITS_MAX && !memchr(number, '.', size) &&
	       !memchr(number, 'e', size) && !memchr(number, 'E', size);
}

/*
 * Where text goes on behind the member name at @at. *@out: the member is an id that is a number,
 * and not a plain one.
 */
static const char *take_member(const char *at, const char *end, struct rpc_id *out)
{
	const char *behind = skip_string(at, end);
	const char *value = skip_space(behind, end);
	const char *value_end;

	if (behind - at != strlen("\"id\"") || memcmp(at, "\"id\"", strlen("\"id\"")) != 0 ||
	    value == end || *value != ':')
		return behind;
	value = skip_space(value + 1, end);
	value_end = skip_number(value, end);
	if (value_end > value && !is_plain(value, (size_t)(value_end - value)))
		*out = (struct rpc_id){value, (size_t)(value_end - value)};
	return value_end;
}

/* How many there are. */
static size_t scan(const char *text, size_t size, struct rpc_ids *out)
{
	const char *end = text + size, *at = skip_space(text, end);
	const unsigned int in_request = at < end && *at == '[' ? 2 : 1;
	unsigned int depth = 0;
	size_t request = 0, count = 0;

	while (at < end && request < RPC_BATCH_MAX) {
		if (*at == '"' && depth == in_request) {
			at = take_member(at, end, &out->of[request]);
			continue;
		}
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		depth += *at == '[' || *at == '{';
		depth -= depth > 0 && (*at == ']' || *at == '}');
		request += *at == ',' && depth + 1 == in_request;
		at++;
	}
	for (size_t i = 0; i < RPC_BATCH_MAX; i++)
		count += out->of[i].text != NULL;
	return count;
}

int rpc_ids_find(const char *text, size_t size, struct rpc_ids *out, char **out_masked)
{
	char *masked;

	*out = (struct rpc_ids){0};
	*out_masked = NULL;
	if (scan(text, size, out) == 0)
		return 0;
	masked = malloc(size);
	if (!masked)
		return -ENOMEM;
	memcpy(masked, text, size);
	for (size_t i = 0; i < RPC_BATCH_MAX; i++) {
		char *place;

		if (!out->of[i].text)
			continue;
		place = masked + (out->of[i].text - text);
		memset(place, ' ', out->of[i].size);
		*place = '0';
	}
	*out_masked = masked;
	return 0;
}

char *rpc_id_restore(const struct rpc_id *id, char *answer)
{
	const size_t place = strlen(answer) - strlen("0}");
	char *grown;

	assert(strcmp(answer + place, "0}") == 0);
	grown = realloc(answer, place + id->size + sizeof("}"));
	if (!grown) {
		free(answer);
		return NULL;
	}
	memcpy(grown + place, id->text, id->size);
	strcpy(grown + place + id->size, "}");
	return grown;
}
