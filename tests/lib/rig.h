/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker on a bench: the real steps, the real worker loop and real ethdevs, whose queues are
 * rings (DPDK's net_ring driver) that a test fills and empties. What dataplane.c does for a
 * machine's ports is done here for RIG_PORTS of them, the kernel's side of each, and the probe
 * port.
 *
 *	test --> in[port] ring --> receive ... transmit --> out[port] ring --> test
 */
#ifndef MAILRAIL_TESTS_RIG_H
#define MAILRAIL_TESTS_RIG_H

#include <pthread.h>
#include <stdint.h>

#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "frame.h"
#include "packet.h"
#include "worker.h"

#define RIG_PORTS      4
#define RIG_PROBE      RIG_PORTS       /* index of the probe port's rings */
#define RIG_KERNEL     (RIG_PROBE + 1) /* of those of the first port's kernel side */
#define RIG_RINGS      (RIG_KERNEL + RIG_PORTS)
#define RIG_RING_SIZE  256 /* frames in flight on a ring: one less */
#define RIG_MBUFS      2047
#define RIG_SPARES     511 /* mbufs for packets that are cut or joined */
#define RIG_PIN_BUDGET 1024

struct rig {
	struct rte_mempool *mbufs;
	struct rte_ring *in[RIG_RINGS];
	struct rte_ring *out[RIG_RINGS];
	struct port ports[RIG_PORTS];
	_Atomic mr_backend_id probe_backends[UINT16_MAX + 1]; /* MR_BACKEND_NONE at first */
	const struct mr_snapshot *_Atomic published;
	struct rte_rcu_qsbr *qsbr;
	struct worker worker; /* polls in[0], in[1] ... in[RIG_RINGS - 1] */
	pthread_t thread;
};

/*
 * Ports are MR_DEVICE_VDEV with MAC 02:00:00:00:00:0N, without tags and, until a test sets
 * has_kernel_side, without a kernel; kernel_mac is ...:01:0N. The prober's kernel has ...:ff.
 * Needs test_eal_start(). NULL: after a message on standard error.
 */
struct rig *rig_create(void);
/* Frees what the rings still hold. Snapshots belong to the test. */
void rig_destroy(struct rig *rig);

/* False: the ring is full, or no mbuf is left. */
bool rig_inject(struct rig *rig, uint32_t port, const uint8_t *bytes, uint32_t count);
/* The same for a frame that the test made itself; takes ownership when it returns true. */
bool rig_inject_mbuf(struct rig *rig, uint32_t port, struct rte_mbuf *mbuf);
/* The next frame that left by @port, NULL: none. The caller frees it. */
struct rte_mbuf *rig_collect(struct rig *rig, uint32_t port);
/* mbufs, spare ones too, that are neither on a ring nor in somebody's hands. */
uint32_t rig_free_mbufs(const struct rig *rig);

/* After a port's MAC or tags have changed. */
void rig_heads(struct rig *rig);

/* One step at a time: receive() from in[@port]. */
uint32_t rig_receive(struct rig *rig, uint32_t port, struct burst *burst);
/* Frees the frames of a burst that no test forwards or sends on. */
void rig_discard(struct burst *burst);

/* The whole loop: worker_run() in a thread of its own. */
int rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
/* Publishes @next, waits until the worker has left the one before, and returns that one. */
const struct mr_snapshot *rig_publish(struct rig *rig, const struct mr_snapshot *next);
/* Waits until the worker has given @packets verdicts in all; false after ten seconds. */
bool rig_await(struct rig *rig, uint64_t packets);
/* The sum over all verdicts. */
uint64_t rig_verdicts(const struct rig *rig);

#endif
