/* SPDX-License-Identifier: BSD-3-Clause */
#include "import_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import_words.h"

/* Definitions may use definitions: what a line grows to has its bound. */
#define LINE_MAX_BYTES	65536
#define DEFINITIONS_MAX 1000
#define STATEMENTS_MAX	200000

static const struct import_syntax syntax = {.comments = "#!", .quotes = "\"", .braces = true};

struct definition {
	char *name, *value;
};

/* Words wait until it is known whether braces follow: those may stand in the next line. */
struct tree_reader {
	struct import_notes *notes;
	struct import_statement *open[IMPORT_TREE_DEPTH_MAX + 1]; /* the root first */
	uint32_t depth;
	uint32_t statement_count;
	uint32_t line;
	bool may_open; /* the last statement of the innermost block */
	struct definition *definitions;
	uint32_t definition_count;
};

static int refuse(struct tree_reader *reader, uint32_t line, uint32_t column, const char *what)
{
	import_notes_add(reader->notes, line, column, "%s", what);
	return -EINVAL;
}

/* --- definitions */

static bool is_name_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (is_name_character(text[length]))
		length++;
	return length;
}

static const char *find_definition(const struct tree_reader *reader, const char *name,
				   size_t length)
{
	/* The last one counts. */
	for (uint32_t i = reader->definition_count; i-- > 0;) {
		const struct definition *definition = &reader->definitions[i];

		if (strlen(definition->name) == length &&
		    strncmp(definition->name, name, length) == 0)
			return definition->value;
	}
	return NULL;
}

/* What $NAME or ${NAME} at @text stands for. NULL: nothing that is known. */
static const char *reference(const struct tree_reader *reader, const char *text, size_t *out_length)
{
	const bool braced = text[1] == '{';
	const char *name = text + 1 + braced;
	const size_t length = name_length(name);

	if (length == 0 || (braced && name[length] != '}'))
		return NULL;
	*out_length = 1 + length + 2 * (size_t)braced;
	return find_definition(reader, name, length);
}

/* @text with definitions put in; the caller's. NULL with errno: ENOMEM or EFBIG. */
static char *expand(const struct tree_reader *reader, const char *text)
{
	char *out = malloc(LINE_MAX_BYTES), *shrunk;
	size_t used = 0;

	if (!out)
		return NULL;
	while (*text) {
		size_t length = 1;
		const char *value = *text == '$' ? reference(reader, text, &length) : NULL;
		const char *from = value ? value : text;
		const size_t size = value ? strlen(value) : 1;

		if (!value)
			length = 1;
		if (used + size + 1 > LINE_MAX_BYTES) {
			free(out);
			errno = EFBIG;
			return NULL;
		}
		memcpy(out + used, from, size);
		used += size;
		text += length;
	}
	out[used] = '\0';
	shrunk = realloc(out, used + 1);
	return shrunk ? shrunk : out;
}

/* $NAME=VALUE, at the beginning of a line; what follows a backslash is in the next line. */
static bool is_definition(const char *text)
{
	size_t length;

	text += strspn(text, " \t");
	if (*text != '$')
		return false;
	length = name_length(text + 1);
	return length > 0 && text[1 + length] == '=';
}

/* Takes @value, which may be NULL for want of memory. */
static int define(struct tree_reader *reader, const char *text, char *value)
{
	const char *name = text + strspn(text, " \t") + 1;
	struct definition *grown =
		reallocarray(reader->definitions, reader->definition_count + 1, sizeof(*grown));
	struct definition *made;

	if (!grown || !value) {
		if (grown)
			reader->definitions = grown;
		free(value);
		return -ENOMEM;
	}
	reader->definitions = grown;
	made = &grown[reader->definition_count];
	*made = (struct definition){strndup(name, name_length(name)), value};
	if (!made->name) {
		free(value);
		return -ENOMEM;
	}
	reader->definition_count++;
	return 0;
}

static int read_definition(struct tree_reader *reader, const char *text)
{
	char *value = expand(reader, strchr(text, '=') + 1);
	size_t length;

	if (!value && errno == EFBIG)
		return refuse(reader, reader->line, 1, "definitions that grow without end");
	if (reader->definition_count == DEFINITIONS_MAX) {
		free(value);
		return refuse(reader, reader->line, 1, "too many definitions");
	}
	length = value ? strlen(value) : 0;
	if (length > 0 && value[length - 1] == '\\')
		import_notes_add(reader->notes, reader->line, 0,
				 "the lines of this definition behind the first: not carried over: "
				 "write them where it is used");
	return define(reader, text, value);
}

/* --- statements */

static void free_statement(struct import_statement *statement)
{
	for (uint32_t i = 0; i < statement->below_count; i++)
		free_statement(&statement->below[i]);
	for (uint32_t i = 0; i < statement->word_count; i++)
		free(statement->words[i]);
	free(statement->words);
	free(statement->below);
}

