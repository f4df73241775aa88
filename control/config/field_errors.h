/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that is wrong with a document, each with the JSON Pointer (RFC 6901) of its place,
 * so that an operator mends a file in one go. Plain data; whoever holds it owns it. A zeroed
 * struct is a list without errors.
 */
#ifndef MAILRAIL_CONTROL_FIELD_ERRORS_H
#define MAILRAIL_CONTROL_FIELD_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Longer pointers are cut, at a character boundary. */
#define FIELD_POINTER_MAX 256
#define FIELD_MESSAGE_MAX 512
/* A document that is wrong throughout need not be answered by a longer one. */
#define FIELD_ERRORS_MAX 100

struct field_error {
	char pointer[FIELD_POINTER_MAX]; /* UTF-8; "" is the whole document */
	char message[FIELD_MESSAGE_MAX]; /* one line */
};

struct field_errors {
	char *source; /* file that the document came from; NULL: none */
	struct field_error *list;
	uint32_t count;
	uint32_t omitted; /* found beyond FIELD_ERRORS_MAX, or when memory was short */
};

/* Where a value stands: a chain on the stack, written out only when something is wrong there. */
struct field_path {
	const struct field_path *parent; /* NULL: the document */
	const char *key;		 /* member of an object, or */
	size_t index;			 /* element of an array when @key is NULL */
};

/* Writes the JSON Pointer of @path, NULL being the document; @out has FIELD_POINTER_MAX bytes. */
void field_path_format(const struct field_path *path, char *out);

__attribute__((format(printf, 3, 4))) void field_errors_add(struct field_errors *errors,
							    const struct field_path *path,
							    const char *format, ...);

bool field_errors_any(const struct field_errors *errors);

/* Puts @prefix (a JSON Pointer) before every pointer: the document is part of a larger one. */
void field_errors_prefix(struct field_errors *errors, const char *prefix);

/*
 * One error in one line, as it is shown to people: `SOURCE: POINTER: MESSAGE`. Control
 * characters in it are written as \uXXXX, so that it stays one line.
 */
#define FIELD_ERROR_LINE_MAX (4096 + FIELD_POINTER_MAX + FIELD_MESSAGE_MAX)
void field_errors_line(const struct field_errors *errors, uint32_t index, char *out, size_t size);

/* Every error as such a line, and how many were left out. */
void field_errors_print(const struct field_errors *errors, FILE *stream);

/* New reference: [{"pointer": ..., "message": ...}, ...]; NULL when there is no memory. */
json_t *field_errors_encode(const struct field_errors *errors);

/* Frees what @errors holds; it is a list without errors afterwards. */
void field_errors_fini(struct field_errors *errors);

#endif
