/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mark by which a packet is known again: which session, the how manieth packet, when it was
 * sent. It is in the payload's first 24 bytes, in network byte order:
 *
 *	0	magic		"mrpk"
 *	4	session		see planned.h
 *	8	number		of the packet in its session, from 0
 *	12	zero
 *	16	time		of the sender's time stamp counter
 *
 * A segment with less payload has it in its TCP header (RFC 9293, section 3.1): the session as
 * sequence number, time / 64 as acknowledgement number, the number's low half as urgent pointer
 * (without URG), and the magic "mr" as window.
 */
#ifndef MAILRAIL_PKTGEN_STAMP_H
#define MAILRAIL_PKTGEN_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_tcp.h>

#define STAMP_BYTES	 24
#define STAMP_MAGIC	 UINT32_C(0x6d72706b)
#define STAMP_WINDOW	 UINT16_C(0x6d72)
#define STAMP_TIME_SHIFT 6

struct stamp {
	uint32_t session;
	uint32_t number;
	bool number_is_short; /* only its low 16 bits are known */
	bool syn;
	uint64_t age; /* in cycles of the time stamp counter */
};

static inline void stamp_write_payload(uint8_t *payload, uint32_t session, uint32_t number,
				       uint64_t time)
{
	const rte_be32_t words[4] = {
		RTE_BE32(STAMP_MAGIC),
		rte_cpu_to_be_32(session),
		rte_cpu_to_be_32(number),
		0,
	};
	const rte_be64_t time_be = rte_cpu_to_be_64(time);

	memcpy(payload, words, sizeof(words));
	memcpy(&payload[sizeof(words)], &time_be, sizeof(time_be));
}

static inline void stamp_write_header(struct rte_tcp_hdr *tcp, uint32_t session, uint32_t number,
				      uint64_t time)
{
	tcp->sent_seq = rte_cpu_to_be_32(session);
	tcp->recv_ack = rte_cpu_to_be_32((uint32_t)(time >> STAMP_TIME_SHIFT));
	tcp->rx_win = RTE_BE16(STAMP_WINDOW);
	tcp->tcp_urp = rte_cpu_to_be_16((uint16_t)number);
}

/* @payload may be of any alignment; @now: of the same counter as the sender's. */
static inline bool stamp_read(const struct rte_tcp_hdr *tcp, const uint8_t *payload,
			      uint32_t payload_bytes, uint64_t now, struct stamp *out)
{
	rte_be32_t words[4];
	rte_be64_t time_be;

	out->syn = (tcp->tcp_flags & RTE_TCP_SYN_FLAG) != 0;
	if (payload_bytes >= STAMP_BYTES) {
		memcpy(words, payload, sizeof(words));
		memcpy(&time_be, &payload[sizeof(words)], sizeof(time_be));
		out->session = rte_be_to_cpu_32(words[1]);
		out->number = rte_be_to_cpu_32(words[2]);
		out->number_is_short = false;
		out->age = now - rte_be_to_cpu_64(time_be);
		return words[0] == RTE_BE32(STAMP_MAGIC);
	}
	out->session = rte_be_to_cpu_32(tcp->sent_seq);
	out->number = rte_be_to_cpu_16(tcp->tcp_urp);
	out->number_is_short = true;
	out->age = (uint64_t)((uint32_t)(now >> STAMP_TIME_SHIFT) - rte_be_to_cpu_32(tcp->recv_ack))
		   << STAMP_TIME_SHIFT;
	return tcp->rx_win == RTE_BE16(STAMP_WINDOW);
}

#endif
