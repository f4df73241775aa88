/* SPDX-License-Identifier: BSD-3-Clause */
#include "arrival.h"

#include <stdlib.h>
#include <string.h>

struct block {
	struct rte_mbuf_ext_shared_info shared;
	uint8_t *bytes;
};

static void block_free(void *bytes, void *context)
{
	free(bytes);
	free(context);
}

static struct block *block_create(uint32_t byte_count)
{
	struct block *block = calloc(1, sizeof(*block));

	if (block == NULL)
		abort();
	/* malloc(0) may be NULL, which an mbuf does not take for a buffer. */
	block->bytes = malloc(byte_count > 0 ? byte_count : 1);
	if (block->bytes == NULL)
		abort();
	block->shared.free_cb = block_free;
	block->shared.fcb_opaque = block;
	rte_mbuf_ext_refcnt_set(&block->shared, 1);
	return block;
}

static struct rte_mbuf *segment_create(struct rte_mempool *pool, const uint8_t *bytes,
				       uint32_t byte_count, uint16_t headroom, uint16_t tailroom)
{
	const uint16_t room = (uint16_t)(headroom + byte_count + tailroom);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	struct block *block;

	if (mbuf == NULL)
		return NULL;
	block = block_create(room);
	memcpy(&block->bytes[headroom], bytes, byte_count);
	/* Without hugepages, EAL's IO addresses are virtual ones. */
	rte_pktmbuf_attach_extbuf(mbuf, block->bytes, (uintptr_t)block->bytes, room,
				  &block->shared);
	mbuf->data_off = headroom;
	mbuf->data_len = (uint16_t)byte_count;
	mbuf->pkt_len = byte_count;
	return mbuf;
}

struct rte_mbuf *arrival_to_mbuf(struct rte_mempool *pool, const struct arrival *arrival)
{
	struct rte_mbuf *frame = NULL;
	uint32_t done = 0, i = 0;

	do {
		const uint32_t rest = arrival->byte_count - done;
		const uint32_t count = i + 1 < arrival->segment_count
					       ? RTE_MIN(rest, arrival->segment_bytes[i])
					       : rest;
		struct rte_mbuf *segment = segment_create(pool, &arrival->bytes[done], count,
							  i == 0 ? arrival->headroom : 0,
							  i == 0 ? arrival->tailroom : 0);

		if (segment == NULL) {
			rte_pktmbuf_free(frame);
			return NULL;
		}
		if (frame == NULL)
			frame = segment;
		else
			rte_pktmbuf_chain(frame, segment);
		done += count;
	} while (++i < arrival->segment_count);
	frame->ol_flags |= arrival->checksum_flag;
	return frame;
}
