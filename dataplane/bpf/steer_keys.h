/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The keys of the steering maps, as the BPF programs and the control thread both see them.
 * No padding, since maps compare keys byte by byte.
 */
#ifndef MAILRAIL_BPF_STEER_KEYS_H
#define MAILRAIL_BPF_STEER_KEYS_H

#include <linux/types.h>

/* Where a service listens. An IPv4 address is IPv4-mapped (RFC 4291, section 2.5.5.2). */
struct steer_endpoint {
	__u8 address[16]; /* network byte order, like all that comes from a frame */
	__be16 port;
};

struct steer_address {
	__u8 address[16];
};

_Static_assert(sizeof(struct steer_endpoint) == 18, "a map key has no padding");

/* The VLAN ids of a frame, host byte order. 0: no tag there. Without an outer one: no inner. */
static inline __u32 steer_tags_key(__u16 outer, __u16 inner)
{
	return (__u32)outer << 16 | inner;
}

/* Twice the bounds of mailrail/limits.h, because a change adds before it deletes. */
#define STEER_ENDPOINTS_MAX	(2 * 65536)
#define STEER_PROBE_SOURCES_MAX (2 * 64)
#define STEER_NAT_SOURCES_MAX	(2 * 65536)

/* Tag lists of one interface's ports: MR_PORTS_MAX. The map is set once, by its name. */
#define STEER_TAGS_MAX 16
#define STEER_TAGS_MAP "tags"

/* Receive queues of one interface: MR_QUEUES_MAX. */
#define STEER_QUEUES_MAX 64

/* What is looked at of IPv6 extension headers: MR_EXTENSIONS_MAX, MR_EXTENSION_BYTES_MAX. */
#define STEER_EXTENSIONS_MAX	  8
#define STEER_EXTENSION_BYTES_MAX 512

#endif
