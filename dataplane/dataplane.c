/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/dataplane.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_version.h>

#include "capture.h"
#include "crew.h"
#include "eal.h"
#include "explain.h"
#include "kernel_side.h"
#include "library_log.h"
#include "packet.h"
#include "port.h"
#include "port_details.h"
#include "port_kernel.h"
#include "probe_port.h"
#include "publication.h"
#include "steer.h"
#include "tell.h"
#include "worker.h"

#define TCP_PORTS 65536

/* DPDK's own: services, timers, ethdev data, malloc headers. */
#define LIBRARY_BYTES (UINT64_C(16) << 20)

/* Of the mempool for cut packets. */
#define SPARE_CACHE_SIZE 64

struct mr_dataplane {
	mr_log_fn *log;
	struct port ports[MR_PORTS_MAX];
	uint32_t port_count;
	struct port_company company;
	struct kernel_side kernel_side; /* of the ports on kernel interfaces */
	struct probe_port probe;
	bool eal_is_up;

	struct crew crew;
	struct rte_mempool *spare_mbufs;
	struct mr_pin_table *pins; /* borrowed */
	uint64_t clock_start;
	uint32_t clock_base_s;

	_Atomic mr_backend_id probe_backends[TCP_PORTS]; /* workers load these */
	struct publication publication;
	struct steer steer;
	struct capture *capture;
};

static int claim_ports(struct mr_dataplane *dp, const struct mr_dataplane_config *config,
		       struct mr_error *error)
{
	if (config->port_count > MR_PORTS_MAX)
		return mr_error_set(error, -EINVAL, "/ports: %u ports, %u at most",
				    config->port_count, MR_PORTS_MAX);
	for (uint32_t i = 0; i < config->port_count; i++) {
		const int rc = port_claim(dp->ports, i, config->ports, config->worker_count, error);

		if (rc != 0)
			return rc;
		dp->port_count++;
		dp->company.device_count += port_is_leader(&dp->ports[i]);
	}
	dp->company.worker_count = config->worker_count;
	return 0;
}

static bool has_kernel_ports(const struct mr_dataplane *dp)
{
	for (uint32_t i = 0; i < dp->port_count; i++)
		if (port_is_kernel(&dp->ports[i]))
			return true;
	return false;
}

static bool has_pci_ports(const struct mr_dataplane *dp)
{
	for (uint32_t i = 0; i < dp->port_count; i++)
		if (dp->ports[i].kind == MR_DEVICE_PCI)
			return true;
	return false;
}

/* Places in all transmit queues: as many mbufs may lie there, of whatever pool. */
static uint32_t tx_places(const struct mr_dataplane *dp)
{
	return dp->company.device_count * dp->company.worker_count * PORT_RING_SIZE;
}

/* Cut packets are on their way out at once. */
static uint32_t spare_mbuf_count(const struct mr_dataplane *dp)
{
	return tx_places(dp) + dp->company.worker_count * 2 * (CUTS_MAX + SPARE_CACHE_SIZE);
}

/* The longest frame of any port fits one. */
static uint16_t spare_room_bytes(const struct mr_dataplane *dp)
{
	uint32_t bytes = RTE_MBUF_DEFAULT_DATAROOM;

	for (uint32_t i = 0; i < dp->port_count; i++) {
		const struct port *port = &dp->ports[i];
		const uint32_t mtu_bytes = RTE_MAX(port->mtu_bytes, port->netdev.mtu_bytes);

		bytes = RTE_MAX(bytes, mtu_bytes + PORT_FRAME_OVERHEAD);
	}
	return (uint16_t)RTE_MIN(bytes + RTE_PKTMBUF_HEADROOM, (uint32_t)UINT16_MAX);
}

static uint64_t memory_bytes(const struct mr_dataplane *dp)
{
	const uint64_t spare_bytes =
		sizeof(struct rte_mbuf) + spare_room_bytes(dp) + 3 * RTE_CACHE_LINE_SIZE;
	uint64_t bytes = LIBRARY_BYTES + probe_port_memory_bytes(&dp->probe) +
			 spare_mbuf_count(dp) * spare_bytes +
			 crew_memory_bytes(dp->company.worker_count) + capture_memory_bytes();

	if (has_kernel_ports(dp))
		bytes += kernel_side_memory_bytes(dp->company.worker_count);
	for (uint32_t i = 0; i < dp->port_count; i++)
		bytes += port_memory_bytes(&dp->ports[i], &dp->company);
	return bytes;
}

