/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of a burst that take the short way (express.c): who boards (train.c), and what is
 * read of them on the way. Of what is WITH_FAMILY the compiler makes one form for either family.
 */
#ifndef MAILRAIL_DATAPLANE_TRAIN_H
#define MAILRAIL_DATAPLANE_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <mailrail/snapshot.h>

#include "packet.h"

#define WITH_FAMILY inline __attribute__((always_inline))

/* A packet on the short way; what is read once is not kept. */
struct express {
	struct packet *packet;
	uint8_t *ip;
	const mr_slot *slot;   /* NULL: it takes the long way after all */
	mr_service_id service; /* or NO_SERVICE */
	mr_backend_id backend;
};

/* Those of one family. */
struct train {
	uint32_t count;
	bool roams; /* goes to many endpoints, whose places are here */
	uint32_t places[BURST_SIZE];
	bool has_lists; /* a service's, among those that they go to */
	uint32_t moving_count;
	uint8_t moving[BURST_SIZE]; /* whose slots move: indices into packets[] */
	struct express packets[BURST_SIZE];
	const void *sessions[BURST_SIZE]; /* as mr_session_hash_wire() wants them */
	uint64_t hashes[BURST_SIZE];
};

/*
 * Boards those of the @burst, of one queue of a port, that are plain as far as their frames tell:
 * their head, lengths, addresses, TTL and checksum. Sets packet, ip and sessions.
 */
void train_board(const struct port *ports, struct burst *burst, struct train *v4, struct train *v6);

static inline uint32_t ip_header_bytes(bool v4)
{
	return v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

/* The IP packet, as its header says. */
static WITH_FAMILY uint32_t ip_bytes_of(const uint8_t *ip, bool v4)
{
	const struct rte_ipv4_hdr *ipv4 = (const void *)ip;
	const struct rte_ipv6_hdr *ipv6 = (const void *)ip;

	return v4 ? rte_be_to_cpu_16(ipv4->total_length)
		  : sizeof(*ipv6) + (uint32_t)rte_be_to_cpu_16(ipv6->payload_len);
}

static WITH_FAMILY const struct rte_tcp_hdr *tcp_of(const uint8_t *ip, bool v4)
{
	return (const void *)(ip + ip_header_bytes(v4));
}

#endif
