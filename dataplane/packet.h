/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet on its way through a worker, and the burst it travels in. Each step reads what
 * the steps before it have set, and leaves packets that have their verdict alone:
 *
 *   receive          sets mbuf, rx_port, kernel
 *   express          takes the plain ones all the way: sets verdict and tx_port, rewrites the
 * frame; leaves others as they came, some of them with their hash parse            sets rx_port by
 * tags, kind, fragment, offsets, tuple, tcp_flags or a verdict follow_fragments sets the ports in
 * the tuple of later fragments  or a verdict match_service    sets service and hash, backend for a
 * probe, nat_source, or a verdict pick_backend     sets backend or a verdict forward          sets
 * verdict, tx_port and cuts, rewrites the frame transmit         sends or frees every mbuf, counts
 * every verdict
 */
#ifndef MAILRAIL_DATAPLANE_PACKET_H
#define MAILRAIL_DATAPLANE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include <mailrail/session.h>
#include <mailrail/snapshot.h>
#include <mailrail/verdict.h>

#include "worker.h"

/* A packet that is still on its way. */
#define UNDECIDED MR_VERDICT_COUNT

/* Not in this burst any more: kept or handed to another worker, with its mbuf. Not counted. */
#define TAKEN (MR_VERDICT_COUNT + 1)

/* No service is that; counters and tables end before it. */
#define NO_SERVICE UINT16_MAX

/* transmit's answer to "which port": none, the frame is freed. */
#define NO_PORT (UINT8_MAX - 1)

/* What the host's kernel can have of a packet. */
enum packet_kernel {
	KERNEL_NONE,	 /* nothing */
	KERNEL_HAS_COPY, /* the port only listens in: what is not for us needs no help */
	KERNEL_SIDE,	 /* the port has a kernel's side to which the frame can be passed */
};

enum packet_kind {
	PACKET_TCP,
	PACKET_ICMP_ERROR, /* one that quotes TCP */
};

enum packet_fragment {
	FRAGMENT_NONE, /* the whole datagram */
	FRAGMENT_FIRST,
	FRAGMENT_LATER,
};

struct packet {
	struct rte_mbuf *mbuf;
	uint8_t verdict;    /* enum mr_verdict, UNDECIDED or TAKEN */
	uint8_t rx_port;    /* index of a port, WORKER_KERNEL_SIDE of one, or WORKER_PROBE_PORT */
	uint8_t tx_port;    /* the same, or NO_PORT */
	uint8_t kernel;	    /* enum packet_kernel */
	uint8_t kind;	    /* enum packet_kind */
	uint8_t fragment;   /* enum packet_fragment */
	uint8_t tcp_flags;  /* 0: later fragment or ICMP error */
	uint16_t l3_offset; /* from the start of the frame, bytes; behind Ethernet and its tags */
	uint16_t l4_offset; /* behind the IP header with its options or extension headers */
	uint32_t l3_bytes;  /* the IP packet, as its header says; what follows is padding */
	uint16_t l4_bytes;  /* of which behind l4_offset: TCP header and payload, ICMP message */
	uint16_t quote_offset;	  /* ICMP error: the quoted IP header */
	uint16_t quote_l4_offset; /* its TCP header, of which 8 bytes are there */
	mr_service_id service;	  /* NO_SERVICE until matched */
	mr_backend_id backend;	  /* MR_BACKEND_NONE until picked */
	uint32_t fragment_id;	  /* of the datagram, as in the header */
	uint64_t hash;		  /* of the session; 0: not known yet */
	/*
	 * TCP: client is the packet's source, service its destination. An ICMP error has the ends
	 * of the packet that it quotes the other way round: client is where that was going.
	 */
	struct mr_tuple tuple;
	const struct mr_nat_source *nat_source; /* it comes from there; NULL: it does not */
};

/* IPv4 packets that forward() has cut for a narrow path; the packet's own mbuf is gone then. */
struct cut {
	struct rte_mbuf *mbuf;
	uint8_t packet; /* index into the burst */
};

#define CUTS_MAX 64

struct burst {
	uint32_t count;
	struct packet packets[BURST_SIZE];
	uint32_t cut_count;
	struct cut cuts[CUTS_MAX];
};

/* The first byte of the frame. All headers that a packet's offsets name are in one segment. */
static inline uint8_t *packet_bytes(const struct packet *packet)
{
	return rte_pktmbuf_mtod(packet->mbuf, uint8_t *);
}

static inline bool packet_is_v4(const struct packet *packet)
{
	return packet_bytes(packet)[packet->l3_offset] >> 4 == 4;
}

/* @flags: of a TCP header. */
static inline bool tcp_opens_session(uint8_t flags)
{
	const uint8_t decisive =
		RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return (flags & decisive) == RTE_TCP_SYN_FLAG;
}

static inline bool packet_opens_session(const struct packet *packet)
{
	return tcp_opens_session(packet->tcp_flags);
}

/* Sends the frame, as it came, to the kernel's side of its port. */
static inline void packet_pass(struct packet *packet)
{
	packet->verdict = MR_PASSED_TO_KERNEL;
	packet->tx_port = WORKER_KERNEL_SIDE | packet->rx_port;
}

/* Nothing here for us: the kernel's, where it has the frame or can get it, else @verdict. */
static inline void packet_leave(struct packet *packet, enum mr_verdict verdict)
{
	switch ((enum packet_kernel)packet->kernel) {
	case KERNEL_NONE:
		packet->verdict = verdict;
		break;
	case KERNEL_HAS_COPY:
		packet->verdict = MR_LEFT_TO_KERNEL;
		break;
	case KERNEL_SIDE:
		packet_pass(packet);
		break;
	}
}

/* What the kernel can have of frames that arrive at @rx_port. */
static inline enum packet_kernel packet_kernel_at(const struct worker *worker, uint8_t rx_port)
{
	if (rx_port == WORKER_PROBE_PORT || rx_port & WORKER_KERNEL_SIDE)
		return KERNEL_NONE;
	if (worker->ports[rx_port].kind == MR_DEVICE_AF_PACKET)
		return KERNEL_HAS_COPY;
	return worker->ports[rx_port].has_kernel_side ? KERNEL_SIDE : KERNEL_NONE;
}

uint32_t receive(struct worker *worker, const struct worker_rx_queue *queue, struct burst *burst);
/* Fragments from other workers, and those whose first one has come. */
uint32_t receive_again(struct worker *worker, struct burst *burst);
/* True: nothing is left to do but to transmit. For bursts of one queue, as they were received. */
bool express(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst);
void parse(const struct worker *worker, struct burst *burst);
void follow_fragments(struct worker *worker, const struct mr_snapshot *snapshot,
		      struct burst *burst);
void match_service(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst);
void pick_backend(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst);
void forward(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst);
void transmit(struct worker *worker, struct burst *burst);

/*
 * Turns the frame into the TCP reset that answers it (RFC 9293, section 3.10.7.1), back to the
 * station it came from. Not for a frame that is itself a reset.
 */
void reset_answer(struct packet *packet);

#endif
