/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The keys of the steering maps, as the BPF programs and the control thread both see them.
 * Everything in network byte order; no padding, since maps compare keys byte by byte.
 */
#ifndef MAILRAIL_BPF_STEER_KEYS_H
#define MAILRAIL_BPF_STEER_KEYS_H

#include <linux/types.h>

/* Where a service listens. An IPv4 address is IPv4-mapped (RFC 4291, section 2.5.5.2). */
struct steer_endpoint {
	__u8 address[16];
	__be16 port;
};

struct steer_address {
	__u8 address[16];
};

_Static_assert(sizeof(struct steer_endpoint) == 18, "a map key has no padding");

/* Twice the bounds of mailrail/limits.h, because a change adds before it deletes. */
#define STEER_ENDPOINTS_MAX	(2 * 65536)
#define STEER_PROBE_SOURCES_MAX (2 * 64)

/* Receive queues of one interface: MR_QUEUES_MAX. */
#define STEER_QUEUES_MAX 64

#endif
