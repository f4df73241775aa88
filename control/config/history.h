/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The latest generations of the configuration: when each came, who brought it, and what it
 * changed. Kept in memory and, beside the configuration's file, in a file of their own, with mode
 * 0600 and without secrets. From it generations go on being counted after a restart. Control
 * thread; blocks for an fsync where it writes.
 */
#ifndef MAILRAIL_CONTROL_HISTORY_H
#define MAILRAIL_CONTROL_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "config.h"
#include "config_diff.h"

#define HISTORY_GENERATIONS 20

/* Who or what changes the configuration. Borrowed strings. */
struct author {
	const char *name;   /* "uid 0, pid 4711", "ansible, 10.0.0.1"; "file", "mailraild" */
	const char *role;   /* of an RPC peer; NULL: it is none */
	const char *reason; /* method, signal or cause: "config.apply", "SIGHUP", "start" */
};

struct history_entry {
	uint64_t generation;
	uint64_t time_ms; /* since the epoch */
	char *author;
	char *role; /* NULL: no RPC peer */
	char *reason;
	bool unconfirmed;	 /* was put to the test, and nobody has confirmed it */
	struct config_diff diff; /* from the generation before; none in the first of all */
};

/* For tables of fields that show entries. */
extern const struct shape history_entry_shape;

struct history;

/*
 * @path: the configuration's file, beside which the history is; NULL: in memory only. @config: in
 * force from now on. When that is what the last generation was, it is that generation; else it is
 * a new one, with the author "file". A damaged file is renamed to PATH.history.refused, with a
 * line in the log, and a new history begins. -ENOMEM.
 */
int history_create(const char *path, const struct config *config, struct history **out);
void history_destroy(struct history *history);
/* Writes it; for the first time once @config is in force. What cannot be written is logged. */
void history_save(const struct history *history, const struct config *config);

/* The one in force. */
uint64_t history_generation(const struct history *history);

/*
 * Adds the generation that leads from @before to @after. What cannot be written is logged. The
 * number counts even when there is no memory for the rest.
 */
void history_add(struct history *history, const struct config *before, const struct config *after,
		 const struct author *author, bool unconfirmed);
/* The one in force was confirmed. @config: the one in force. */
void history_confirm(struct history *history, const struct config *config);

uint32_t history_count(const struct history *history);
/* @index: 0 is the one in force, the others follow backwards. */
const struct history_entry *history_get(const struct history *history, uint32_t index);

/*
 * The configuration, encoded and without secrets, of @generation, by taking back from @running,
 * the one in force, what has come since. -ENOENT: not among them; -EINVAL: what is known of it
 * does not fit; -ENOMEM. *@out is the caller's.
 */
int history_config(const struct history *history, uint64_t generation, const struct config *running,
		   json_t **out);

#endif
