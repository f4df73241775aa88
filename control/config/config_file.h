/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration's file, for those who share it with people that edit it: what it held when
 * it was last read or written. config.h has what anybody may do with it. Control thread.
 */
#ifndef MAILRAIL_CONTROL_CONFIG_FILE_H
#define MAILRAIL_CONTROL_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "config.h"

/* SHA-256 of the file's text. */
struct config_digest {
	uint8_t bytes[32];
};

/* Which file it is, and when it was last written to: while that stays, so does its text. */
struct config_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* The text of a file, as config_load() takes it. */
struct config *config_parse(const char *text, size_t size, struct field_errors *errors);

/*
 * config_load() by a node that runs with @running, which completes it (config_complete.h).
 * @running, @out_digest: may be NULL.
 */
struct config *config_reload(const char *path, const struct config *running,
			     struct config_digest *out_digest, struct field_errors *errors);

/* config_save(), and what the file then holds. @out_digest may be NULL. */
int config_save_digest(const char *path, const struct config *config,
		       struct config_digest *out_digest, struct mr_error *error);

/* What the file holds now. A negative errno. */
int config_file_digest(const char *path, struct config_digest *out);

/* A negative errno. */
int config_file_stamp(const char *path, struct config_stamp *out);
bool config_stamp_equal(const struct config_stamp *a, const struct config_stamp *b);

/* Copies the file, whatever it holds, in place of @to. A negative errno. */
int config_file_copy(const char *path, const char *to);

#endif
