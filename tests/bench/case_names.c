/* SPDX-License-Identifier: BSD-3-Clause */
#include "case_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool case_names_have(const struct case_names *names, const char *name)
{
	for (uint32_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i], name) == 0)
			return true;
	}
	return names->count == 0;
}

int case_names_check(const struct case_names *names, case_name_fn *name_at, uint32_t count)
{
	for (uint32_t i = 0; i < names->count; i++) {
		uint32_t number = 0;

		while (number < count && strcmp(name_at(number), names->list[i]) != 0)
			number++;
		if (number == count) {
			fprintf(stderr, "bench: no case is called %s: see --list\n",
				names->list[i]);
			return -EINVAL;
		}
	}
	return 0;
}