/* A statement out of @count words; it lives in the innermost block. */
static int add_statement(struct tree_reader *reader, const struct import_word *words,
			 uint32_t count)
{
	struct import_statement *block = reader->open[reader->depth], *grown, *made;

	if (reader->statement_count++ == STATEMENTS_MAX)
		return refuse(reader, reader->line, words->column, "too many statements");
	if ((block->below_count & (block->below_count - 1)) == 0) {
		grown = reallocarray(block->below,
				     block->below_count == 0 ? 1 : 2 * (size_t)block->below_count,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		block->below = grown;
	}
	made = &block->below[block->below_count];
	*made = (struct import_statement){
		.line = reader->line,
		.column = words->column,
		.words = calloc(count + 1, sizeof(*made->words)),
	};
	if (!made->words)
		return -ENOMEM;
	block->below_count++;
	for (uint32_t i = 0; i < count; i++) {
		made->words[i] = strdup(words[i].text);
		if (!made->words[i])
			return -ENOMEM;
		made->word_count++;
	}
	reader->may_open = true;
	return 0;
}

static int open_block(struct tree_reader *reader, const struct import_word *brace)
{
	struct import_statement *block = reader->open[reader->depth];

	if (!reader->may_open)
		return refuse(reader, reader->line, brace->column, "\"{\" with nothing before it");
	if (reader->depth == IMPORT_TREE_DEPTH_MAX)
		return refuse(reader, reader->line, brace->column,
			      "blocks too deep in one another");
	reader->open[++reader->depth] = &block->below[block->below_count - 1];
	reader->may_open = false;
	return 0;
}

static int close_block(struct tree_reader *reader, const struct import_word *brace)
{
	if (reader->depth == 0)
		return refuse(reader, reader->line, brace->column, "\"}\" without its \"{\"");
	reader->depth--;
	reader->may_open = false;
	return 0;
}

static bool is_brace(const struct import_word *word, char brace)
{
	return !word->quoted && word->text[0] == brace && !word->text[1];
}

static int read_words(struct tree_reader *reader, const struct import_line *line)
{
	uint32_t first = 0;
	int rc = 0;

	for (uint32_t i = 0; i <= line->count && rc == 0; i++) {
		const struct import_word *word = &line->words[i];
		const bool opens = i < line->count && is_brace(word, '{');
		const bool closes = i < line->count && is_brace(word, '}');

		if (i < line->count && !opens && !closes)
			continue;
		if (i > first)
			rc = add_statement(reader, &line->words[first], i - first);
		first = i + 1;
		if (rc == 0 && opens)
			rc = open_block(reader, word);
		else if (rc == 0 && closes)
			rc = close_block(reader, word);
	}
	return rc;
}

/* @text may be several lines, once definitions are put in. */
static int read_expanded(struct tree_reader *reader, const char *text, struct import_line *line)
{
	uint32_t column;
	const char *wrong = import_line_split(text, &syntax, line, &column);

	if (wrong)
		return refuse(reader, reader->line, column, wrong);
	if (strncmp(import_line_word(line, 0), "include", 7) == 0) {
		import_notes_add(reader->notes, reader->line, 0,
				 "%s %s: not carried over: put that file in here first",
				 import_line_word(line, 0), import_line_word(line, 1));
		return 0;
	}
	return read_words(reader, line);
}

static int read_line(struct tree_reader *reader, const char *text, struct import_line *line)
{
	char *expanded;
	int rc;

	if (is_definition(text))
		return read_definition(reader, text);
	expanded = expand(reader, text);
	if (!expanded)
		return errno == EFBIG ? refuse(reader, reader->line, 1,
					       "definitions that grow without end")
				      : -ENOMEM;
	rc = read_expanded(reader, expanded, line);
	free(expanded);
	return rc;
}

static int check_end(struct tree_reader *reader)
{
	const struct import_statement *block = reader->open[reader->depth];

	if (reader->depth == 0)
		return 0;
	import_notes_add(reader->notes, block->line, block->column,
			 "the block of \"%s\" has no end", block->words[0]);
	return -EINVAL;
}

int import_tree_read(const char *text, size_t size, struct import_notes *notes,
		     struct import_statement *out_root)
{
	struct import_source rest = {.next = text, .end = text + size};
	struct tree_reader reader = {.notes = notes};
	struct import_line line = {0};
	char *raw;
	int rc = 0;

	*out_root = (struct import_statement){0};
	reader.open[0] = out_root;
	while (rc == 0 && (raw = import_text_next(&rest)) != NULL) {
		reader.line = rest.number;
		rc = read_line(&reader, raw, &line);
		free(raw);
	}
	if (rc == 0)
		rc = errno == ENOMEM ? -ENOMEM : check_end(&reader);
	import_line_fini(&line);
	for (uint32_t i = 0; i < reader.definition_count; i++) {
		free(reader.definitions[i].name);
		free(reader.definitions[i].value);
	}
	free(reader.definitions);
	if (rc < 0)
		import_tree_fini(out_root);
	return rc;
}

void import_tree_fini(struct import_statement *root)
{
	free_statement(root);
	*root = (struct import_statement){0};
}

const char *import_statement_word(const struct import_statement *statement, uint32_t index)
{
	return index < statement->word_count ? statement->words[index] : "";
}

const struct import_statement *import_statement_find(const struct import_statement *above,
						     const char *word)
{
	for (uint32_t i = 0; i < above->below_count; i++)
		if (strcmp(import_statement_word(&above->below[i], 0), word) == 0)
			return &above->below[i];
	return NULL;
}
