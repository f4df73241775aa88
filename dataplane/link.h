/* SPDX-License-Identifier: BSD-3-Clause */
/* The link header of a frame, Ethernet and up to two VLAN tags, when nobody has parsed it. */
#ifndef MAILRAIL_DATAPLANE_LINK_H
#define MAILRAIL_DATAPLANE_LINK_H

#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

/* Answers go back to the station that the frame came from. */
static inline void link_turn_round(uint8_t *frame)
{
	struct rte_ether_hdr *ethernet = (void *)frame;
	const struct rte_ether_addr station = ethernet->src_addr;

	ethernet->src_addr = ethernet->dst_addr;
	ethernet->dst_addr = station;
}

/* Takes the tags out of a frame of at least an Ethernet header. */
static inline void link_untag(struct rte_mbuf *mbuf)
{
	const uint32_t type_offset = offsetof(struct rte_ether_hdr, ether_type);
	uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint16_t tag_bytes = 0;

	while (tag_bytes < 2 * RTE_VLAN_HLEN &&
	       type_offset + tag_bytes + RTE_VLAN_HLEN + sizeof(rte_be16_t) <= mbuf->data_len) {
		rte_be16_t type;

		memcpy(&type, &frame[type_offset + tag_bytes], sizeof(type));
		if (type != RTE_BE16(RTE_ETHER_TYPE_VLAN) && type != RTE_BE16(RTE_ETHER_TYPE_QINQ))
			break;
		tag_bytes += RTE_VLAN_HLEN;
	}
	if (tag_bytes == 0)
		return;
	memmove(&frame[tag_bytes], frame, type_offset);
	rte_pktmbuf_adj(mbuf, tag_bytes);
}

#endif
