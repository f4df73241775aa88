/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP frames for tests of single steps, whole and with right checksums, and mbufs that end
 * where the frame ends.
 */
#ifndef MAILRAIL_TESTS_FRAME_H
#define MAILRAIL_TESTS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <mailrail/address.h>

#define FRAME_BYTES_MAX 9600

/* Zero stands for what the name suggests: no options, no payload, no flags. */
struct frame_spec {
	struct rte_ether_addr to;
	struct rte_ether_addr from;
	const char *client; /* text; both addresses are of one family */
	const char *service;
	uint16_t client_port; /* host byte order */
	uint16_t service_port;
	uint8_t tcp_flags;
	uint8_t tag_count; /* of the VLAN tags: up to 2 */
	uint16_t tags[2];  /* ids, outermost first, host byte order */
	bool dont_fragment;
	uint8_t traffic_class;	  /* TOS, DSCP and ECN */
	uint8_t ip_option_bytes;  /* a multiple of 4, up to 40; IPv4 only */
	uint8_t tcp_option_bytes; /* a multiple of 4, up to 40 */
	uint16_t payload_bytes;
};

/* Returns the bytes written. */
uint32_t frame_build(const struct frame_spec *spec, uint8_t bytes[FRAME_BYTES_MAX]);

/* Writes the header's checksum, and that of the TCP segment behind it; no fragment's. */
void frame_set_checksums_v4(uint8_t *ip_packet);

/*
 * A copy of the frame in one mbuf whose data is a heap block of exactly @count bytes, so that
 * AddressSanitizer sees every access behind its end. The block goes with the mbuf. NULL: the
 * pool is empty.
 */
struct rte_mbuf *frame_to_mbuf(struct rte_mempool *pool, const uint8_t *bytes, uint32_t count);
/* The same with exactly @headroom bytes before the frame, as a driver leaves some. */
struct rte_mbuf *frame_to_mbuf_behind(struct rte_mempool *pool, uint16_t headroom,
				      const uint8_t *bytes, uint32_t count);
/*
 * The same in segments of @segment_bytes (the last may be shorter), @headroom bytes before the
 * first one.
 */
struct rte_mbuf *frame_to_segments(struct rte_mempool *pool, uint16_t headroom,
				   const uint8_t *bytes, uint32_t count, uint32_t segment_bytes);

/* The address that @text says, of either family; the test ends if it says none. */
struct mr_addr frame_addr(const char *text);

#endif
