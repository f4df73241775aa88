/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ids that are numbers, in the caller's own words. JSON-RPC 2.0 (section 5) wants an answer's id
 * to be the request's, and JSON's numbers know no bounds (RFC 8259, section 6), but jansson's do:
 * 0.1 comes back as 0.10000000000000001, and 18446744073709551616 not at all.
 */
#ifndef MAILRAIL_CONTROL_RPC_IDS_H
#define MAILRAIL_CONTROL_RPC_IDS_H

#include <stddef.h>

#include "rpc.h"

struct rpc_id {
	const char *text; /* into the request; NULL: jansson can have it */
	size_t size;
};

struct rpc_ids {
	struct rpc_id of[RPC_BATCH_MAX]; /* by place in the batch; the first is that of no batch */
};

/*
 * Finds such ids of the request or batch @text, which need not be JSON. *@out_masked: a copy of
 * @text that has a 0 in their places, the caller's; NULL: there is none, and @text can be
 * parsed as it is. -ENOMEM.
 */
int rpc_ids_find(const char *text, size_t size, struct rpc_ids *out, char **out_masked);

/* Puts @id in the place of the 0 with which @answer ends. Takes @answer; NULL: no memory. */
char *rpc_id_restore(const struct rpc_id *id, char *answer);

#endif