static int start_eal(struct mr_dataplane *dp, struct eal_config *eal, struct mr_error *error)
{
	const uint64_t free_bytes = eal_free_hugepage_bytes();
	uint64_t wanted_bytes;
	bool hugepages;
	int rc;

	eal->memory_bytes = memory_bytes(dp);
	eal->has_pci = has_pci_ports(dp);
	wanted_bytes = eal_hugepage_bytes_wanted(eal);
	hugepages = free_bytes >= wanted_bytes;
	rc = eal_start(eal, hugepages, error);
	if (rc != 0)
		return rc;
	dp->eal_is_up = true;
	return 0;
}

/* Said once all is up: a refusal is one line, and this is not its reason. */
static void tell_of_pages(const struct mr_dataplane *dp, const struct eal_config *eal)
{
	if (rte_eal_has_hugepages() != 0)
		return;
	tell(dp->log, LOG_NOTICE,
	     "running on ordinary pages, at some 25 cycles more per packet: %" PRIu64
	     " MiB of hugepages are wanted, %" PRIu64 " MiB are free",
	     (eal_hugepage_bytes_wanted(eal) >> 20) + 1, eal_free_hugepage_bytes() >> 20);
}

/* Of all ports on the device of @leader. */
static struct steering_tags tags_of_device(const struct mr_dataplane *dp, uint32_t leader)
{
	struct steering_tags tags = {0};

	for (uint32_t i = leader; i < dp->port_count; i++)
		if (dp->ports[i].leader == leader)
			steering_tags_add(&tags, dp->ports[i].tags, dp->ports[i].tag_count);
	return tags;
}

/* What works, but not as it should. */
static void warn_of_interface(const struct mr_dataplane *dp, const struct port *port)
{
	const struct netdev *netdev = &port->netdev;

	if (port->kind == MR_DEVICE_AF_PACKET && port_is_leader(port) &&
	    netdev_merges_segments(netdev))
		tell(dp->log, LOG_WARNING,
		     "/ports/%u/device: %s merges received segments to frames that af_packet "
		     "loses: ethtool -K %s gro off lro off",
		     port->index, netdev->name, netdev->name);
	if (port->kind == MR_DEVICE_AF_XDP && port->tag_count > 0 && netdev_hides_tags(netdev))
		tell(dp->log, LOG_WARNING,
		     "/ports/%u/vlan: %s takes VLAN tags out of frames, so that af_xdp may not see "
		     "them: ethtool -K %s rxvlan off",
		     port->index, netdev->name, netdev->name);
	if (port->has_twin && port->mtu_bytes > TAP_MTU_MAX_BYTES)
		tell(dp->log, LOG_WARNING,
		     "/ports/%u/mtu: twin %s carries %u bytes: longer packets do not get to the "
		     "kernel",
		     port->index, port->twin_name, TAP_MTU_MAX_BYTES);
	if (port->kind == MR_DEVICE_PCI && port_is_leader(port) && port->queues > 1 &&
	    !port->spreads)
		tell(dp->log, LOG_WARNING,
		     "/ports/%u/device: %s cannot spread sessions over queues: one worker of %u "
		     "receives all its frames",
		     port->index, port_device(port), dp->company.worker_count);
}

static int open_kernel_side(struct mr_dataplane *dp, struct mr_error *error)
{
	struct kernel_side *const side = &dp->kernel_side;
	const int rc = kernel_side_open(side, dp->company.worker_count,
					ports_widest_mtu_bytes(dp->ports, dp->port_count), error);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < dp->port_count; i++) {
		struct port *port = &dp->ports[i];

		if (!port_is_kernel(port))
			continue;
		port->has_kernel_side = true;
		port->kernel_ethdev = side->tap.ethdev;
		port->kernel_frame_max_bytes = side->frame_max_bytes;
		port->kernel_mac = side->tap.mac;
	}
	return 0;
}

static int open_ports(struct mr_dataplane *dp, struct mr_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; i < dp->port_count; i++) {
		const struct steering_tags tags = tags_of_device(dp, i);

		rc = port_open(dp->ports, i, &dp->company, &tags, error);
		if (rc != 0)
			return rc;
		warn_of_interface(dp, &dp->ports[i]);
	}
	if (has_kernel_ports(dp))
		rc = open_kernel_side(dp, error);
	return rc != 0 ? rc : probe_port_open(&dp->probe, error);
}

static void give_queue(struct worker *worker, uint16_t ethdev, uint32_t queue, uint32_t port)
{
	worker->rx_queues[worker->rx_queue_count++] = (struct worker_rx_queue){
		.ethdev = ethdev,
		.queue = (uint16_t)queue,
		.port = (uint8_t)port,
	};
}

