/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every bound of the node, and how far it is used, for stats.get. Whoever has bounds adds a
 * function to the table in rpc_limits.c.
 */
#ifndef MAILRAIL_CONTROL_RPC_LIMITS_H
#define MAILRAIL_CONTROL_RPC_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc.h"

struct limit_row {
	char *name;
	bool is_counted;
	uint64_t used;
	uint64_t max;
};

extern const struct shape rpc_limit_shape;

/* Rows, a growing list of them. */
struct limits {
	struct limit_row *rows;
	uint32_t count;
	bool failed; /* there was no memory for one */
};

/* @name: a word as those of fields are. */
void limits_add(struct limits *limits, const char *name, uint64_t used, uint64_t max);
/* One whose use nobody counts. */
void limits_add_bound(struct limits *limits, const char *name, uint64_t max);

/* All rows; the caller frees them as of rpc_limit_shape. False: no memory, and nothing to free. */
bool rpc_limits_collect(const struct rpc_context *context, struct limits *out);

#endif
