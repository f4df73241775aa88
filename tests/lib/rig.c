/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "fragments.h"
#include "pin_table.h"

#define AWAIT_SECONDS 10

static struct rte_ring *ring_of(const char *prefix, uint32_t port)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u", prefix, port);
	return rte_ring_create(name, RIG_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

/* Returns the ethdev's number or a negative errno. */
static int ethdev_create(struct rig *rig, uint32_t port)
{
	const struct rte_eth_conf conf = {0};
	char name[RTE_ETH_NAME_MAX_LEN];
	int ethdev, rc;

	rig->in[port] = ring_of("in", port);
	rig->out[port] = ring_of("out", port);
	if (rig->in[port] == NULL || rig->out[port] == NULL)
		return -ENOMEM;
	snprintf(name, sizeof(name), "rig%u", port);
	ethdev = rte_eth_from_rings(name, &rig->in[port], 1, &rig->out[port], 1, 0);
	if (ethdev < 0)
		return -rte_errno;
	rc = rte_eth_dev_configure((uint16_t)ethdev, 1, 1, &conf);
	if (rc == 0)
		rc = rte_eth_rx_queue_setup((uint16_t)ethdev, 0, 0, 0, NULL, rig->mbufs);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup((uint16_t)ethdev, 0, 0, 0, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start((uint16_t)ethdev);
	return rc < 0 ? rc : ethdev;
}

static struct rte_ether_addr mac_of(uint8_t group, uint8_t last)
{
	return (struct rte_ether_addr){{0x02, 0, 0, 0, group, last}};
}

/* What the worker calls the place that rings @index stand for. */
static uint8_t place_of(uint32_t index)
{
	if (index == RIG_PROBE)
		return WORKER_PROBE_PORT;
	if (index >= RIG_KERNEL)
		return (uint8_t)(WORKER_KERNEL_SIDE | (index - RIG_KERNEL));
	return (uint8_t)index;
}

static void port_init(struct rig *rig, uint8_t index)
{
	rig->ports[index] = (struct port){
		.ethdev = rig->worker.rx_queues[index].ethdev,
		.kind = MR_DEVICE_VDEV,
		.queues = 1,
		.mac = mac_of(0, index),
		.sibling = index,
		.kernel_ethdev = rig->worker.rx_queues[RIG_KERNEL + index].ethdev,
		.kernel_frame_max_bytes = RTE_ETHER_MAX_VLAN_FRAME_LEN,
		.kernel_mac = mac_of(1, index),
	};
	rig_heads(rig);
}

void rig_heads(struct rig *rig)
{
	for (uint32_t i = 0; i < RIG_PORTS; i++) {
		struct port *port = &rig->ports[i];

		heads_of(&port->mac, port->tags, port->tag_count, &port->heads);
	}
}

static int ports_create(struct rig *rig)
{
	struct worker *worker = &rig->worker;

	for (uint32_t i = 0; i < RIG_RINGS; i++) {
		const int ethdev = ethdev_create(rig, i);

		if (ethdev < 0)
			return ethdev;
		worker->rx_queues[i] = (struct worker_rx_queue){
			.ethdev = (uint16_t)ethdev,
			.port = place_of(i),
		};
		worker->rx_queue_count = i + 1;
	}
	for (uint8_t i = 0; i < RIG_PORTS; i++)
		port_init(rig, i);
	worker->probe_ethdev = worker->rx_queues[RIG_PROBE].ethdev;
	worker->probe_mac = mac_of(0, 0xff);
	worker->ports = rig->ports;
	worker->port_count = RIG_PORTS;
	return 0;
}

static struct rte_rcu_qsbr *qsbr_create(void)
{
	struct rte_rcu_qsbr *qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, rte_rcu_qsbr_get_memsize(1));

	if (qsbr != NULL)
		rte_rcu_qsbr_init(qsbr, 1);
	return qsbr;
}

static int worker_create(struct rig *rig)
{
	struct worker *worker = &rig->worker;

	for (uint32_t i = 0; i < RTE_DIM(rig->probe_backends); i++)
		atomic_init(&rig->probe_backends[i], MR_BACKEND_NONE);
	rig->qsbr = qsbr_create();
	worker->counters = calloc(1, sizeof(*worker->counters));
	worker->pins = mr_pin_table_create(RIG_PIN_BUDGET);
	worker->spare_mbufs = rte_pktmbuf_pool_create("spares", RIG_SPARES, 0, 0,
						      RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	worker->fragments = fragment_table_create(SOCKET_ID_ANY);
	if (rig->qsbr == NULL || worker->counters == NULL || worker->pins == NULL ||
	    worker->spare_mbufs == NULL || worker->fragments == NULL)
		return -ENOMEM;
	worker->worker_count = 1;
	worker->snapshot = &rig->published;
	worker->qsbr = rig->qsbr;
	worker->probe_backends = rig->probe_backends;
	worker->clock_start = rte_rdtsc();
	worker->round_began = worker->clock_start;
	worker->clock_hz = rte_get_tsc_hz();
	return 0;
}

struct rig *rig_create(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int rc = -ENOMEM;

	if (rig == NULL)
		return NULL;
	rig->mbufs = rte_pktmbuf_pool_create("rig", RIG_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					     SOCKET_ID_ANY);
	if (rig->mbufs != NULL)
		rc = ports_create(rig);
	if (rc == 0)
		rc = worker_create(rig);
	if (rc == 0)
		return rig;
	fprintf(stderr, "rig: %s\n", rte_strerror(-rc));
	rig_destroy(rig);
	return NULL;
}

static void ring_destroy(struct rte_ring *ring)
{
	void *mbuf;

	if (ring == NULL)
		return;
	while (rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
	rte_ring_free(ring);
}

void rig_destroy(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->worker.rx_queue_count; i++) {
		rte_eth_dev_stop(rig->worker.rx_queues[i].ethdev);
		rte_eth_dev_close(rig->worker.rx_queues[i].ethdev);
	}
	for (uint32_t i = 0; i < RIG_RINGS; i++) {
		ring_destroy(rig->in[i]);
		ring_destroy(rig->out[i]);
	}
	fragment_table_destroy(rig->worker.fragments);
	mr_pin_table_destroy(rig->worker.pins);
	free(rig->worker.counters);
	free(rig->qsbr);
	rte_mempool_free(rig->worker.spare_mbufs);
	rte_mempool_free(rig->mbufs);
	free(rig);
}

bool rig_inject_mbuf(struct rig *rig, uint32_t port, struct rte_mbuf *mbuf)
{
	return rte_ring_enqueue(rig->in[port], mbuf) == 0;
}

bool rig_inject(struct rig *rig, uint32_t port, const uint8_t *bytes, uint32_t count)
{
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, bytes, count);

	if (mbuf == NULL)
		return false;
	if (rig_inject_mbuf(rig, port, mbuf))
		return true;
	rte_pktmbuf_free(mbuf);
	return false;
}

struct rte_mbuf *rig_collect(struct rig *rig, uint32_t port)
{
	void *mbuf;

	return rte_ring_dequeue(rig->out[port], &mbuf) == 0 ? mbuf : NULL;
}

uint32_t rig_free_mbufs(const struct rig *rig)
{
	return rte_mempool_avail_count(rig->mbufs) +
	       rte_mempool_avail_count(rig->worker.spare_mbufs);
}

uint32_t rig_receive(struct rig *rig, uint32_t port, struct burst *burst)
{
	return receive(&rig->worker, &rig->worker.rx_queues[port], burst);
}

void rig_discard(struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->packets[i].verdict != TAKEN)
			rte_pktmbuf_free(burst->packets[i].mbuf);
	}
	burst->count = 0;
}

