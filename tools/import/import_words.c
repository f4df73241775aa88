/* SPDX-License-Identifier: BSD-3-Clause */
#include "import_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *import_text_next(struct import_source *text)
{
	const char *end;
	size_t length;
	char *line;

	errno = 0;
	if (text->next >= text->end)
		return NULL;
	end = memchr(text->next, '\n', (size_t)(text->end - text->next));
	if (!end)
		end = text->end;
	length = (size_t)(end - text->next);
	if (length > 0 && text->next[length - 1] == '\r')
		length--;
	line = calloc(1, length + 1); /* strndup(3) wants a string, and the text has no end */
	if (!line) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(line, text->next, length);
	text->next = end < text->end ? end + 1 : end;
	text->number++;
	return line;
}

/* Where splitting has come to. */
struct splitter {
	const struct import_syntax *syntax;
	const char *start, *in;
	char *out;
};

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_brace(const struct splitter *s)
{
	return s->syntax->braces && (*s->in == '{' || *s->in == '}');
}

/* ${NAME}, as it stands, if it is one. */
static void copy_reference(struct splitter *s)
{
	size_t length = strcspn(s->in, "} \t");

	if (s->in[0] != '$' || s->in[1] != '{' || s->in[length] != '}')
		return;
	memcpy(s->out, s->in, length);
	s->in += length;
	s->out += length;
}

/* What is between quotes; @in stands on the first one. False: there is no second one. */
static bool copy_quoted(struct splitter *s)
{
	const char quote = *s->in++;

	while (*s->in && *s->in != quote) {
		/* Nothing is special in single quotes. */
		if (quote == '"' && *s->in == '\\' && s->in[1])
			s->in++;
		*s->out++ = *s->in++;
	}
	if (!*s->in)
		return false;
	s->in++;
	return true;
}

static bool ends_word(const struct splitter *s)
{
	return !*s->in || is_space(*s->in) || is_brace(s) || is_one_of(*s->in, s->syntax->comments);
}

static bool copy_word(struct splitter *s, bool *out_quoted)
{
	while (!ends_word(s)) {
		if (is_one_of(*s->in, s->syntax->quotes)) {
			*out_quoted = true;
			if (!copy_quoted(s))
				return false;
			continue;
		}
		if (s->syntax->escapes && *s->in == '\\' && s->in[1])
			s->in++;
		else if (s->syntax->braces)
			copy_reference(s);
		*s->out++ = *s->in++;
	}
	return true;
}

const char *import_line_split(const char *text, const struct import_syntax *syntax,
			      struct import_line *out, uint32_t *out_column)
{
	struct splitter s = {.syntax = syntax, .start = text, .in = text};

	import_line_fini(out);
	*out_column = 1;
	/* A NUL behind each word, which is one byte or more. */
	out->storage = malloc(2 * strlen(text) + 1);
	if (!out->storage)
		return "out of memory";
	s.out = out->storage;
	for (;;) {
		struct import_word *word = &out->words[out->count];

		s.in += strspn(s.in, " \t\v\f");
		*out_column = (uint32_t)(s.in - s.start) + 1;
		if (!*s.in || is_one_of(*s.in, syntax->comments))
			return NULL;
		if (out->count == IMPORT_WORDS_MAX)
			return "too many words in a line";
		*word = (struct import_word){.text = s.out, .column = *out_column};
		if (is_brace(&s))
			*s.out++ = *s.in++;
		else if (!copy_word(&s, &word->quoted))
			return "a quotation without its end";
		*s.out++ = '\0';
		out->count++;
	}
}

void import_line_fini(struct import_line *line)
{
	free(line->storage);
	line->storage = NULL;
	line->count = 0;
}

const char *import_line_word(const struct import_line *line, uint32_t index)
{
	return index < line->count ? line->words[index].text : "";
}
