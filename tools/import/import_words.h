/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes the lines of a configuration file apart into words. Pure functions. */
#ifndef MAILRAIL_TOOLS_IMPORT_WORDS_H
#define MAILRAIL_TOOLS_IMPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT_WORDS_MAX 256

/* What a format does with characters. */
struct import_syntax {
	const char *comments; /* begin a comment, anywhere but in quotes */
	const char *quotes;   /* keep a word together */
	bool escapes;	      /* a backslash takes the next character as it is */
	bool braces;	      /* { and } are words of their own, though not in ${NAME} */
};

struct import_word {
	const char *text;
	uint32_t column; /* from 1 */
	bool quoted;	 /* so that "{" is no brace */
};

/* Zero it before its first use; it owns the words. */
struct import_line {
	uint32_t number; /* from 1 */
	uint32_t count;
	struct import_word words[IMPORT_WORDS_MAX];
	char *storage;
};

/* Text that is read line by line. */
struct import_source {
	const char *next, *end;
	uint32_t number; /* of the line read last */
};

/*
 * The next line, without its end, as a string that is the caller's. NULL: there is none, or no
 * memory, then errno is ENOMEM and else 0.
 */
char *import_text_next(struct import_source *text);

/*
 * Puts the words of @text into @out, in place of what was there. NULL: done; else what is wrong,
 * and *@out_column is where.
 */
const char *import_line_split(const char *text, const struct import_syntax *syntax,
			      struct import_line *out, uint32_t *out_column);
void import_line_fini(struct import_line *line);

/* The word at @index, or "". */
const char *import_line_word(const struct import_line *line, uint32_t index);

#endif
