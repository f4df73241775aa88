/* SPDX-License-Identifier: BSD-3-Clause */
/* For rte_ipv4_fragment_copy_nonseg_packet(), since DPDK 21.11 and the same ever since. */
#define ALLOW_EXPERIMENTAL_API
#include "cut.h"

#include <assert.h>

#include <rte_ip.h>
#include <rte_ip_frag.h>

#include <mailrail/snapshot.h>

static_assert(RTE_PKTMBUF_HEADROOM >= MR_FRONT_BYTES_MAX, "a piece has room for its front");

/* rte_ip_frag leaves the limit to us: it would write the header behind the end of the buffer. */
static uint16_t piece_bytes(uint32_t piece_max_bytes, struct rte_mempool *spares)
{
	const uint32_t room = rte_pktmbuf_data_room_size(spares) - RTE_PKTMBUF_HEADROOM;

	return (uint16_t)RTE_MIN(piece_max_bytes, room);
}

uint32_t cut_packet(struct rte_mbuf *packet, uint32_t piece_max_bytes, struct rte_mempool *spares,
		    struct rte_mbuf **out_pieces, uint16_t max)
{
	const int32_t count = rte_ipv4_fragment_copy_nonseg_packet(
		packet, out_pieces, max, piece_bytes(piece_max_bytes, spares), spares);

	for (int32_t i = 0; i < count; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(out_pieces[i], void *);

		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	return count > 0 ? (uint32_t)count : 0;
}
