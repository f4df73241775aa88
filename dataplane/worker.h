/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: a poll-mode thread pinned to one core, with its own receive and transmit queue on
 * every port. dataplane.c fills the struct before the thread starts; afterwards only the
 * worker touches what is not marked as shared.
 */
#ifndef MAILRAIL_DATAPLANE_WORKER_H
#define MAILRAIL_DATAPLANE_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include <mailrail/dataplane.h>

#include "port.h"

#define BURST_SIZE 32

/* Where frames come from. Each worker also polls its own queue of the probe port. */
struct worker_rx_queue {
	uint16_t ethdev;
	uint16_t queue;
	uint8_t port; /* index into ports[]; for the probe port: WORKER_PROBE_PORT */
};
#define WORKER_PROBE_PORT    UINT8_MAX
#define WORKER_RX_QUEUES_MAX (MR_PORTS_MAX * MR_QUEUES_MAX + 1)

struct worker {
	uint32_t index; /* QSBR thread id, transmit queue number on every port */
	uint32_t lcore;
	uint32_t rx_queue_count;
	struct worker_rx_queue rx_queues[WORKER_RX_QUEUES_MAX];
	const struct port *ports;
	uint32_t port_count;
	/*
	 * The probe port's transmit side. Any worker may meet a probe's answer, so each has its
	 * own transmit queue there, numbered like on the other ports.
	 */
	uint16_t probe_ethdev;
	struct rte_ether_addr probe_mac; /* of the kernel's end, where answers are sent */
	struct mr_worker_counters *counters;

	/* Shared with the control thread. */
	const struct mr_snapshot *_Atomic *snapshot; /* NULL inside until the first publish */
	struct rte_rcu_qsbr *qsbr;
	const _Atomic mr_backend_id *probe_backends; /* by TCP source port, host byte order */
	struct mr_pin_table *pins;
	_Atomic bool stop;

	/* mr_dataplane_clock_s(): whole seconds since @clock_start (TSC cycles). */
	uint64_t clock_start;
	uint64_t clock_hz;
	uint64_t next_second; /* TSC cycles after @clock_start at which @now_s is due to change */
	uint32_t now_s;
};

/* Runs until @stop is set. Registers with @qsbr itself. @arg: struct worker. Returns 0. */
int worker_run(void *arg);

#endif
