/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures as operators have them: pcapng files in a directory of the node, one at a time being
 * written, each bounded in size and time. Control thread.
 */
#ifndef MAILRAIL_CONTROL_CAPTURES_H
#define MAILRAIL_CONTROL_CAPTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/capture.h>

/* Files in the directory: the next capture begins when one of them is removed. */
#define CAPTURES_MAX 16

/* What captures_read() gives at a time. */
#define CAPTURES_PIECE_BYTES_MAX (1u << 20)

struct balancer;
struct captures;

/* @directory is made, for root alone, when the first capture begins. -ENOMEM. */
int captures_create(struct event_base *base, struct mr_dataplane *dp, const char *directory,
		    struct captures **out);
/* Ends the capture under way; the dataplane is still there. NULL is allowed. */
void captures_destroy(struct captures *captures);

struct capture_request {
	const char *name; /* of the file, without ".pcapng"; a name as in name.h */
	struct mr_capture_filter filter;
	bool sent;
	uint32_t frame_bytes;
	uint64_t file_bytes;
	uint32_t duration_ms;
};

/*
 * -EBUSY: one is under way; -EEXIST: there is one of that name; -ENOSPC: CAPTURES_MAX are there;
 * else what the file system says. @error has the sentence.
 */
int captures_start(struct captures *captures, const struct balancer *balancer,
		   const struct capture_request *request, struct mr_error *error);

/* Asks the capture under way to end. False: there is none. */
bool captures_stop(struct captures *captures);

/*
 * The last one that began, as mr_capture_status(); NULL: there has been none since the process
 * began. The name is valid until the next one begins.
 */
const char *captures_last(const struct captures *captures, struct mr_capture_status *out);

struct capture_file {
	char name[MR_NAME_MAX];
	uint64_t bytes;
	uint64_t changed_ms; /* since the epoch */
};

/* At most @max of those in the directory, oldest first. Returns how many, or negative errno. */
int captures_list(const struct captures *captures, struct capture_file *out, uint32_t max);

/* Up to @size bytes from @offset on; returns how many, 0 at the end, or negative errno. */
ssize_t captures_read(const struct captures *captures, const char *name, uint64_t offset, void *out,
		      size_t size);

/* -EBUSY: it is being written; -ENOENT: there is none. */
int captures_remove(struct captures *captures, const char *name);

/* Path of the file of that name, NULL if it would be too long; @out has @size bytes. */
const char *captures_path(const struct captures *captures, const char *name, char *out,
			  size_t size);

#endif
