/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables for people: columns as wide as needed, together within TEXT_TABLE_WIDTH. */
#ifndef MAILRAIL_TOOLS_TEXT_TABLE_H
#define MAILRAIL_TOOLS_TEXT_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TEXT_TABLE_WIDTH       80
#define TEXT_TABLE_COLUMNS_MAX 12

/* Zero it, then set @columns: headings, those that begin with '>' stand to the right. */
struct text_table {
	const char *const *columns; /* ended by NULL */
	bool colour;		    /* states are coloured, for terminals */
	struct text_cell *cells;    /* row by row */
	uint32_t cell_count;
};

/* Adds the next cell of the current row; rows fill up from left to right. */
__attribute__((format(printf, 2, 3))) void text_table_add(struct text_table *table,
							  const char *format, ...);

/* A word that is good or bad news: "up", "down"; see text_colour.h. */
void text_table_add_state(struct text_table *table, const char *state);

/* A count or a number of bytes in at most six characters: 12345, 123.4k, 12.3M. */
void text_table_add_count(struct text_table *table, uint64_t count);

/* A part of a million, as per cent with one decimal. */
void text_table_add_share(struct text_table *table, uint64_t ppm);

/* Prints the table and frees what it holds. */
void text_table_finish(struct text_table *table, FILE *stream);

/* What text_table_add_count() writes; @out has TEXT_COUNT_MAX bytes. */
#define TEXT_COUNT_MAX 24
void text_count_format(uint64_t count, char *out);

#endif
