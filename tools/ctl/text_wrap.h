/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences in lines of TEXT_TABLE_WIDTH. */
#ifndef MAILRAIL_TOOLS_TEXT_WRAP_H
#define MAILRAIL_TOOLS_TEXT_WRAP_H

#include <stdio.h>

/*
 * Writes @text, and a newline; further lines begin @indent columns from the left. A word that is
 * longer than a line stays whole.
 */
void text_wrap(FILE *stream, int indent, const char *text);

/* The same where @column columns of the first line are written already. */
void text_wrap_from(FILE *stream, int column, int indent, const char *text);

/* The same of a format, at most 1,023 bytes. */
__attribute__((format(printf, 3, 4))) void text_wrap_format(FILE *stream, int indent,
							    const char *format, ...);

#endif
