/* SPDX-License-Identifier: BSD-3-Clause */
#include "pull_up.h"

#include <string.h>

/* Moves up to @bytes from the second segment to the first's end; returns how many. */
static uint16_t take_from_second(struct rte_mbuf *first, uint16_t bytes)
{
	struct rte_mbuf *const second = first->next;
	const uint16_t part = RTE_MIN(bytes, second->data_len);

	memcpy(rte_pktmbuf_mtod_offset(first, uint8_t *, first->data_len),
	       rte_pktmbuf_mtod(second, uint8_t *), part);
	first->data_len += part;
	second->data_off += part;
	second->data_len -= part;
	if (second->data_len > 0)
		return part;
	first->next = second->next;
	first->nb_segs--;
	rte_pktmbuf_free_seg(second);
	return part;
}

bool pull_up_spread(struct rte_mbuf *mbuf, uint32_t bytes)
{
	uint32_t missing = bytes - rte_pktmbuf_data_len(mbuf);

	if (missing > rte_pktmbuf_tailroom(mbuf))
		return false;
	while (missing > 0)
		missing -= take_from_second(mbuf, (uint16_t)missing);
	return true;
}
