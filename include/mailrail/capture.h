/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A capture: copies of chosen packets, written to a file as pcapng (draft-ietf-opsawg-pcapng) by
 * a thread of the dataplane's own. One at a time. While one is under way, all packets take the
 * long way, at the cost of a copy each. Control thread.
 */
#ifndef MAILRAIL_CAPTURE_H
#define MAILRAIL_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/address.h>
#include <mailrail/dataplane.h>
#include <mailrail/error.h>

/* What is given must all be so. */
struct mr_capture_filter {
	bool service_given;
	mr_service_id service; /* for packets of its sessions, and what nat backends send back */
	bool backend_given;
	mr_backend_id backend; /* for packets that were given to it, probes too */
	bool client_given;
	struct mr_prefix client;
	uint64_t verdicts; /* bit n: those whose enum mr_verdict is n; 0: any */
};

#define MR_CAPTURE_FRAME_BYTES_MAX 9234 /* Ethernet header, its tags, and the widest port's MTU */

struct mr_capture_config {
	struct mr_capture_filter filter;
	bool sent;	      /* frames as they leave too; else as they came only */
	uint32_t frame_bytes; /* kept of each; 1..MR_CAPTURE_FRAME_BYTES_MAX */
	uint64_t file_bytes;  /* it ends before the file grows beyond this */
	/* For the comment of each packet, by id; borrowed until it has ended. NULL: unknown. */
	const char *const *service_names; /* MR_SERVICES_MAX of them */
	const char *const *backend_names; /* MR_BACKENDS_MAX of them */
};

enum mr_capture_end {
	MR_CAPTURE_RUNS,
	MR_CAPTURE_STOPPED, /* as was asked */
	MR_CAPTURE_FULL,    /* the file has the size that was allowed */
	MR_CAPTURE_FAILED,  /* the file could not be written */
};

struct mr_capture_status {
	enum mr_capture_end end;
	int error;	  /* of MR_CAPTURE_FAILED: errno */
	uint64_t packets; /* in the file */
	uint64_t bytes;	  /* of the file */
	uint64_t missed;  /* chosen, but there was no room for their copies */
};

/*
 * Takes @fd, a new file open for writing, also on failure. -EBUSY: another capture has not ended;
 * -ENOMEM; -EIO: the file's beginning could not be written.
 */
int mr_capture_start(struct mr_dataplane *dp, const struct mr_capture_config *config, int fd,
		     struct mr_error *error);

/* Asks the one under way to end, and does not wait for it. */
void mr_capture_stop(struct mr_dataplane *dp);

/* Ends the one under way, if any, and waits until it has ended: some milliseconds. */
void mr_capture_end(struct mr_dataplane *dp);

/* Of the last one. False: there has been none. */
bool mr_capture_status(const struct mr_dataplane *dp, struct mr_capture_status *out);

#endif
