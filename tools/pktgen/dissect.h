/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a received frame's TCP segment is, plain or in a tunnel: IP in IP (RFC 2003, 2473, 4213),
 * GRE without options (RFC 2784), GUE of variant 0 and 1 (draft-ietf-intarea-gue). Pure.
 */
#ifndef MAILRAIL_PKTGEN_DISSECT_H
#define MAILRAIL_PKTGEN_DISSECT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_tcp.h>

#include <mailrail/address.h>

struct dissected {
	const struct rte_tcp_hdr *tcp; /* into the frame */
	const uint8_t *payload;
	uint32_t payload_bytes;
	struct rte_ether_addr to;
	struct mr_addr outer; /* destination of the outermost IP header */
	struct mr_addr inner; /* ... of the one before TCP */
};

/* False: not TCP, not whole, or in more tunnels than one. @gue_port: host byte order. */
bool dissect(const uint8_t *frame, uint32_t bytes, uint16_t gue_port, struct dissected *out);

#endif
