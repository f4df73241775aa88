/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the places of many names in a list. Names are borrowed. Control thread. */
#ifndef MAILRAIL_CONTROL_NAME_INDEX_H
#define MAILRAIL_CONTROL_NAME_INDEX_H

#include <stdint.h>

struct name_place {
	const char *name;
	uint32_t place;
};

/* Zeroed: without names. */
struct name_index {
	struct name_place *entries;
	uint32_t count;
};

/* Room for @capacity names. -ENOMEM. */
int name_index_init(struct name_index *index, uint32_t capacity);
void name_index_fini(struct name_index *index);

void name_index_add(struct name_index *index, const char *name, uint32_t place);
/* After the last name, before the first question. */
void name_index_sort(struct name_index *index);

/* The place of @name; -ENOENT: it is not there. */
int name_index_find(const struct name_index *index, const char *name);

#endif