/* Queue q of every device belongs to worker q modulo their number; of a TAP, to worker q. */
static void give_queues(const struct mr_dataplane *dp, struct worker *worker)
{
	for (uint32_t i = 0; i < dp->port_count; i++) {
		const struct port *port = &dp->ports[i];

		if (port_is_leader(port))
			for (uint32_t q = worker->index; q < port->queues; q += dp->crew.count)
				give_queue(worker, port->ethdev, q, i);
		if (port->has_twin)
			give_queue(worker, port->kernel_ethdev, worker->index,
				   WORKER_KERNEL_SIDE | i);
	}
	give_queue(worker, dp->probe.tap.ethdev, worker->index, WORKER_PROBE_PORT);
}

/* What all workers share. */
static int create_shared(struct mr_dataplane *dp, struct mr_error *error)
{
	dp->spare_mbufs = rte_pktmbuf_pool_create("spare", spare_mbuf_count(dp), SPARE_CACHE_SIZE,
						  0, spare_room_bytes(dp), SOCKET_ID_ANY);
	if (dp->spare_mbufs == NULL ||
	    publication_init(&dp->publication, dp->company.worker_count) != 0)
		return mr_error_set(error, -ENOMEM, "no memory for workers");
	return 0;
}

static int create_workers(struct mr_dataplane *dp, const struct mr_dataplane_config *config,
			  struct mr_error *error)
{
	struct worker common = {
		.ports = dp->ports,
		.port_count = dp->port_count,
		.probe_ethdev = dp->probe.tap.ethdev,
		.probe_mac = dp->probe.tap.mac,
		.snapshot = &dp->publication.current,
		.probe_backends = dp->probe_backends,
		.poll = config->poll,
		.clock_start = rte_rdtsc(),
		.clock_hz = rte_get_tsc_hz(),
		.clock_base_s = mr_pin_table_clock_s(dp->pins),
		.pins = dp->pins,
	};
	int rc = create_shared(dp, error);

	if (rc != 0)
		return rc;
	common.round_began = common.clock_start;
	dp->clock_start = common.clock_start;
	dp->clock_base_s = common.clock_base_s;
	common.qsbr = dp->publication.qsbr;
	common.spare_mbufs = dp->spare_mbufs;
	rc = crew_create(&dp->crew, dp->company.worker_count, &common, error);
	for (uint32_t i = 0; rc == 0 && i < dp->crew.count; i++)
		give_queues(dp, dp->crew.workers[i]);
	return rc;
}

static int bring_up(struct mr_dataplane *dp, const struct mr_dataplane_config *config,
		    struct mr_error *error)
{
	struct eal_config eal = {
		.cores = config->cores,
		.worker_count = config->worker_count,
		.telemetry = config->telemetry,
	};
	int rc = eal_check_cores(&eal, error);

	if (rc == 0)
		rc = claim_ports(dp, config, error);
	if (rc == 0)
		rc = probe_port_init(&dp->probe, config->worker_count, tx_places(dp), error);
	if (rc == 0)
		rc = start_eal(dp, &eal, error);
	if (rc == 0)
		rc = open_ports(dp, error);
	if (rc == 0)
		rc = create_workers(dp, config, error);
	if (rc == 0 && capture_create(&dp->crew, dp->publication.qsbr, &dp->capture) != 0)
		rc = mr_error_set(error, -ENOMEM, "no memory for captures");
	if (rc == 0)
		rc = crew_launch(&dp->crew, config->cores, error);
	if (rc != 0)
		return rc;
	dp->steer = (struct steer){
		.log = dp->log,
		.ports = dp->ports,
		.port_count = dp->port_count,
		.kernel_side = &dp->kernel_side,
	};
	tell_of_pages(dp, &eal);
	return 0;
}

int mr_dataplane_create(const struct mr_dataplane_config *config, mr_log_fn *log,
			struct mr_dataplane **out, struct mr_error *error)
{
	struct mr_dataplane *dp = calloc(1, sizeof(*dp));
	int rc;

	if (dp == NULL)
		return mr_error_set(error, -ENOMEM, "no memory");
	dp->log = log;
	dp->pins = config->pins;
	dp->probe.netns = -1;
	for (uint32_t i = 0; i < TCP_PORTS; i++)
		atomic_init(&dp->probe_backends[i], MR_BACKEND_NONE);
	library_log_start(config->verbose);
	rc = bring_up(dp, config, error);
	if (rc != 0) {
		mr_dataplane_destroy(dp);
		return rc;
	}
	*out = dp;
	return 0;
}

