/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane as the control thread sees it: ports and workers come up, snapshots go down,
 * counters come up. All functions: control thread only, unless they say otherwise.
 */
#ifndef MAILRAIL_DATAPLANE_H
#define MAILRAIL_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <mailrail/counters.h>
#include <mailrail/error.h>
#include <mailrail/pins.h>
#include <mailrail/snapshot.h>

struct mr_dataplane;

enum mr_device_kind {
	MR_DEVICE_AF_XDP,    /* device is a kernel interface */
	MR_DEVICE_AF_PACKET, /* device is a kernel interface */
	MR_DEVICE_VDEV,	     /* device is a DPDK vdev string */
	MR_DEVICE_PCI,	     /* device is a PCI address, 0000:03:00.0, bound for user space */
};

struct mr_port_config {
	const char *name;   /* for messages: /ports/N of the configuration */
	const char *device; /* interface name, or vdev arguments */
	enum mr_device_kind kind;
	/*
	 * VLAN ids of the frames that are this port's, outermost first; 0..2 of them. Several ports
	 * may share one device when their tags differ.
	 */
	uint16_t tags[2];
	uint8_t tag_count;
	uint16_t mtu_bytes; /* vdev and PCI: 0 for 1500; kernel interfaces have their own */
	/*
	 * vdev and PCI: a TAP interface called @name, with the port's MAC and MTU, through which
	 * the kernel gets and sends what is not mailrail's.
	 */
	bool twin;
};

/* What workers do while nothing arrives. */
enum mr_poll {
	MR_POLL_BUSY,	  /* look again */
	MR_POLL_ADAPTIVE, /* sleep before they look again, MR_WORKER_SLEEP_US at most */
};

struct mr_dataplane_config {
	const struct mr_port_config *ports;
	uint32_t port_count;
	const uint16_t *cores; /* one worker on each */
	uint32_t worker_count;
	enum mr_poll poll;
	struct mr_pin_table *pins; /* borrowed; its clock is the dataplane's */
	bool verbose;		   /* DPDK's and libbpf's own messages go to stderr, else nowhere */
	bool telemetry;		   /* DPDK's telemetry socket (mailrail/telemetry.h) */
};

/* Messages of the dataplane for the log; priority as in syslog(3). NULL: none wanted. */
typedef void mr_log_fn(int priority, const char *message);

/*
 * Brings up EAL, ports and workers; workers start without a snapshot and drop nothing, since
 * steering hands them nothing yet. On failure everything is undone (no XDP program, no
 * interface; a guard that a former process left stays) and @error names the core, port or
 * device. Once per process: EAL cannot be initialised twice. Realtime signals are blocked in the
 * calling thread from then on, since DPDK uses one for itself.
 */
int mr_dataplane_create(const struct mr_dataplane_config *config, mr_log_fn *log,
			struct mr_dataplane **out, struct mr_error *error);

/*
 * From now on mr_dataplane_destroy() leaves a guard on kernel ports, as a kill does: what was
 * steered to mailrail is dropped, so that the kernel resets no session before the next start.
 */
void mr_dataplane_hold_sessions(struct mr_dataplane *dp);

/* Stops the workers, detaches steering, closes the ports, frees every snapshot. */
void mr_dataplane_destroy(struct mr_dataplane *dp);

/* Name and version of the library below, static; and its clock, cycles of the TSC in a second. */
const char *mr_dataplane_library(void);
uint64_t mr_dataplane_tsc_hz(const struct mr_dataplane *dp);

/* 0 when no hugepages are used. */
uint64_t mr_dataplane_hugepage_bytes(const struct mr_dataplane *dp);

/*
 * Never blocks. Takes ownership of @next. Workers see it within one burst; the previous one
 * is freed by mr_dataplane_reclaim() once no worker can hold it.
 */
void mr_dataplane_publish(struct mr_dataplane *dp, struct mr_snapshot *next);