static void *run(void *arg)
{
	worker_run(arg);
	return NULL;
}

int rig_start(struct rig *rig)
{
	atomic_store(&rig->worker.stop, false);
	return -pthread_create(&rig->thread, NULL, run, &rig->worker);
}

void rig_stop(struct rig *rig)
{
	atomic_store(&rig->worker.stop, true);
	pthread_join(rig->thread, NULL);
}

const struct mr_snapshot *rig_publish(struct rig *rig, const struct mr_snapshot *next)
{
	const struct mr_snapshot *previous = atomic_exchange(&rig->published, next);
	const uint64_t token = rte_rcu_qsbr_start(rig->qsbr);

	while (rte_rcu_qsbr_check(rig->qsbr, token, false) == 0)
		sched_yield();
	return previous;
}

uint64_t rig_verdicts(const struct rig *rig)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++)
		sum += MR_COUNTER_READ(rig->worker.counters->verdicts[i]);
	return sum;
}

bool rig_await(struct rig *rig, uint64_t packets)
{
	const uint64_t deadline = rte_rdtsc() + AWAIT_SECONDS * rte_get_tsc_hz();

	while (rig_verdicts(rig) < packets) {
		if (rte_rdtsc() > deadline)
			return false;
		sched_yield();
	}
	return true;
}
