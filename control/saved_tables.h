/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of all pools as files of one directory: what they say, and how they follow the
 * fleet. Control thread.
 */
#ifndef MAILRAIL_CONTROL_SAVED_TABLES_H
#define MAILRAIL_CONTROL_SAVED_TABLES_H

#include <stdint.h>

#include <mailrail/error.h>

#include "config.h"
#include "fleet.h"
#include "state_directory.h"
#include "table_file.h"

struct saved_table {
	struct table table;
	uint32_t round; /* the last one in which the fleet had its pool */
};

/* Zeroed: no files. */
struct saved_tables {
	struct saved_table *list;
	uint32_t count;
	uint32_t round; /* of saved_tables_follow() */
};

/*
 * Reads all tables of the locked @directory. -EBADMSG, and @error says where and why: they are
 * not whole, or do not go with each other, @key_check or the table sizes of @config. Other
 * errors are the system's. On failure too, @out has something to free.
 */
int saved_tables_read(const struct state_directory *directory, uint64_t key_check,
		      const struct config *config, struct saved_tables *out,
		      struct mr_error *error);

/*
 * Makes the files say what @fleet is. Those of pools that did not change are not touched, those of
 * pools that are gone are deleted. A table that cannot be written is deleted too; the others
 * are written all the same. -errno of the last failure.
 */
int saved_tables_follow(const struct state_directory *directory, uint64_t key_check,
			const struct fleet *fleet, struct saved_tables *tables,
			struct mr_error *error);

/* Leaves the files. */
void saved_tables_fini(struct saved_tables *tables);

#endif
