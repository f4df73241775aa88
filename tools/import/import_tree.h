/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statements of a keepalived.conf, those in braces below the one before the braces, with
 * definitions ($NAME=VALUE) put in where they are used.
 */
#ifndef MAILRAIL_TOOLS_IMPORT_TREE_H
#define MAILRAIL_TOOLS_IMPORT_TREE_H

#include <stdint.h>

#include "import_model.h"

#define IMPORT_TREE_DEPTH_MAX 16

struct import_statement {
	uint32_t line, column;
	char **words; /* ended by NULL; at least one, but in the root */
	uint32_t word_count;
	struct import_statement *below;
	uint32_t below_count;
};

/*
 * 0: @out_root is the caller's. -EINVAL: the last of @notes says what is wrong and where; -ENOMEM.
 * Notes tell which files the text wants included.
 */
int import_tree_read(const char *text, size_t size, struct import_notes *notes,
		     struct import_statement *out_root);
void import_tree_fini(struct import_statement *root);

/* The word at @index, or "". */
const char *import_statement_word(const struct import_statement *statement, uint32_t index);

/* The first statement below that begins with @word; NULL: there is none. */
const struct import_statement *import_statement_find(const struct import_statement *above,
						     const char *word);

#endif
