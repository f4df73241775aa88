/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_details.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "port_kernel.h"

static_assert(MR_PORT_XSTAT_NAME_MAX >= RTE_ETH_XSTATS_NAME_SIZE, "names fit");

/* Drivers of interfaces do not know the card's; the kernel has it in a file, as it is now. */
static uint32_t interface_speed_mbps(const struct port *port)
{
	char path[sizeof("/sys/class/net//speed") + IF_NAMESIZE];
	int speed_mbps = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", port->netdev.name);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%d", &speed_mbps) != 1 || speed_mbps < 0)
		speed_mbps = 0;
	fclose(file);
	return (uint32_t)speed_mbps;
}

static uint32_t speed_mbps(const struct port *port)
{
	struct rte_eth_link link = {0};

	if (port_is_kernel(port))
		return interface_speed_mbps(port);
	if (rte_eth_link_get_nowait(port->ethdev, &link) != 0 ||
	    link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return 0;
	return link.link_speed;
}

void port_read_details(const struct port *port, struct mr_port_details *out)
{
	struct rte_eth_dev_info info = {0};
	const int node =
		port_is_kernel(port) ? port->netdev.numa_node : rte_eth_dev_socket_id(port->ethdev);

	rte_eth_dev_info_get(port->ethdev, &info);
	*out = (struct mr_port_details){
		.speed_mbps = speed_mbps(port),
		.numa_node = node >= 0 ? node : -1,
	};
	snprintf(out->driver, sizeof(out->driver), "%s",
		 info.driver_name != NULL ? info.driver_name : "");
}

/* Ids in values[] are places in names[]. */
static uint32_t take_nonzero(const struct rte_eth_xstat_name *names,
			     const struct rte_eth_xstat *values, uint32_t count,
			     struct mr_port_xstat *out)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (values[i].value == 0 || values[i].id >= count)
			continue;
		snprintf(out[taken].name, sizeof(out[taken].name), "%s", names[values[i].id].name);
		out[taken++].value = values[i].value;
	}
	return taken;
}

int port_read_xstats(const struct port *port, struct mr_port_xstat **out, uint32_t *out_count)
{
	const int count = rte_eth_xstats_get_names(port->ethdev, NULL, 0);
	const size_t room = count > 0 ? (size_t)count : 1;
	struct rte_eth_xstat_name *names = calloc(room, sizeof(*names));
	struct rte_eth_xstat *values = calloc(room, sizeof(*values));
	struct mr_port_xstat *taken = calloc(room, sizeof(*taken));
	int rc = names != NULL && values != NULL && taken != NULL ? 0 : -ENOMEM;

	if (rc == 0 &&
	    (count <= 0 ||
	     rte_eth_xstats_get_names(port->ethdev, names, (unsigned int)count) != count ||
	     rte_eth_xstats_get(port->ethdev, values, (unsigned int)count) != count))
		rc = -ENOTSUP;
	if (rc == 0) {
		*out_count = take_nonzero(names, values, (uint32_t)count, taken);
		*out = taken;
		taken = NULL;
	}
	free(names);
	free(values);
	free(taken);
	return rc;
}
