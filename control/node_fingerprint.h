/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What nodes have to agree on so that each session has the same backend on all of them, in 2 times
 * 64 bits: their services and pools as configured, and what health has made of these. Control
 * thread; some 0.1 ms for a pool of 65537 slots.
 *
 * Both are the first 8 bytes of HMAC-SHA-256 (RFC 2104), under all 32 bytes of node.key: of
 *
 *   "mailrail configuration 1" and a NUL, then services and pools as compact JSON with sorted
 *   members, without tunnel.source, which is each node's own; services, pools and backends sorted
 *   by name, all other lists by their text;
 *
 * and of
 *
 *   "mailrail node 1" and a NUL, the former, and for each pool in the order of their names (by
 *   bytes, strcmp(3)) its name, a NUL, and its fingerprint (fingerprint.h).
 */
#ifndef MAILRAIL_CONTROL_NODE_FINGERPRINT_H
#define MAILRAIL_CONTROL_NODE_FINGERPRINT_H

#include <stdint.h>

#include "config.h"
#include "fingerprint.h"

struct node_fingerprint {
	uint8_t configuration[FINGERPRINT_BYTES];
	uint8_t node[FINGERPRINT_BYTES];
};

/* @pools: fingerprints in the order of @config's pools. -ENOMEM. */
int node_fingerprint_make(const struct config *config, const uint8_t (*pools)[FINGERPRINT_BYTES],
			  struct node_fingerprint *out);

#endif
