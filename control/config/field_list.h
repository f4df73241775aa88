/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of objects that fields describe, changed element by element. */
#ifndef MAILRAIL_CONTROL_FIELD_LIST_H
#define MAILRAIL_CONTROL_FIELD_LIST_H

#include "field.h"

/* Puts a deep copy of @element behind the others. -ENOMEM leaves the list as it was. */
int field_list_append(const struct field *list, void *value, const void *element);
/* Frees the element; those behind it move up. */
void field_list_remove(const struct field *list, void *value, uint32_t index);

#endif
