/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text_colour.h"

/* No column gets narrower than this for the others' sake. */
#define COLUMN_MIN 8

struct text_cell {
	char *text;
	enum text_colour colour;
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("mailrailctl: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	va_list args;
	char *cell = NULL;

	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	table->cells = must(realloc(table->cells, (table->cell_count + 1) * sizeof(*table->cells)));
	table->cells[table->cell_count++] = (struct text_cell){must(cell), TEXT_PLAIN};
}

void text_table_add_state(struct text_table *table, const char *state)
{
	text_table_add(table, "%s", state);
	if (table->colour)
		table->cells[table->cell_count - 1].colour = text_colour_of(state);
}

void text_table_add_share(struct text_table *table, uint64_t ppm)
{
	text_table_add(table, "%.1f%%", (double)ppm / 10000.0);
}

void text_count_format(uint64_t count, char *out)
{
	static const char units[] = "kMGTPE";
	double scaled = (double)count;
	size_t unit = 0;

	if (count < 100000) {
		snprintf(out, TEXT_COUNT_MAX, "%" PRIu64, count);
		return;
	}
	for (scaled /= 1000; scaled >= 999.95 && units[unit + 1]; scaled /= 1000)
		unit++;
	snprintf(out, TEXT_COUNT_MAX, "%.1f%c", scaled, units[unit]);
}

void text_table_add_count(struct text_table *table, uint64_t count)
{
	char text[TEXT_COUNT_MAX];

	text_count_format(count, text);
	text_table_add(table, "%s", text);
}

static char *heading(const char *column)
{
	return (char *)column + (column[0] == '>');
}

static uint32_t column_count(const struct text_table *table)
{
	uint32_t count = 0;

	while (table->columns[count])
		count++;
	return count;
}

static size_t total_width(const size_t *widths, uint32_t count)
{
	size_t total = 2 * ((size_t)count - 1);

	for (uint32_t i = 0; i < count; i++)
		total += widths[i];
	return total;
}

static void measure(const struct text_table *table, uint32_t count, size_t *widths)
{
	for (uint32_t i = 0; i < count; i++)
		widths[i] = strlen(heading(table->columns[i]));
	for (uint32_t i = 0; i < table->cell_count; i++) {
		size_t length = strlen(table->cells[i].text);

		if (length > widths[i % count])
			widths[i % count] = length;
	}
	/* What is too wide in sum is taken from the widest. */
	while (total_width(widths, count) > TEXT_TABLE_WIDTH) {
		uint32_t widest = 0;

		for (uint32_t i = 1; i < count; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= COLUMN_MIN)
			break;
		widths[widest]--;
	}
}

static void print_cell(const struct text_cell *cell, size_t width, int right, int last,
		       FILE *stream)
{
	const char *text = cell->text;
	size_t length = strlen(text);

	fputs(text_colour_begin(cell->colour), stream);

	if (length > width)
		fprintf(stream, "%.*s~", (int)width - 1, text);
	else if (right)
		fprintf(stream, "%*s", (int)width, text);
	else
		fprintf(stream, "%-*s", last ? 0 : (int)width, text);
	fputs(text_colour_end(cell->colour), stream);
	fputs(last ? "\n" : "  ", stream);
}

void text_table_finish(struct text_table *table, FILE *stream)
{
	uint32_t count = column_count(table);
	size_t widths[TEXT_TABLE_COLUMNS_MAX] = {0};

	assert(count > 0 && count <= TEXT_TABLE_COLUMNS_MAX);
	measure(table, count, widths);
	for (uint32_t i = 0; i < count; i++)
		print_cell(&(struct text_cell){heading(table->columns[i]), TEXT_PLAIN}, widths[i],
			   table->columns[i][0] == '>', i + 1 == count, stream);
	for (uint32_t i = 0; i < table->cell_count; i++) {
		uint32_t column = i % count;

		print_cell(&table->cells[i], widths[column], table->columns[column][0] == '>',
			   column + 1 == count, stream);
		free(table->cells[i].text);
	}
	free(table->cells);
	table->cells = NULL;
	table->cell_count = 0;
}
