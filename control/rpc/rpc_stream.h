/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection that can carry notifications (JSON-RPC 2.0, section 4.1) besides answers. The
 * transport owns and embeds it; one subscriber at a time may use it. Control thread.
 */
#ifndef MAILRAIL_CONTROL_RPC_STREAM_H
#define MAILRAIL_CONTROL_RPC_STREAM_H

#include <stdbool.h>

struct rpc_stream;

/* What a subscriber wants to hear. May not close the stream, nor be called from within send(). */
struct rpc_stream_listener {
	void (*drained)(void *context); /* the client has taken what waited: there is room again */
	void (*closed)(void *context);	/* the stream is gone when this returns */
	void *context;
};

struct rpc_stream {
	/*
	 * Queues one JSON text behind the answers; copies it. -ENOBUFS: more waits than a slow
	 * reader may let wait, nothing is queued, and drained() will be called. -ENOMEM.
	 */
	int (*send)(struct rpc_stream *stream, const char *text);
	const struct rpc_stream_listener *listener; /* NULL: nobody listens. The subscriber's. */
};

#endif
