/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an import has to say, in the order of the source's lines. Whoever holds the struct owns
 * what it holds; zeroed it is an empty list.
 */
#ifndef MAILRAIL_TOOLS_IMPORT_NOTES_H
#define MAILRAIL_TOOLS_IMPORT_NOTES_H

#include <stdint.h>
#include <stdio.h>

/* A file that is not what it was taken for need not be answered line by line without end. */
#define IMPORT_NOTES_MAX 10000 /* the last one included */
#define IMPORT_NOTE_MAX	 512   /* bytes; longer ones are cut */

struct import_note {
	uint32_t line;	 /* from 1; 0: about the whole */
	uint32_t column; /* from 1; 0: the whole line */
	char *text;	 /* of one line, printable ASCII */
};

struct import_notes {
	struct import_note *list;
	uint32_t count;
	uint32_t omitted; /* beyond IMPORT_NOTES_MAX, or for want of memory */
};

/* Not if the notes before it are of the same line and one of them says the same. */
__attribute__((format(printf, 4, 5))) void import_notes_add(struct import_notes *notes,
							    uint32_t line, uint32_t column,
							    const char *format, ...);

/* Stable: notes about the whole come last. */
void import_notes_sort(struct import_notes *notes);

/* `SOURCE:LINE:COLUMN: TEXT`, a line for each. */
void import_notes_print(const struct import_notes *notes, const char *source, FILE *stream);

void import_notes_fini(struct import_notes *notes);

#endif
