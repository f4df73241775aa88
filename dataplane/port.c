/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "port_ethdev.h"
#include "port_kernel.h"

/* Puts the place in the configuration in front of @error's line; returns @code. */
static int refuse(const struct port *port, struct mr_error *error, int code)
{
	const struct mr_error cause = *error;

	return mr_error_set(error, code, "/ports/%u/%s: %.460s", port->index, port->refused_field,
			    cause.text);
}

/* What vdev and PCI ports have in common; one worker, one queue. */
static void claim_user(struct port *port, const struct mr_port_config *config,
		       uint32_t worker_count)
{
	port->queues = (uint16_t)worker_count;
	port->frame_room_bytes = RTE_MBUF_DEFAULT_DATAROOM;
	port->mtu_given = config->mtu_bytes != 0;
	port->mtu_bytes = port->mtu_given ? config->mtu_bytes : RTE_ETHER_MTU;
}

/* "net_null0,size=64": the device's name, and its arguments behind the first comma. */
static int claim_vdev(struct port *port, const struct mr_port_config *config, uint32_t worker_count,
		      struct mr_error *error)
{
	const char *device = config->device;
	const size_t length = strcspn(device, ",");

	if (length == 0 || length >= sizeof(port->device))
		return mr_error_set(error, -EINVAL, "\"%s\" does not begin with a device name",
				    device);
	memcpy(port->device, device, length);
	claim_user(port, config, worker_count);
	return port_set_arguments(port, error, "%s",
				  device[length] == ',' ? &device[length + 1] : "");
}

static int claim_pci(struct port *port, const struct mr_port_config *config, uint32_t worker_count,
		     struct mr_error *error)
{
	char path[sizeof("/sys/bus/pci/devices/") + sizeof(port->device)];

	snprintf(port->device, sizeof(port->device), "%s", config->device);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", port->device);
	if (access(path, F_OK) != 0)
		return mr_error_set(error, -ENODEV, "there is no PCI device %s", config->device);
	claim_user(port, config, worker_count);
	return 0;
}

static int claim_device(struct port *port, const struct mr_port_config *config,
			uint32_t worker_count, struct mr_error *error)
{
	switch (config->kind) {
	case MR_DEVICE_AF_XDP:
	case MR_DEVICE_AF_PACKET:
		return port_claim_kernel(port, config, worker_count, error);
	case MR_DEVICE_VDEV:
		return claim_vdev(port, config, worker_count, error);
	case MR_DEVICE_PCI:
		return claim_pci(port, config, worker_count, error);
	}
	return mr_error_set(error, -EINVAL, "device of an unknown kind");
}

static int claim_twin(struct port *port, const struct mr_port_config *config,
		      struct mr_error *error)
{
	port->refused_field = "name";
	if (strlen(config->name) >= sizeof(port->twin_name))
		return mr_error_set(error, -EINVAL,
				    "%s is no name for the twin, as an interface's has %zu "
				    "characters at most",
				    config->name, sizeof(port->twin_name) - 1);
	if (if_nametoindex(config->name) != 0)
		return mr_error_set(error, -EEXIST,
				    "interface %s exists, but the port's twin needs the name",
				    config->name);
	port->refused_field = "device";
	snprintf(port->twin_name, sizeof(port->twin_name), "%s", config->name);
	port->has_twin = true;
	port->has_kernel_side = true;
	return 0;
}

static bool tags_are_equal(const struct port *port, const struct mr_port_config *config)
{
	return port->tag_count == config->tag_count &&
	       memcmp(port->tags, config->tags, config->tag_count * sizeof(config->tags[0])) == 0;
}

/* A port more on @leader's device: into the circle, if its tags tell it from the others. */
static int join(struct port *ports, uint32_t leader, uint32_t index,
		const struct mr_port_config *config, struct mr_error *error)
{
	struct port *const port = &ports[index];
	const uint16_t mtu_bytes = config->mtu_bytes != 0 ? config->mtu_bytes : RTE_ETHER_MTU;
	uint32_t last = leader;

	if (ports[leader].kind != config->kind)
		return mr_error_set(error, -EINVAL, "%s is the device of /ports/%u", config->device,
				    leader);
	for (uint32_t i = leader; i < index; i++) {
		if (ports[i].leader != leader)
			continue;
		if (tags_are_equal(&ports[i], config))
			return mr_error_set(error, -EINVAL,
					    "%s is the device of /ports/%u, with the same tags",
					    config->device, i);
		last = i;
	}
	if (!port_is_kernel(port) && mtu_bytes != ports[leader].mtu_bytes) {
		port->refused_field = "mtu";
		return mr_error_set(error, -EINVAL,
				    "%u bytes, but %u on /ports/%u, whose device is "
				    "the same",
				    mtu_bytes, ports[leader].mtu_bytes, leader);
	}
	port->leader = leader;
	port->sibling = (uint8_t)leader;
	port->mtu_bytes = ports[leader].mtu_bytes;
	port->netdev = ports[leader].netdev;
	port->ifindex = ports[leader].ifindex;
	port->queues = ports[leader].queues;
	memcpy(port->device, ports[leader].device, sizeof(port->device));
	ports[last].sibling = (uint8_t)index;
	return 0;
}

/* The first port with the same device; @index: there is none before it. */
static uint32_t find_leader(const struct mr_port_config *configs, uint32_t index)
{
	uint32_t i = 0;

	while (i < index && strcmp(configs[i].device, configs[index].device) != 0)
		i++;
	return i;
}

