/* SPDX-License-Identifier: BSD-3-Clause */
#include "mss.h"

#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "checksum.h"

/* RFC 9293, section 3.1. */
#define OPTION_END	    0
#define OPTION_NOP	    1
#define OPTION_MSS	    2
#define OPTION_HEADER_BYTES 2 /* kind and length, of all but those of one byte */
#define OPTION_MSS_BYTES    4

/* @value_offset: from the start of the TCP header. */
static bool lower(uint8_t *tcp, uint32_t value_offset, uint16_t mss_max_bytes)
{
	const rte_be16_t lowered = rte_cpu_to_be_16(mss_max_bytes);
	rte_be16_t value;
	uint32_t change;

	memcpy(&value, &tcp[value_offset], sizeof(value));
	if (rte_be_to_cpu_16(value) <= mss_max_bytes)
		return false;
	change = checksum_change(&value, &lowered, sizeof(lowered));
	if (value_offset % 2 != 0)
		change = checksum_change_at_odd(change);
	memcpy(&tcp[value_offset], &lowered, sizeof(lowered));
	checksum_update(&tcp[offsetof(struct rte_tcp_hdr, cksum)], change);
	return true;
}

/* Where the options end that are in the first segment, from the start of the TCP header. */
static uint32_t options_end(const struct packet *packet, const uint8_t *tcp)
{
	const struct rte_tcp_hdr *header = (const void *)tcp;
	const uint32_t header_bytes = (uint32_t)(header->data_off >> 4) * 4;
	const uint32_t there = rte_pktmbuf_data_len(packet->mbuf) - packet->l4_offset;
	const uint32_t end = RTE_MIN(header_bytes, (uint32_t)packet->l4_bytes);

	return RTE_MIN(end, there);
}

/* The length of the option at @offset; 0: there is none, or one that contradicts itself. */
static uint32_t option_bytes(const uint8_t *tcp, uint32_t offset, uint32_t end)
{
	uint32_t bytes;

	if (offset >= end || tcp[offset] == OPTION_END)
		return 0;
	if (tcp[offset] == OPTION_NOP)
		return 1;
	if (end - offset < OPTION_HEADER_BYTES)
		return 0;
	bytes = tcp[offset + 1];
	return bytes >= OPTION_HEADER_BYTES && bytes <= end - offset ? bytes : 0;
}

bool mss_clamp(struct packet *packet, uint16_t mss_max_bytes)
{
	uint32_t offset = sizeof(struct rte_tcp_hdr);
	bool lowered = false;
	uint32_t end, bytes;
	uint8_t *tcp;

	if (mss_max_bytes == 0 || (packet->tcp_flags & RTE_TCP_SYN_FLAG) == 0)
		return false;
	tcp = &packet_bytes(packet)[packet->l4_offset];
	end = options_end(packet, tcp);
	while ((bytes = option_bytes(tcp, offset, end)) != 0) {
		if (tcp[offset] == OPTION_MSS && bytes == OPTION_MSS_BYTES)
			lowered |= lower(tcp, offset + OPTION_HEADER_BYTES, mss_max_bytes);
		offset += bytes;
	}
	return lowered;
}
