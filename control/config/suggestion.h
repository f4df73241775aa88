/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the known word that a misspelt one was meant to be. */
#ifndef MAILRAIL_CONTROL_SUGGESTION_H
#define MAILRAIL_CONTROL_SUGGESTION_H

#include <stdint.h>

/* Zero it but for @word. Both strings are borrowed. */
struct suggestion {
	const char *word;
	const char *best; /* NULL: nothing comes near */
	uint32_t distance;
};

void suggestion_consider(struct suggestion *suggestion, const char *candidate);

/* ` (did you mean "backends"?)`, or nothing; @out has SUGGESTION_TEXT_MAX bytes. */
#define SUGGESTION_TEXT_MAX 96
void suggestion_format(const struct suggestion *suggestion, char *out);

#endif
