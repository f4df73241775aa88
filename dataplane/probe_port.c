/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_port.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "library_log.h"

#include <mailrail/dataplane.h>

/* net_tap's own limit, RTE_PMD_TAP_MAX_QUEUES. */
#define QUEUES_MAX 16

/* Probes are few and small. */
#define RING_SIZE	64
#define MBUFS_PER_QUEUE 256
#define CACHE_SIZE	32

#define DEVICE "net_tap0"

static const char own_netns[] = "/proc/thread-self/ns/net";

int probe_port_init(struct probe_port *probe, uint32_t worker_count, struct mr_error *error)
{
	*probe = (struct probe_port){.netns = -1, .queues = (uint16_t)worker_count};
	if (worker_count <= QUEUES_MAX)
		return 0;
	return mr_error_set(error, -EINVAL,
			    "/workers/cores: %u workers, but only %u can share the probe interface",
			    worker_count, QUEUES_MAX);
}

static uint32_t mbuf_count(const struct probe_port *probe)
{
	return (probe->queues + 1U) * MBUFS_PER_QUEUE;
}

uint64_t probe_port_memory_bytes(const struct probe_port *probe)
{
	return mbuf_count(probe) *
	       (sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE + 3 * RTE_CACHE_LINE_SIZE);
}

/* Best effort: with another value the interface would only be more talkative. */
static void set_ipv6(const char *knob, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/default/%s", knob);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		errno = 0;
	close(fd);
}

/* No router solicitations and no link-local address: only probes leave the interface. */
static void keep_ipv6_quiet(void)
{
	set_ipv6("accept_ra", "0");
	set_ipv6("autoconf", "0");
	set_ipv6("router_solicitations", "0");
	set_ipv6("addr_gen_mode", "1");
	set_ipv6("dad_transmits", "0");
}

static int add_flags(const char *interface, short flags)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {0};
	int rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0) {
		rc = -errno;
	} else {
		ifr.ifr_flags |= flags;
		if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0)
			rc = -errno;
	}
	close(fd);
	return rc;
}

static int setup_queues(const struct probe_port *probe)
{
	const struct rte_eth_conf config = {0};
	int rc = rte_eth_dev_configure(probe->ethdev, probe->queues, probe->queues, &config);

	for (uint16_t queue = 0; rc == 0 && queue < probe->queues; queue++)
		rc = rte_eth_rx_queue_setup(probe->ethdev, queue, RING_SIZE,
					    (unsigned int)SOCKET_ID_ANY, NULL, probe->mbufs);
	for (uint16_t queue = 0; rc == 0 && queue < probe->queues; queue++)
		rc = rte_eth_tx_queue_setup(probe->ethdev, queue, RING_SIZE,
					    (unsigned int)SOCKET_ID_ANY, NULL);
	return rc;
}

static int plug(struct probe_port *probe)
{
	int rc = rte_eal_hotplug_add("vdev", DEVICE, "iface=" MR_PROBE_INTERFACE);

	if (rc != 0)
		return rc;
	probe->plugged = true;
	rc = rte_eth_dev_get_port_by_name(DEVICE, &probe->ethdev);
	if (rc == 0)
		rc = setup_queues(probe);
	/* Without ARP the kernel sends at once, to its own MAC address. */
	if (rc == 0)
		rc = add_flags(MR_PROBE_INTERFACE, IFF_NOARP);
	if (rc == 0)
		rc = rte_eth_dev_start(probe->ethdev);
	if (rc == 0)
		rc = rte_eth_macaddr_get(probe->ethdev, &probe->mac);
	return rc;
}

/* In the new namespace: net_tap opens each queue's descriptor in the one of its caller. */
static int populate_netns(struct probe_port *probe, struct mr_error *error)
{
	int rc;

	probe->netns = open(own_netns, O_RDONLY | O_CLOEXEC);
	if (probe->netns < 0)
		return mr_error_set(error, -errno, "%s: %s", own_netns, strerror(errno));
	keep_ipv6_quiet();
	rc = add_flags("lo", IFF_UP);
	if (rc != 0)
		return mr_error_set(error, rc, "probe interface: lo: %s", strerror(-rc));
	library_log_clear();
	rc = plug(probe);
	if (rc != 0)
		return mr_error_set(error, rc, "probe interface: %s", library_log_first());
	return 0;
}

int probe_port_open(struct probe_port *probe, struct mr_error *error)
{
	int outside;
	int rc;

	probe->mbufs = rte_pktmbuf_pool_create("probe", mbuf_count(probe), CACHE_SIZE, 0,
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
	if (probe->plugged) {
		rte_eth_dev_stop(probe->ethdev);
		rte_eth_dev_close(probe->ethdev);
		rte_eal_hotplug_remove("vdev", DEVICE);
		probe->plugged = false;
	}
	rte_mempool_free(probe->mbufs);
	probe->mbufs = NULL;
	if (probe->netns >= 0)
		close(probe->netns);
	probe->netns = -1;
}
