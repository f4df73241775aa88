/* SPDX-License-Identifier: BSD-3-Clause */
#include "http_head.h"

#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "address_text.h"

static const struct wanted_field {
	const char *name;
	size_t offset, size;
} wanted_fields[] = {
#define WANTED(name, member)                                       \
	{                                                          \
		name, offsetof(struct http_head, member),          \
			sizeof(((struct http_head *)NULL)->member) \
	}
	WANTED("host", host),
	WANTED("authorization", authorization),
	WANTED("content-type", content_type),
	WANTED("expect", expect),
#undef WANTED
};

#define WANTED_COUNT (sizeof(wanted_fields) / sizeof(wanted_fields[0]))

/* @text is ended by a NUL and has @room bytes behind it. */
static bool append(char *text, size_t room, const char *at, size_t size)
{
	const size_t used = strlen(text);

	if (size >= room - used)
		return false;
	memcpy(text + used, at, size);
	text[used + size] = '\0';
	return true;
}

bool http_head_target(struct http_head *head, const char *at, size_t size)
{
	return append(head->target, sizeof(head->target), at, size);
}

bool http_head_field(struct http_head *head, const char *at, size_t size)
{
	if (head->in_value) {
		head->in_value = false;
		head->field_size = 0;
	}
	/* A name that is too long is remembered as such, and is none of ours. */
	for (size_t i = 0; i < size && head->field_size <= HTTP_HEAD_FIELD_MAX; i++)
		head->field[head->field_size++] = at[i];
	return true;
}

/* False: the field was there before. */
static bool begin_value(struct http_head *head)
{
	head->in_value = true;
	head->value = NULL;
	for (size_t i = 0; i < WANTED_COUNT; i++) {
		const struct wanted_field *wanted = &wanted_fields[i];

		if (strlen(wanted->name) != head->field_size ||
		    strncasecmp(wanted->name, head->field, head->field_size) != 0)
			continue;
		head->value = (char *)head + wanted->offset;
		head->value_room = wanted->size;
		return head->value[0] == '\0';
	}
	return true;
}

bool http_head_value(struct http_head *head, const char *at, size_t size)
{
	if (!head->in_value && !begin_value(head))
		return false;
	return !head->value || append(head->value, head->value_room, at, size);
}

bool http_head_path(const struct http_head *head, char *out, size_t size)
{
	struct http_parser_url url;
	size_t length;

	http_parser_url_init(&url);
	if (http_parser_parse_url(head->target, strlen(head->target), 0, &url) != 0 ||
	    !(url.field_set & 1 << UF_PATH))
		return false;
	length = url.field_data[UF_PATH].len;
	if (length >= size)
		return false;
	memcpy(out, head->target + url.field_data[UF_PATH].off, length);
	out[length] = '\0';
	return true;
}

const char *http_head_bearer(const struct http_head *head, size_t *out_size)
{
	static const char scheme[] = "Bearer ";
	const char *token = head->authorization + strlen(scheme);

	if (strncasecmp(head->authorization, scheme, strlen(scheme)) != 0)
		return NULL;
	token += strspn(token, " ");
	*out_size = strcspn(token, " \t");
	return token;
}

bool http_head_is_type(const struct http_head *head, const char *type)
{
	const size_t length = strcspn(head->content_type, "; \t");

	return length == strlen(type) && strncasecmp(head->content_type, type, length) == 0;
}

bool http_head_host_is_literal(const struct http_head *head)
{
	char host[sizeof(head->host)];
	struct mr_addr address;

	if (head->host[0] == '[') {
		const size_t length = strcspn(head->host + 1, "]");

		memcpy(host, head->host + 1, length);
		host[length] = '\0';
	} else {
		const size_t length = strcspn(head->host, ": \t");

		memcpy(host, head->host, length);
		host[length] = '\0';
	}
	return strcasecmp(host, "localhost") == 0 || address_parse(host, &address);
}
