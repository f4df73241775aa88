/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The directory of what outlives the process: one process at a time has it, and what cannot be
 * taken up is put beside it. Control thread.
 */
#ifndef MAILRAIL_CONTROL_STATE_DIRECTORY_H
#define MAILRAIL_CONTROL_STATE_DIRECTORY_H

#include <limits.h>

#include <mailrail/error.h>

struct state_directory {
	char path[PATH_MAX]; /* without links */
	int fd;		     /* holds the lock; -1: does not */
};

/*
 * Makes the directory @path, and its parent, unless they are there. Negative errno, and @error
 * says what was in the way; @out can be unlocked all the same.
 */
int state_directory_make(const char *path, struct state_directory *out, struct mr_error *error);

/* -EBUSY: another process has it. The lock ends with the process, however that ends. */
int state_directory_lock(struct state_directory *directory, struct mr_error *error);
void state_directory_unlock(struct state_directory *directory);

/*
 * Renames the directory, locked, to NAME.refused, for whoever wants to know, in place of an older
 * one; makes an empty one in its place, without a lock; logs @reason, why it was refused.
 */
int state_directory_set_aside(const struct state_directory *directory, const char *reason,
			      struct mr_error *error);

/* Logs that workers may have to wait, unless the files are in memory. */
void state_directory_warn_of_disk(const struct state_directory *directory);

#endif