/* Also takes down what mr_dataplane_create() could bring up before it failed. */
void mr_dataplane_destroy(struct mr_dataplane *dp)
{
	bool may_stop_eal;

	if (dp == NULL)
		return;
	may_stop_eal = dp->eal_is_up;
	capture_destroy(dp->capture);
	crew_stop(&dp->crew);
	crew_destroy(&dp->crew);
	/* Ports first: their transmit queues may hold frames of all that is freed next. */
	for (uint32_t i = dp->port_count; i-- > 0;)
		may_stop_eal &= port_close(&dp->ports[i]);
	for (uint32_t i = 0; i < dp->port_count; i++)
		port_free_mbufs(&dp->ports[i]);
	probe_port_close(&dp->probe);
	kernel_side_close(&dp->kernel_side);
	publication_fini(&dp->publication);
	rte_mempool_free(dp->spare_mbufs);
	steer_fini(&dp->steer);
	if (may_stop_eal)
		eal_stop();
	library_log_stop();
	free(dp);
}

const char *mr_dataplane_library(void)
{
	return rte_version();
}

uint64_t mr_dataplane_tsc_hz(const struct mr_dataplane *dp)
{
	(void)dp;
	return rte_get_tsc_hz();
}

uint64_t mr_dataplane_hugepage_bytes(const struct mr_dataplane *dp)
{
	(void)dp;
	return rte_eal_has_hugepages() != 0 ? rte_eal_get_physmem_size() : 0;
}

void mr_dataplane_publish(struct mr_dataplane *dp, struct mr_snapshot *next)
{
	publication_publish(&dp->publication, next);
}

bool mr_dataplane_reclaim(struct mr_dataplane *dp)
{
	return publication_reclaim(&dp->publication);
}

int mr_dataplane_steer(struct mr_dataplane *dp, const struct mr_steering *steering,
		       struct mr_error *error)
{
	return steer_set(&dp->steer, steering, error);
}

void mr_dataplane_hold_sessions(struct mr_dataplane *dp)
{
	steer_hold(&dp->steer);
}

struct mr_pin_table *mr_dataplane_pins(struct mr_dataplane *dp)
{
	return dp->pins;
}

uint32_t mr_dataplane_clock_s(const struct mr_dataplane *dp)
{
	const uint64_t running_s = (rte_rdtsc() - dp->clock_start) / rte_get_tsc_hz();

	return dp->clock_base_s + (uint32_t)running_s;
}

int mr_dataplane_explain(const struct mr_dataplane *dp, const struct mr_tuple *tuple,
			 struct mr_explanation *out)
{
	if (dp->publication.published == NULL)
		return -ENOENT;
	explain_session(dp->publication.published, dp->pins, mr_dataplane_clock_s(dp), tuple, out);
	return 0;
}

uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp)
{
	return dp->crew.count;
}

const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker)
{
	assert(worker < dp->crew.count);
	return dp->crew.workers[worker]->counters;
}

void mr_dataplane_worker_info(const struct mr_dataplane *dp, uint32_t worker,
			      struct mr_worker_info *out)
{
	unsigned int node;

	assert(worker < dp->crew.count);
	node = rte_lcore_to_socket_id(dp->crew.workers[worker]->lcore);
	*out = (struct mr_worker_info){
		.numa_node = node == (unsigned int)SOCKET_ID_ANY ? -1 : (int)node,
		.generation = publication_generation(&dp->publication, worker),
	};
}

int mr_dataplane_port_info(const struct mr_dataplane *dp, uint32_t port, struct mr_port_info *out)
{
	if (port >= dp->port_count)
		return -ENOENT;
	port_read(&dp->ports[port], out);
	return 0;
}

int mr_dataplane_port_details(const struct mr_dataplane *dp, uint32_t port,
			      struct mr_port_details *out)
{
	if (port >= dp->port_count)
		return -ENOENT;
	port_read_details(&dp->ports[port], out);
	return 0;
}

int mr_dataplane_port_xstats(const struct mr_dataplane *dp, uint32_t port,
			     struct mr_port_xstat **out, uint32_t *out_count)
{
	if (port >= dp->port_count)
		return -ENOENT;
	return port_read_xstats(&dp->ports[port], out, out_count);
}

int mr_dataplane_probe_netns(const struct mr_dataplane *dp)
{
	return dp->probe.netns;
}

void mr_dataplane_set_probe(struct mr_dataplane *dp, uint16_t source_port, mr_backend_id backend)
{
	atomic_store(&dp->probe_backends[source_port], backend);
}

int mr_capture_start(struct mr_dataplane *dp, const struct mr_capture_config *config, int fd,
		     struct mr_error *error)
{
	return capture_start(dp->capture, config, fd, error);
}

void mr_capture_stop(struct mr_dataplane *dp)
{
	capture_stop(dp->capture);
}

void mr_capture_end(struct mr_dataplane *dp)
{
	capture_end(dp->capture);
}

bool mr_capture_status(const struct mr_dataplane *dp, struct mr_capture_status *out)
{
	return capture_status(dp->capture, out);
}
