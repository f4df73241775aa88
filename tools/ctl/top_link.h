/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection of mailrailctl top: it asks for samples, hears events, and comes back. */
#ifndef MAILRAIL_TOOLS_TOP_LINK_H
#define MAILRAIL_TOOLS_TOP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/error.h>

#include "rpc_client.h"
#include "top_model.h"

struct top_link {
	const char *socket;
	struct rpc_link rpc;
	struct top_sample coming; /* of a sample that is not whole yet */
	uint32_t awaited;	  /* parts that are still to come, as bits */
	struct mr_error error;	  /* why there is no connection */
};

void top_link_init(struct top_link *link, const char *socket);
void top_link_fini(struct top_link *link);

static inline bool top_link_is_open(const struct top_link *link)
{
	return link->rpc.fd >= 0;
}

/* Opens the connection if there is none, and asks for a sample if none is on its way. */
void top_link_ask(struct top_link *link, struct top_model *model);

/* Takes what has arrived. True: @model has changed. */
bool top_link_read(struct top_link *link, struct top_model *model);

#endif
