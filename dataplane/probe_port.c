/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_port.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_mbuf.h>

#include "netdev.h"

#include <mailrail/dataplane.h>

/* Probes are few and small; but a card may keep as many of them as its ring has places. */
#define MBUFS_PER_QUEUE 256
#define CACHE_SIZE	32

static const char own_netns[] = "/proc/thread-self/ns/net";

int probe_port_init(struct probe_port *probe, uint32_t worker_count, uint32_t tx_places,
		    struct mr_error *error)
{
	*probe = (struct probe_port){
		.netns = -1,
		.queues = (uint16_t)worker_count,
		.mbuf_count = (worker_count + 1) * MBUFS_PER_QUEUE + tx_places,
	};
	if (worker_count <= TAP_QUEUES_MAX)
		return 0;
	return mr_error_set(error, -EINVAL,
			    "/workers/cores: %u workers, but only %u can share the probe interface",
			    worker_count, TAP_QUEUES_MAX);
}

uint64_t probe_port_memory_bytes(const struct probe_port *probe)
{
	return tap_memory_bytes(probe->mbuf_count);
}

/*
 * No router solicitations and no link-local address: only probes leave the interface. Where this
 * fails it is only more talkative.
 */
static void keep_ipv6_quiet(void)
{
	netdev_set("default", "ipv6", "accept_ra", "0");
	netdev_set("default", "ipv6", "autoconf", "0");
	netdev_set("default", "ipv6", "router_solicitations", "0");
	netdev_set("default", "ipv6", "addr_gen_mode", "1");
	netdev_set("default", "ipv6", "dad_transmits", "0");
}

static int open_tap(struct probe_port *probe, struct mr_error *error)
{
	const struct tap_config config = {
		.device = "net_tap_probe",
		.interface = MR_PROBE_INTERFACE,
		.mtu_bytes = RTE_ETHER_MTU,
		.queues = probe->queues,
		.noarp = true,
		.mbufs = probe->mbufs,
	};
	struct mr_error cause;
	const int rc = tap_open(&probe->tap, &config, &cause);

	return rc != 0 ? mr_error_set(error, rc, "probe interface: %.480s", cause.text) : 0;
}

/* In the new namespace: net_tap opens each queue's descriptor in the one of its caller. */
static int populate_netns(struct probe_port *probe, struct mr_error *error)
{
	int rc;

	probe->netns = open(own_netns, O_RDONLY | O_CLOEXEC);
	if (probe->netns < 0)
		return mr_error_set(error, -errno, "%s: %s", own_netns, strerror(errno));
	keep_ipv6_quiet();
	rc = netdev_add_flags("lo", IFF_UP);
	if (rc != 0)
		return mr_error_set(error, rc, "probe interface: lo: %s", strerror(-rc));
	return open_tap(probe, error);
}

int probe_port_open(struct probe_port *probe, struct mr_error *error)
{
	int outside;
	int rc;

	probe->mbufs = rte_pktmbuf_pool_create("probe", probe->mbuf_count, CACHE_SIZE, 0,
					       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (probe->mbufs == NULL)
		return mr_error_set(error, -rte_errno, "probe interface: no memory for buffers: %s",
				    rte_strerror(rte_errno));
	outside = open(own_netns, O_RDONLY | O_CLOEXEC);
	if (outside < 0)
		return mr_error_set(error, -errno, "%s: %s", own_netns, strerror(errno));
	if (unshare(CLONE_NEWNET) != 0) {
		rc = mr_error_set(error, -errno, "no network namespace for probes: %s",
				  strerror(errno));
		close(outside);
		return rc;
	}
	rc = populate_netns(probe, error);
	if (setns(outside, CLONE_NEWNET) != 0)
		rc = mr_error_set(error, -errno, "cannot return to the network namespace: %s",
				  strerror(errno));
	close(outside);
	return rc;
}

void probe_port_close(struct probe_port *probe)
{
	tap_close(&probe->tap);
	rte_mempool_free(probe->mbufs);
	probe->mbufs = NULL;
	if (probe->netns >= 0)
		close(probe->netns);
	probe->netns = -1;
}