int port_claim(struct port *ports, uint32_t index, const struct mr_port_config *configs,
	       uint32_t worker_count, struct mr_error *error)
{
	const struct mr_port_config *config = &configs[index];
	const uint32_t leader = find_leader(configs, index);
	struct port *const port = &ports[index];
	int rc;

	*port = (struct port){
		.kind = config->kind,
		.index = index,
		.leader = index,
		.sibling = (uint8_t)index,
		.tag_count = config->tag_count,
		.hold = -1,
		.refused_field = "device",
	};
	memcpy(port->tags, config->tags, sizeof(port->tags));
	steering_init(&port->steering);
	steering_init(&port->guard);
	if (leader == index)
		rc = claim_device(port, config, worker_count, error);
	else
		rc = join(ports, leader, index, config, error);
	if (rc == 0 && config->twin && !port_is_kernel(port))
		rc = claim_twin(port, config, error);
	if (rc == 0) {
		ports[leader].twin_count += port->has_twin;
		ports[leader].tagged_count += port->tag_count > 0;
		return 0;
	}
	port_close(port);
	return refuse(port, error, rc);
}

uint64_t port_memory_bytes(const struct port *port, const struct port_company *company)
{
	const uint64_t object_bytes =
		PORT_MBUF_OVERHEAD + port->frame_room_bytes + 2 * RTE_CACHE_LINE_SIZE;
	const uint64_t twin_bytes = port->has_twin ? tap_memory_bytes(0) : 0;

	if (!port_is_leader(port))
		return twin_bytes;
	return twin_bytes + port_mbuf_count(port, company) * object_bytes;
}

static int open_twin(struct port *port, uint32_t worker_count, struct rte_mempool *mbufs,
		     struct mr_error *error)
{
	char device[RTE_DEV_NAME_MAX_LEN];
	const struct tap_config config = {
		.device = device,
		.interface = port->twin_name,
		.mac = &port->mac,
		.mtu_bytes = RTE_MIN(port->mtu_bytes, TAP_MTU_MAX_BYTES),
		.queues = (uint16_t)worker_count,
		.mbufs = mbufs,
	};
	int rc;

	snprintf(device, sizeof(device), "net_tap_twin%u", port->index);
	rc = tap_open(&port->twin, &config, error);
	if (rc != 0)
		return rc;
	port->ifindex = port->twin.ifindex;
	port->kernel_ethdev = port->twin.ethdev;
	port->kernel_frame_max_bytes = tap_frame_max_bytes(config.mtu_bytes);
	port->kernel_mac = port->twin.mac;
	return 0;
}

static int open_device(struct port *port, const struct port_company *company,
		       const struct steering_tags *tags, struct mr_error *error)
{
	if (port_is_kernel(port))
		return port_open_kernel(port, company, tags, error);
	return port_start(port, company, error);
}

int port_open(struct port *ports, uint32_t index, const struct port_company *company,
	      const struct steering_tags *tags, struct mr_error *error)
{
	struct port *const port = &ports[index];
	const struct port *const leader = &ports[port->leader];
	int rc = 0;

	if (port == leader) {
		rc = open_device(port, company, tags, error);
	} else {
		port->ethdev = leader->ethdev;
		port->mac = leader->mac;
		port->joins_segments = leader->joins_segments;
	}
	if (rc == 0 && leader->filters_tags)
		rc = port_admit_tags(port, error);
	if (rc == 0 && port->has_twin)
		rc = open_twin(port, company->worker_count, leader->mbufs, error);
	heads_of(&port->mac, port->tags, port->tag_count, &port->heads);
	return rc != 0 ? refuse(port, error, rc) : 0;
}

bool port_close(struct port *port)
{
	const bool stays = port->plugged && port->kind == MR_DEVICE_AF_XDP &&
			   steering_xdp_is_foreign(&port->netdev);

	steering_close(&port->steering);
	steering_close(&port->guard);
	tap_close(&port->twin);
	if (port->plugged && !stays)
		port_unplug(port);
	free(port->arguments);
	port->arguments = NULL;
	if (port->hold >= 0)
		close(port->hold);
	port->hold = -1;
	return !stays;
}

void port_free_mbufs(struct port *port)
{
	if (port->plugged)
		return;
	rte_mempool_free(port->mbufs);
	port->mbufs = NULL;
}

uint16_t ports_widest_mtu_bytes(const struct port *ports, uint32_t count)
{
	uint16_t mtu_bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		mtu_bytes = RTE_MAX(mtu_bytes, ports[i].netdev.mtu_bytes);
	return mtu_bytes;
}

const char *port_device(const struct port *port)
{
	return port_is_kernel(port) ? port->netdev.name : port->device;
}

static bool link_up(const struct port *port)
{
	struct rte_eth_link link;

	if (port_is_kernel(port))
		return netdev_link_up(&port->netdev);
	return rte_eth_link_get_nowait(port->ethdev, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}

void port_read(const struct port *port, struct mr_port_info *out)
{
	struct rte_eth_stats stats = {0};
	uint16_t mtu_bytes = 0;

	if (port_is_kernel(port))
		mtu_bytes = netdev_mtu_bytes(&port->netdev);
	else
		rte_eth_dev_get_mtu(port->ethdev, &mtu_bytes);
	rte_eth_stats_get(port->ethdev, &stats);
	*out = (struct mr_port_info){
		.mac = port->mac,
		.mtu = mtu_bytes,
		.queues = port->queues,
		.ifindex = port->ifindex,
		.tags = {port->tags[0], port->tags[1]},
		.tag_count = port->tag_count,
		.link_up = link_up(port),
		.rx_packets = stats.ipackets,
		.rx_bytes = stats.ibytes,
		.rx_missed = stats.imissed,
		.rx_errors = stats.ierrors,
		.tx_packets = stats.opackets,
		.tx_bytes = stats.obytes,
		.tx_errors = stats.oerrors,
	};
}
