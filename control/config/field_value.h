/* SPDX-License-Identifier: BSD-3-Clause */
/* Single values of fields, between JSON and C; field.c puts objects and lists together. */
#ifndef MAILRAIL_CONTROL_FIELD_VALUE_H
#define MAILRAIL_CONTROL_FIELD_VALUE_H

#include "field.h"

/* Every kind but FIELD_OBJECT. False: @errors has grown, @out is untouched. */
bool field_value_decode(const struct field *field, const json_t *json,
			const struct field_path *path, void *out, struct field_errors *errors);

/* New reference. NULL: no memory, or an absent string. */
json_t *field_value_encode(const struct field *field, const void *in);

/* Of FIELD_UINT and FIELD_ENUM, whatever their size. */
uint64_t field_value_uint(const struct field *field, const void *in);

/* What a table can say for a member that is not there. False: no memory. */
bool field_value_fallback(const struct field *field, void *out);

/* The largest number that the field takes. */
uint64_t field_max(const struct field *field);

/* Whether the struct holds a pointer that it owns. */
bool field_kind_is_string(enum field_kind kind);

/* The value as messages show it, shortened; @out has FIELD_SHOWN_MAX bytes. */
#define FIELD_SHOWN_MAX 96
void field_value_show(const json_t *json, char *out);

#endif
