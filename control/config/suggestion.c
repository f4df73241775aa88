/* SPDX-License-Identifier: BSD-3-Clause */
#include "suggestion.h"

#include <stdio.h>
#include <string.h>

/* Longer words are not looked at: nobody mistypes a known name into one. */
#define WORD_MAX 64

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * Edits that make @b of @a: insertion, deletion, replacement, and two neighbours swapped (the
 * "optimal string alignment" distance).
 */
static uint32_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	uint32_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (uint32_t)j;
	for (size_t i = 1; i <= a_length; i++) {
		uint32_t *row = rows[i % 3];
		const uint32_t *above = rows[(i + 2) % 3];
		const uint32_t *two_above = rows[(i + 1) % 3];

		row[0] = (uint32_t)i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = min_u32(above[j - 1] + (a[i - 1] != b[j - 1]),
					 min_u32(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min_u32(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(suggestion->word), candidate_length = strlen(candidate);
	uint32_t distance;

	if (length > WORD_MAX || candidate_length > WORD_MAX)
		return;
	distance = edit_distance(suggestion->word, length, candidate, candidate_length);
	/* Up to one edit in three letters looks like a slip, more like another word. */
	if (distance > 1 && distance > candidate_length / 3)
		return;
	if (distance >= candidate_length || (suggestion->best && distance >= suggestion->distance))
		return;
	suggestion->best = candidate;
	suggestion->distance = distance;
}

void suggestion_format(const struct suggestion *suggestion, char *out)
{
	if (suggestion->best)
		snprintf(out, SUGGESTION_TEXT_MAX, " (did you mean \"%s\"?)", suggestion->best);
	else
		out[0] = '\0';
}
