/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks for what a decoder had to complain about. */
#ifndef MAILRAIL_TESTS_ERRORS_H
#define MAILRAIL_TESTS_ERRORS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "field_errors.h"

/* Whether exactly one error stands at @pointer, and its message holds @part. */
static inline bool errors_have(const struct field_errors *errors, const char *pointer,
			       const char *part)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < errors->count; i++)
		if (strcmp(errors->list[i].pointer, pointer) == 0 &&
		    strstr(errors->list[i].message, part))
			found++;
	if (found != 1) {
		printf("\nexpected at %s: %s\n", pointer, part);
		field_errors_print(errors, stdout);
	}
	return found == 1;
}

#endif
