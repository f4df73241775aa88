/* SPDX-License-Identifier: BSD-3-Clause */
/* How the tables of field.h reach into the structs that they describe. */
#ifndef MAILRAIL_CONTROL_FIELD_ACCESS_H
#define MAILRAIL_CONTROL_FIELD_ACCESS_H

#include "field.h"
#include "field_value.h"

static inline void *field_at(const void *base, size_t offset)
{
	return (char *)base + offset;
}

static inline uint32_t field_list_count(const struct field *field, const void *value)
{
	return *(const uint32_t *)field_at(value, field->count_offset);
}

static inline void *field_list_element(const struct field *field, const void *value, uint32_t index)
{
	return field_at(*(void **)field_at(value, field->offset), (size_t)index * field->size);
}

static inline bool field_is_present(const struct field *field, const void *value)
{
	return !field->tracked || *(const bool *)field_at(value, field->present_offset);
}

/* Whether an encoded object leaves the member out. */
static inline bool field_is_absent(const struct field *field, const void *value)
{
	if (!field_is_present(field, value))
		return true;
	return !field->list && (field_kind_is_string(field->kind) || field->kind == FIELD_JSON) &&
	       !*(void *const *)field_at(value, field->offset);
}

#endif
