/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the head of an HTTP request says that matters here (RFC 9110, RFC 9112), collected piece
 * by piece as the parser finds it. A zeroed one is empty.
 */
#ifndef MAILRAIL_CONTROL_HTTP_HEAD_H
#define MAILRAIL_CONTROL_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_FIELD_MAX 24 /* longer names are of no interest */

/* "" : the request has no such field. */
struct http_head {
	char target[1024];
	char host[272];
	char authorization[2048];
	char content_type[128];
	char expect[32];

	/* How far it is read. */
	char field[HTTP_HEAD_FIELD_MAX + 1];
	size_t field_size;
	bool in_value;
	char *value; /* where the current value belongs; NULL: nowhere */
	size_t value_room;
};

/* All return false when it is too long, or says twice what can be said once. */
bool http_head_target(struct http_head *head, const char *at, size_t size);
bool http_head_field(struct http_head *head, const char *at, size_t size);
bool http_head_value(struct http_head *head, const char *at, size_t size);

/*
 * The path of the target, without its query, into @out, of @size bytes. False: it has none that
 * fits.
 */
bool http_head_path(const struct http_head *head, char *out, size_t size);

/* The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1); NULL: it is something else.
 */
const char *http_head_bearer(const struct http_head *head, size_t *out_size);

/* Whether the content type is @type, with or without parameters. */
bool http_head_is_type(const struct http_head *head, const char *type);

/*
 * Whether the host is named by its address, or as localhost, so that no name server has had a
 * say in where the request went.
 */
bool http_head_host_is_literal(const struct http_head *head);

#endif
