/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_block.h"

#include <string.h>

#define OPT_COMMENT 1

/* In the byte order of the machine, as the section header says. */
struct enhanced_packet {
	uint32_t type;
	uint32_t block_bytes; /* stands at the block's end once more */
	uint32_t interface;
	uint32_t time_high; /* nanoseconds, as the interface's if_tsresol says */
	uint32_t time_low;
	uint32_t captured_bytes;
	uint32_t original_bytes;
};

struct option_header {
	uint16_t code;
	uint16_t bytes;
};

/* Options are padded to 32 bits. */
static uint32_t padded(uint32_t bytes)
{
	return RTE_ALIGN(bytes, (uint32_t)sizeof(uint32_t));
}

/* Behind the other options, where the length was, which moves on. */
static void add_comment(struct rte_mbuf *block, const char *comment)
{
	const uint32_t bytes = (uint32_t)strnlen(comment, CAPTURE_COMMENT_BYTES_MAX);
	const struct option_header option = {.code = OPT_COMMENT, .bytes = (uint16_t)bytes};
	const uint32_t added = (uint32_t)sizeof(option) + padded(bytes);
	struct enhanced_packet *packet = rte_pktmbuf_mtod(block, struct enhanced_packet *);
	uint8_t *end = (uint8_t *)rte_pktmbuf_append(block, (uint16_t)added);

	if (end == NULL)
		return;
	end -= sizeof(packet->block_bytes);
	packet->block_bytes += added;
	memcpy(end, &option, sizeof(option));
	memset(end + sizeof(option), 0, padded(bytes));
	memcpy(end + sizeof(option), comment, bytes);
	memcpy(end + added, &packet->block_bytes, sizeof(packet->block_bytes));
}

void capture_block_complete(struct rte_mbuf *block, uint64_t time_ns, uint32_t frame_bytes,
			    const char *comment)
{
	struct enhanced_packet *packet = rte_pktmbuf_mtod(block, struct enhanced_packet *);

	packet->time_high = (uint32_t)(time_ns >> 32);
	packet->time_low = (uint32_t)time_ns;
	packet->original_bytes = frame_bytes;
	add_comment(block, comment);
}
