/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_colour.h"

#include <stddef.h>
#include <string.h>

enum text_colour text_colour_of(const char *word)
{
	static const struct {
		const char *word;
		enum text_colour colour;
	} words[] = {
		{"up", TEXT_GOOD},   {"ok", TEXT_GOOD},	     {"slow", TEXT_MIND},
		{"busy", TEXT_MIND}, {"leaving", TEXT_MIND}, {"drain", TEXT_MIND},
		{"warn", TEXT_MIND}, {"rejected", TEXT_BAD}, {"unknown", TEXT_MIND},
		{"down", TEXT_BAD},  {"disabled", TEXT_BAD}, {"fail", TEXT_BAD},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].colour;
	return TEXT_PLAIN;
}

const char *text_colour_begin(enum text_colour colour)
{
	switch (colour) {
	case TEXT_GOOD:
		return "\033[32m";
	case TEXT_MIND:
		return "\033[33m";
	case TEXT_BAD:
		return "\033[31m";
	case TEXT_PLAIN:
		break;
	}
	return "";
}

const char *text_colour_end(enum text_colour colour)
{
	return colour == TEXT_PLAIN ? "" : "\033[0m";
}
