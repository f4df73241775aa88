/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening Unix stream socket and its place in the file system. */
#ifndef MAILRAIL_CONTROL_UNIX_LISTENER_H
#define MAILRAIL_CONTROL_UNIX_LISTENER_H

#include <sys/stat.h>

#include <mailrail/error.h>

struct unix_listener {
	int fd; /* non-blocking, close-on-exec */
	char *path;
	struct stat file; /* as it was made, so that nobody else's is removed */
};

struct unix_listener_setup {
	const char *path;
	mode_t mode;
	const char *group; /* name; NULL: that of the process */
};

/*
 * Makes the directory if there is none, replaces the file of a server that is gone, and listens.
 * On failure nothing is left behind, and @error begins with the place in the configuration.
 */
int unix_listener_open(struct unix_listener *listener, const struct unix_listener_setup *setup,
		       struct mr_error *error);

/* Closes, and removes the file if it is still the one that was made. */
void unix_listener_close(struct unix_listener *listener);

#endif
