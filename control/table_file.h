/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One pool's table as a file: its backends and slots, for the next process. The file is in the
 * order of bytes of the machine, which it never leaves, and ends with a SHA-256 over all of it.
 * Control thread.
 */
#ifndef MAILRAIL_CONTROL_TABLE_FILE_H
#define MAILRAIL_CONTROL_TABLE_FILE_H

#include <stdint.h>

#include <mailrail/address.h>
#include <mailrail/error.h>
#include <mailrail/limits.h>
#include <mailrail/snapshot.h>

/* Written as it is. */
struct table_member {
	char name[MR_NAME_MAX]; /* padded with NULs */
	struct mr_addr address;
	uint16_t id;
	uint8_t state;	 /* enum config_backend_state */
	uint8_t verdict; /* enum health_verdict */
	uint8_t trusted;
	uint8_t unused[3]; /* 0 */
};

struct table {
	char pool[MR_NAME_MAX];
	uint32_t changed_s; /* struct pool's */
	struct table_member *members;
	uint32_t member_count;
	struct mr_slots *slots; /* one reference */
};

/* A pool's file is called by its name and this; while it is written, that too. */
#define TABLE_FILE_SUFFIX ".table"
#define TABLE_FILE_BESIDE ".new"

/*
 * Writes @table's file in @directory, a descriptor, beside an older one, whose place it takes
 * when it is whole. Not synchronised with any disk: what a kill leaves is whole, and what a power
 * cut leaves is refused when it is not. Negative errno: the older file is as it was.
 */
int table_file_write(int directory, uint64_t key_check, const struct table *table);

/* 0 also when there is none. */
int table_file_delete(int directory, const char *pool);

/*
 * Reads the file @name. Who was heard last by its moving slots is not in it: mr_slots_unknown_s()
 * says nothing yet.
 * -EBADMSG: not a whole table of this version and key; @error says why. @error is set on every
 * failure.
 */
int table_file_read(int directory, const char *name, uint64_t key_check, struct table *out,
		    struct mr_error *error);

/* A zeroed one too. */
void table_fini(struct table *table);

#endif
