/* SPDX-License-Identifier: BSD-3-Clause */
/* Which words are good news, and which are not: one list for tables and mailrailctl top. */
#ifndef MAILRAIL_TOOLS_TEXT_COLOUR_H
#define MAILRAIL_TOOLS_TEXT_COLOUR_H

enum text_colour {
	TEXT_PLAIN,
	TEXT_GOOD, /* green */
	TEXT_MIND, /* yellow */
	TEXT_BAD,  /* red */
};

enum text_colour text_colour_of(const char *word);

/* The escape sequence (ECMA-48, SGR) that begins a colour; "" for TEXT_PLAIN. */
const char *text_colour_begin(enum text_colour colour);
const char *text_colour_end(enum text_colour colour);

#endif
