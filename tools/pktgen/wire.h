/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames from plans: Ethernet, VLAN tags, IPv4 or IPv6, TCP, stamp and text, with right lengths
 * and checksums. Read-only once initialised: any thread.
 */
#ifndef MAILRAIL_PKTGEN_WIRE_H
#define MAILRAIL_PKTGEN_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <mailrail/session.h>

#include "planned.h"

#define WIRE_FRAME_MAX	 9216
#define WIRE_PAYLOAD_MAX 9000

struct wire_config {
	struct rte_ether_addr to;
	struct rte_ether_addr from;
	const uint16_t *vlan; /* ids, outermost first */
	uint32_t vlan_count;  /* up to 2 */
	bool timestamps;
};

struct wire {
	bool timestamps;
	_Alignas(2) uint8_t link[RTE_ETHER_HDR_LEN + 2 * 4]; /* with IPv4's type */
	uint32_t link_bytes;
	uint8_t text[WIRE_PAYLOAD_MAX];
	uint32_t text_sums[WIRE_PAYLOAD_MAX / 2 + 1]; /* of the 16-bit words before */
};

void wire_init(struct wire *wire, const struct wire_config *config);

/* Returns the bytes written to @frame, WIRE_FRAME_MAX at most, without check sequence. */
uint32_t wire_write(const struct wire *wire, const struct planned *planned,
		    const struct mr_tuple *tuple, uint64_t time, uint8_t *frame);

#endif
