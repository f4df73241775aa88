/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members of objects that are there twice (RFC 8259, section 4: names should be unique), each
 * with its JSON Pointer and the lines of both. A parser that finds the first gives up, and one
 * that takes the last says nothing.
 */
#ifndef MAILRAIL_CONTROL_JSON_DUPLICATES_H
#define MAILRAIL_CONTROL_JSON_DUPLICATES_H

#include <stddef.h>

#include "field_errors.h"

/*
 * @text has to be valid JSON otherwise, as json_loadb(3) says without JSON_REJECT_DUPLICATES, and
 * to have no NUL byte.
 */
void json_duplicates_find(const char *text, size_t size, struct field_errors *errors);

#endif
