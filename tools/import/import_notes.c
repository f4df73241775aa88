/* SPDX-License-Identifier: BSD-3-Clause */
#include "import_notes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What was read from a file may hold anything; a terminal shall not obey it. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* The same may be found again for another port of a service. */
static bool is_there(const struct import_notes *notes, uint32_t line, const char *text)
{
	for (uint32_t i = notes->count; i-- > 0 && notes->list[i].line == line;)
		if (strcmp(notes->list[i].text, text) == 0)
			return true;
	return false;
}

void import_notes_add(struct import_notes *notes, uint32_t line, uint32_t column,
		      const char *format, ...)
{
	char text[IMPORT_NOTE_MAX];
	struct import_note *grown;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	if (is_there(notes, line, text))
		return;
	/* Of too many the last one is kept: it may say why there is no result. */
	if (notes->count == IMPORT_NOTES_MAX) {
		free(notes->list[--notes->count].text);
		notes->omitted++;
	}
	grown = realloc(notes->list, (notes->count + 1) * sizeof(*grown));
	if (!grown) {
		notes->omitted++;
		return;
	}
	notes->list = grown;
	notes->list[notes->count] = (struct import_note){line, column, strdup(text)};
	if (!notes->list[notes->count].text)
		notes->omitted++;
	else
		notes->count++;
}

static uint32_t rank(const struct import_note *note)
{
	return note->line > 0 ? note->line : UINT32_MAX;
}

void import_notes_sort(struct import_notes *notes)
{
	/* By insertion: most notes come in order already. */
	for (uint32_t i = 1; i < notes->count; i++) {
		const struct import_note note = notes->list[i];
		uint32_t at = i;

		for (; at > 0 && rank(&notes->list[at - 1]) > rank(&note); at--)
			notes->list[at] = notes->list[at - 1];
		notes->list[at] = note;
	}
}

void import_notes_print(const struct import_notes *notes, const char *source, FILE *stream)
{
	for (uint32_t i = 0; i < notes->count; i++) {
		const struct import_note *note = &notes->list[i];

		fputs(source, stream);
		if (note->line > 0)
			fprintf(stream, ":%" PRIu32, note->line);
		if (note->column > 0)
			fprintf(stream, ":%" PRIu32, note->column);
		fprintf(stream, ": %s\n", note->text);
	}
	if (notes->omitted > 0)
		fprintf(stream, "%s: and %" PRIu32 " more\n", source, notes->omitted);
}

void import_notes_fini(struct import_notes *notes)
{
	for (uint32_t i = 0; i < notes->count; i++)
		free(notes->list[i].text);
	free(notes->list);
	*notes = (struct import_notes){0};
}
