/* SPDX-License-Identifier: BSD-3-Clause */
#include "field_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "field_access.h"

static void set_count(const struct field *list, void *value, uint32_t count)
{
	*(uint32_t *)field_at(value, list->count_offset) = count;
}

int field_list_append(const struct field *list, void *value, const void *element)
{
	const uint32_t count = field_list_count(list, value);
	void **elements = field_at(value, list->offset);
	void *grown = reallocarray(*elements, (size_t)count + 1, list->size);
	int rc;

	if (!grown)
		return -ENOMEM;
	*elements = grown;
	rc = shape_copy(list->shape, element, field_list_element(list, value, count));
	if (rc == 0)
		set_count(list, value, count + 1);
	return rc;
}

void field_list_remove(const struct field *list, void *value, uint32_t index)
{
	const uint32_t count = field_list_count(list, value);
	char *element = field_list_element(list, value, index);

	shape_fini(list->shape, element);
	memmove(element, element + list->size, (size_t)(count - index - 1) * list->size);
	set_count(list, value, count - 1);
}
