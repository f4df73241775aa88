/* SPDX-License-Identifier: BSD-3-Clause */
#include "name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *left, const void *right)
{
	const struct name_place *a = left, *b = right;

	return strcmp(a->name, b->name);
}

int name_index_init(struct name_index *index, uint32_t capacity)
{
	*index = (struct name_index){
		.entries = calloc(capacity + 1U, sizeof(*index->entries)),
	};
	return index->entries != NULL ? 0 : -ENOMEM;
}

void name_index_fini(struct name_index *index)
{
	free(index->entries);
}

void name_index_add(struct name_index *index, const char *name, uint32_t place)
{
	index->entries[index->count++] = (struct name_place){name, place};
}

void name_index_sort(struct name_index *index)
{
	qsort(index->entries, index->count, sizeof(*index->entries), by_name);
}

int name_index_find(const struct name_index *index, const char *name)
{
	const struct name_place key = {.name = name};
	const struct name_place *found = NULL;

	if (index->count > 0)
		found = bsearch(&key, index->entries, index->count, sizeof(key), by_name);
	return found != NULL ? (int)found->place : -ENOENT;
}