/* Frees retired snapshots. True: every worker has left all snapshots but the newest. */
bool mr_dataplane_reclaim(struct mr_dataplane *dp);

/* What is mailrail's among the packets of a kernel port. */
struct mr_steering {
	const struct mr_endpoint *endpoints;
	uint32_t endpoint_count;
	const struct mr_addr *probe_sources;
	uint32_t probe_source_count;
	const struct mr_nat_source *nat_sources; /* their address and port count */
	uint32_t nat_source_count;
};

/*
 * Sets what steering hands over on all kernel ports, in frames with the port's tags:
 * - TCP to an endpoint, and TCP from an endpoint to one of the probe sources;
 * - TCP from a nat source;
 * - fragments of TCP to an endpoint's address, or from a nat source's;
 * - ICMP errors that quote TCP from an endpoint, or to a nat source.
 * Everything else stays with the kernel. Entries that did not change are not touched, so that
 * no packet of theirs slips to the kernel. The first call puts guards in place, or in that of a
 * former process's without a gap.
 */
int mr_dataplane_steer(struct mr_dataplane *dp, const struct mr_steering *steering,
		       struct mr_error *error);

struct mr_pin_table *mr_dataplane_pins(struct mr_dataplane *dp);

/* The clock that workers stamp with: seconds, from mr_pin_table_clock_s() on. */
uint32_t mr_dataplane_clock_s(const struct mr_dataplane *dp);

uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp);

/* The live counters of worker @worker: load with relaxed atomics (MR_COUNTER_READ). */
const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker);
#define MR_COUNTER_READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

struct mr_worker_info {
	int numa_node; /* of its core; -1: not known */
	/* Of the oldest snapshot that it may still read; 0: there is none yet. */
	uint64_t generation;
};
void mr_dataplane_worker_info(const struct mr_dataplane *dp, uint32_t worker,
			      struct mr_worker_info *out);

struct mr_port_info {
	struct rte_ether_addr mac;
	uint16_t mtu;
	uint16_t queues;
	int ifindex; /* of the kernel's side: the interface itself, or the twin; 0: none */
	uint16_t tags[2];
	uint8_t tag_count;
	bool link_up;
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors; /* as the driver counts */
	uint64_t tx_packets, tx_bytes, tx_errors;
};
int mr_dataplane_port_info(const struct mr_dataplane *dp, uint32_t port, struct mr_port_info *out);

struct mr_port_details {
	char driver[32];     /* DPDK's; "" where it has no name */
	uint32_t speed_mbps; /* of the link; 0: not known */
	int numa_node;	     /* of the card; -1: not known */
};
/* -ENOENT: there is no such port. */
int mr_dataplane_port_details(const struct mr_dataplane *dp, uint32_t port,
			      struct mr_port_details *out);

/* What only some drivers count, under names of their own. */
#define MR_PORT_XSTAT_NAME_MAX 64
struct mr_port_xstat {
	char name[MR_PORT_XSTAT_NAME_MAX];
	uint64_t value;
};
/*
 * Those that are not 0; the caller frees *@out. -ENOENT: there is no such port. -ENOTSUP: the
 * driver has none. -ENOMEM.
 */
int mr_dataplane_port_xstats(const struct mr_dataplane *dp, uint32_t port,
			     struct mr_port_xstat **out, uint32_t *out_count);

/*
 * Health probes leave from a private network namespace without a name, in which the service
 * addresses are not local, through a TAP interface that the workers poll. The descriptor stays
 * owned by the dataplane; use it with setns(2) around socket(2).
 */
int mr_dataplane_probe_netns(const struct mr_dataplane *dp);
#define MR_PROBE_INTERFACE "probe0"

/*
 * Frames that leave the probe interface with TCP source port @source_port go to @backend, by
 * its pool's forwarding mode; MR_BACKEND_NONE closes the port again. Takes effect at once.
 */
void mr_dataplane_set_probe(struct mr_dataplane *dp, uint16_t source_port, mr_backend_id backend);

#endif
