/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is on record about the configuration in force: its file, its history, and whether it
 * still has to be confirmed. Control thread; blocks for fsync only.
 */
#ifndef MAILRAIL_CONTROL_LEDGER_H
#define MAILRAIL_CONTROL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "config.h"
#include "config_file.h"
#include "events.h"
#include "history.h"

enum change_kind {
	CHANGE_APPLY,	 /* a peer wants another configuration */
	CHANGE_ROLLBACK, /* a former one: it may end one that waits for confirmation */
	CHANGE_RELOAD,	 /* the file has another one */
};

/* What comes with another configuration. */
struct change {
	struct author author;
	enum change_kind kind;
	/* CHANGE_APPLY: unless confirmed in this time, it is taken back; 0: it needs not be. */
	uint32_t confirm_within_ms;
	const struct config_digest *digest; /* CHANGE_RELOAD: of the file as it was read */
};

struct ledger;

/* Borrowed. */
struct ledger_setup {
	struct event_base *base;
	const char *path;	     /* NULL: nothing is saved */
	const struct config *config; /* which is to be put in force */
	struct events *events;	     /* NULL: nobody hears */
	/*
	 * The change that waited was not confirmed in time: put ledger_former() in force again.
	 * While that is not done, it is asked for again.
	 */
	void (*expired)(void *context);
	void *context;
};

/* -ENOMEM. */
int ledger_create(const struct ledger_setup *setup, struct ledger **out);
void ledger_destroy(struct ledger *ledger);

/* @config is in force: now its generation is written down. */
void ledger_begin(struct ledger *ledger, const struct config *config);

uint64_t ledger_generation(const struct ledger *ledger);
const struct history *ledger_history(const struct ledger *ledger);

/* -EBUSY while another change waits for confirmation; @error says which, and for how long. */
int ledger_admit(const struct ledger *ledger, const struct change *change, struct mr_error *error);

/*
 * Before @next takes effect: writes the file, if the change is one that belongs there. What
 * somebody has written to it meanwhile is kept as PATH.edited.
 */
int ledger_save(struct ledger *ledger, const struct config *next, const struct change *change,
		struct mr_error *error);
/* It has not taken effect: the file has @config again. */
void ledger_unsave(struct ledger *ledger, const struct config *config, const struct change *change);

/* @next, which has taken effect, is the next generation. Both configurations are borrowed. */
void ledger_record(struct ledger *ledger, const struct config *before, const struct config *next,
		   const struct change *change);

/* The file was read, and holds what is in force. */
void ledger_file_read(struct ledger *ledger, const struct config_digest *digest);

/* Saves @config, the one in force, for good. -ENOENT: nothing waits; or why it cannot be saved. */
int ledger_confirm(struct ledger *ledger, const struct config *config, struct mr_error *error);

struct unconfirmed {
	uint64_t generation;
	uint64_t left_ms;
};
/* False: nothing waits for confirmation. */
bool ledger_unconfirmed(const struct ledger *ledger, struct unconfirmed *out);

/* What was in force before the change that waits; NULL: none does. */
const struct config *ledger_former(const struct ledger *ledger);

/* Where the last ledger_save() has kept the file that somebody had edited; NULL: nobody had. */
const char *ledger_edited(const struct ledger *ledger);

#endif
