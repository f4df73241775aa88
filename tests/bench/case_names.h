/* SPDX-License-Identifier: BSD-3-Clause */
/* The cases of a bench that its command line names. */
#ifndef MAILRAIL_BENCH_CASE_NAMES_H
#define MAILRAIL_BENCH_CASE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Borrowed. */
struct case_names {
	char **list; /* none: all cases are wanted */
	uint32_t count;
};

/* The @number-th of a bench's cases. */
typedef const char *case_name_fn(uint32_t number);

bool case_names_have(const struct case_names *names, const char *name);
/* Is each of @names one of @count cases? -EINVAL, after a message on standard error. */
int case_names_check(const struct case_names *names, case_name_fn *name_at, uint32_t count);

#endif
