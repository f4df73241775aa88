/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet on its way through a worker, and the burst it travels in. Each step reads what
 * the steps before it have set, and leaves packets that have their verdict alone:
 *
 *   receive        sets mbuf, rx_port
 *   parse          sets offsets, tuple, tcp_flags         or a verdict
 *   match_service  sets service and hash, or backend for a probe, or a verdict
 *   pick_backend   sets backend                           or a verdict
 *   forward        sets verdict and tx_port, rewrites the frame
 *   transmit       sends or frees every mbuf, counts every verdict
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

/* transmit's answer to "which port": none, the frame is freed. */
#define NO_PORT (UINT8_MAX - 1)

struct packet {
	struct rte_mbuf *mbuf;
	uint8_t verdict; /* enum mr_verdict, or UNDECIDED */
	uint8_t rx_port; /* index of a port, or WORKER_PROBE_PORT */
	uint8_t tx_port; /* index of a port, WORKER_PROBE_PORT or NO_PORT */
	uint8_t tcp_flags;
	bool kernel_has_copy; /* the port only listens in: what is not for us needs no help */
	uint16_t l4_offset;   /* from the start of the frame, bytes */
	uint16_t l4_bytes;    /* TCP header and payload, as the IP header says */
	mr_service_id service;
	mr_backend_id backend; /* MR_BACKEND_NONE until picked */
	uint64_t hash;
	struct mr_tuple tuple; /* client: source, service: destination of the packet */
};

struct burst {
	uint32_t count;
	struct packet packets[BURST_SIZE];
};

/* The first byte of the frame. Headers are always within the first segment. */
static inline uint8_t *packet_bytes(const struct packet *packet)
{
	return rte_pktmbuf_mtod(packet->mbuf, uint8_t *);
}

#define PACKET_L3_OFFSET RTE_ETHER_HDR_LEN

static inline bool packet_opens_session(const struct packet *packet)
{
	const uint8_t flags =
		RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return (packet->tcp_flags & flags) == RTE_TCP_SYN_FLAG;
}

/* Nothing here for us: the kernel's, where it has the frame too, else @verdict. */
static inline void packet_leave(struct packet *packet, enum mr_verdict verdict)
{
	packet->verdict = packet->kernel_has_copy ? MR_LEFT_TO_KERNEL : verdict;
}

uint32_t receive(struct worker *worker, const struct worker_rx_queue *queue, struct burst *burst);
void parse(const struct worker *worker, struct burst *burst);
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
