/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: what they are, what lies behind them, and what their drivers count. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "balancer.h"
#include "rpc_change.h"
#include "rpc_methods.h"
#include "stats_counters.h"
#include "suggestion.h"

static const char *const kinds[] = {
	[MR_DEVICE_AF_XDP] = "af_xdp",
	[MR_DEVICE_AF_PACKET] = "af_packet",
	[MR_DEVICE_VDEV] = "virtual",
	[MR_DEVICE_PCI] = "pci",
	NULL,
};

struct port_row {
	char *name;
	char *device;
	enum mr_device_kind kind;
	char *driver;
	struct mr_port_info info;
	bool speed_known;
	uint32_t speed_mbps;
	bool node_known;
	uint32_t numa_node;
	uint16_t *vlan;
	uint32_t vlan_count;
	bool twin;
	char *interface;
	uint32_t neighbours;
	uint32_t backends;
};

enum { ROW_VLAN = 10 };

#define PORT_ROW_FIELDS(type, m)                                                                  \
	{"name", FIELD_NAME, FIELD_AT(type, m name), .required = true,                            \
	 .text = "What the port is called"},                                                      \
		{"device", FIELD_STRING, FIELD_AT(type, m device), .required = true,              \
		 .text = "Its device, as configured"},                                            \
		{"kind",	   FIELD_ENUM,	     FIELD_AT(type, m kind),                      \
		 .required = true, .choices = kinds, .text = "What kind of device that is"},      \
		{"driver", FIELD_STRING, FIELD_AT(type, m driver), .required = true,              \
		 .text = "DPDK's driver of it"},                                                  \
		{"mac", FIELD_MAC, FIELD_AT(type, m info.mac), .required = true,                  \
		 .text = "Its Ethernet address"},                                                 \
		{"mtu_bytes", FIELD_UINT, FIELD_AT(type, m info.mtu), .required = true,           \
		 .text = "Largest IP packet that it takes"},                                      \
		{"queues", FIELD_UINT, FIELD_AT(type, m info.queues), .required = true,           \
		 .text = "Receive queues"},                                                       \
		{"link_up", FIELD_BOOL, FIELD_AT(type, m info.link_up), .required = true,         \
		 .text = "Whether its link is up"},                                               \
		{"speed_mbps", FIELD_UINT, FIELD_AT(type, m speed_mbps),                          \
		 FIELD_PRESENT(type, m speed_known),                                              \
		 .text = "Speed of the link in Mbit/s; absent where nobody tells"},               \
		{"numa_node", FIELD_UINT, FIELD_AT(type, m numa_node),                            \
		 FIELD_PRESENT(type, m node_known),                                               \
		 .text = "NUMA node of the card; absent where the machine does not tell"},        \
		{"vlan", FIELD_UINT, FIELD_LIST_AT(type, m vlan, m vlan_count), .required = true, \
		 .text = "VLAN ids of its frames, outermost first"},                              \
		{"twin", FIELD_BOOL, FIELD_AT(type, m twin), .required = true,                    \
		 .text = "Whether a TAP interface carries what is the kernel's"},                 \
		{"interface", FIELD_STRING, FIELD_AT(type, m interface),                          \
		 .text = "Kernel interface: the device itself, or the twin; absent: none"},       \
		{"neighbours", FIELD_UINT, FIELD_AT(type, m neighbours), .required = true,        \
		 .text = "Static next hops of the configuration"},                                \
	{                                                                                         \
		"backends", FIELD_UINT, FIELD_AT(type, m backends),                               \
			.required = true, .text = "Backends whose packets leave by it"            \
	}

static const struct field row_fields[] = {PORT_ROW_FIELDS(struct port_row, )};
static const struct shape row_shape =
	SHAPE("port_row", struct port_row, row_fields, "A port and its state");

/* How many backends are reached by each port, and by which Ethernet address. */
struct hop {
	uint32_t port;
	struct rte_ether_addr mac;
	uint32_t backends;
};

struct hops {
	struct hop *list; /* sorted by port and address */
	uint32_t count;
};

static int compare_hops(const void *left, const void *right)
{
	const struct hop *a = left, *b = right;

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return memcmp(&a->mac, &b->mac, sizeof(a->mac));
}

static uint32_t take_hops(const struct balancer *balancer, struct hop *out)
{
	const struct config *config = balancer_config(balancer);
	struct backend_status status;
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->pool_count; i++) {
		for (uint32_t j = 0; j < config->pools[i].backend_count; j++) {
			balancer_backend_status(balancer, i, j, &status);
			if (status.next_hop_set)
				out[count++] = (struct hop){status.port, status.next_hop, 1};
		}
	}
	return count;
}

/* Of neighbours that are the same in the sorted list only one stays, with their count. */
static void unite(struct hops *hops)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < hops->count; i++) {
		if (kept > 0 && compare_hops(&hops->list[kept - 1], &hops->list[i]) == 0)
			hops->list[kept - 1].backends++;
		else
			hops->list[kept++] = hops->list[i];
	}
	hops->count = kept;
}

static bool find_hops(const struct balancer *balancer, struct hops *out)
{
	const struct config *config = balancer_config(balancer);
	uint32_t most = 1;

	for (uint32_t i = 0; i < config->pool_count; i++)
		most += config->pools[i].backend_count;
	out->list = calloc(most, sizeof(*out->list));
	if (!out->list)
		return false;
	out->count = take_hops(balancer, out->list);
	qsort(out->list, out->count, sizeof(*out->list), compare_hops);
	unite(out);
	return true;
}

static bool fill_vlan(const struct config_port *port, struct port_row *out)
{
	if (!field_list_alloc(&row_fields[ROW_VLAN], out, port->vlan_count))
		return false;
	if (port->vlan_count > 0)
		memcpy(out->vlan, port->vlan, port->vlan_count * sizeof(*port->vlan));
	return true;
}

static bool fill_interface(struct port_row *out)
{
	char name[IF_NAMESIZE];

	if (out->info.ifindex == 0 || if_indextoname((unsigned int)out->info.ifindex, name) == NULL)
		return true;
	out->interface = strdup(name);
	return out->interface;
}

static bool fill_row(const struct balancer *balancer, uint32_t port, const struct hops *hops,
		     struct port_row *out)
{
	const struct config_port *config = &balancer_config(balancer)->ports[port];
	const struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct mr_port_details details;

	if (mr_dataplane_port_info(dp, port, &out->info) < 0 ||
	    mr_dataplane_port_details(dp, port, &details) < 0)
		return false;
	out->name = strdup(config->name);
	out->device = strdup(config->device);
	out->driver = strdup(details.driver);
	out->kind = config->device_kind;
	out->speed_known = details.speed_mbps > 0;
	out->speed_mbps = details.speed_mbps;
	out->node_known = details.numa_node >= 0;
	out->numa_node = (uint32_t)details.numa_node;
	out->twin = config->twin;
	out->neighbours = config->neighbour_count;
	for (uint32_t i = 0; i < hops->count; i++)
		out->backends += hops->list[i].port == port ? hops->list[i].backends : 0;
	return out->name && out->device && out->driver && fill_vlan(config, out) &&
	       fill_interface(out);
}

struct port_list_result {
	uint64_t generation;
	struct port_row *ports;
	uint32_t port_count;
};

enum { LIST_PORTS = 1 };

static const struct field list_fields[] = {
	RPC_GENERATION_RESULT(struct port_list_result),
	[LIST_PORTS] = {"ports", FIELD_OBJECT,
			FIELD_LIST_AT(struct port_list_result, ports, port_count), .required = true,
			.shape = &row_shape, .text = "In the order of the configuration"},
};
static const struct shape list_result =
	SHAPE("port_list_result", struct port_list_result, list_fields, "Ports");

static enum rpc_error port_list(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	struct port_list_result *result = call->result;
	struct hops hops;
	bool ok = find_hops(balancer, &hops);

	result->generation = balancer_generation(balancer);
	ok = ok && field_list_alloc(&list_fields[LIST_PORTS], result,
				    balancer_config(balancer)->port_count);
	for (uint32_t i = 0; ok && i < result->port_count; i++)
		ok = fill_row(balancer, i, &hops, &result->ports[i]);
	free(hops.list);
	return ok ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct port_params {
	char *port;
};

static const struct field show_params_fields[] = {
	{"port", FIELD_NAME, FIELD_AT(struct port_params, port), .required = true,
	 .text = "Name of the port"},
};
static const struct shape show_params =
	SHAPE("port_show_params", struct port_params, show_params_fields, "A port");

struct hop_row {
	struct rte_ether_addr mac;
	uint32_t backends;
};

static const struct field hop_fields[] = {
	{"mac", FIELD_MAC, FIELD_AT(struct hop_row, mac), .required = true,
	 .text = "Ethernet address that packets are sent to"},
	{"backends", FIELD_UINT, FIELD_AT(struct hop_row, backends), .required = true,
	 .text = "How many backends are reached by it"},
};
static const struct shape hop_shape =
	SHAPE("port_next_hop", struct hop_row, hop_fields, "A next hop behind a port");

struct port_show_result {
	uint64_t generation;
	struct port_row row;
	struct port_counters counters;
	struct hop_row *hops;
	uint32_t hop_count;
};

static const struct field show_result_fields[] = {
	RPC_GENERATION_RESULT(struct port_show_result),
	PORT_ROW_FIELDS(struct port_show_result, row.),
	PORT_COUNTER_FIELDS(struct port_show_result, counters., "", ""),
	{"next_hops", FIELD_OBJECT, FIELD_LIST_AT(struct port_show_result, hops, hop_count),
	 .required = true, .shape = &hop_shape, .text = "Where it sends backends' packets"},
};
static const struct shape show_result = SHAPE("port_show_result", struct port_show_result,
					      show_result_fields, "A port, and what is behind it");
/* The last row. */
static const struct field *const hops_field =
	&show_result_fields[sizeof(show_result_fields) / sizeof(show_result_fields[0]) - 1];

static enum rpc_error find_port(struct rpc_call *call, const char *name, uint32_t *out_port)
{
	const struct config *config = balancer_config(call->context->balancer);
	struct suggestion nearest = {.word = name};
	char hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; i < config->port_count; i++) {
		if (strcmp(config->ports[i].name, name) == 0) {
			*out_port = i;
			return RPC_OK;
		}
		suggestion_consider(&nearest, config->ports[i].name);
	}
	suggestion_format(&nearest, hint);
	field_errors_add(&call->errors, &(struct field_path){NULL, "port", 0},
			 "there is no port \"%s\"%s", name, hint);
	return RPC_NOT_FOUND;
}

static bool fill_hops(const struct hops *hops, uint32_t port, struct port_show_result *result)
{
	if (!field_list_alloc(hops_field, result, hops->count))
		return false;
	result->hop_count = 0;
	for (uint32_t i = 0; i < hops->count; i++) {
		if (hops->list[i].port == port)
			result->hops[result->hop_count++] =
				(struct hop_row){hops->list[i].mac, hops->list[i].backends};
	}
	return true;
}

static enum rpc_error port_show(struct rpc_call *call)
{
	const struct port_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct port_show_result *result = call->result;
	struct hops hops;
	uint32_t port;
	enum rpc_error error = find_port(call, params->port, &port);
	bool ok;

	if (error != RPC_OK)
		return error;
	result->generation = balancer_generation(balancer);
	ok = find_hops(balancer, &hops) && fill_row(balancer, port, &hops, &result->row) &&
	     fill_hops(&hops, port, result);
	stats_read_port(&result->row.info, &result->counters);
	free(hops.list);
	return ok ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct xstat_row {
	char *name;
	uint64_t value;
};

static const struct field xstat_fields[] = {
	{"name", FIELD_STRING, FIELD_AT(struct xstat_row, name), .required = true,
	 .text = "What the driver calls it"},
	{"value", FIELD_UINT, FIELD_AT(struct xstat_row, value), .required = true,
	 .text = "What it counts"},
};
static const struct shape xstat_shape =
	SHAPE("port_xstat", struct xstat_row, xstat_fields, "A counter of a driver's own");

struct port_stats_row {
	char *name;
	struct port_counters counters;
	struct xstat_row *extended;
	uint32_t extended_count;
};

static const struct field stats_row_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct port_stats_row, name), .required = true,
	 .text = "Name of the port"},
	PORT_COUNTER_FIELDS(struct port_stats_row, counters., "", ""),
	{"extended", FIELD_OBJECT, FIELD_LIST_AT(struct port_stats_row, extended, extended_count),
	 .required = true, .shape = &xstat_shape,
	 .text = "What the driver counts beside that, as far as it is not 0"},
};
static const struct shape stats_row_shape = SHAPE("port_stats_row", struct port_stats_row,
						  stats_row_fields, "What a port's driver counts");
/* The last row. */
static const struct field *const extended_field =
	&stats_row_fields[sizeof(stats_row_fields) / sizeof(stats_row_fields[0]) - 1];

struct port_stats_result {
	struct port_stats_row *ports;
	uint32_t port_count;
};

static const struct field stats_result_fields[] = {
	{"ports", FIELD_OBJECT, FIELD_LIST_AT(struct port_stats_result, ports, port_count),
	 .required = true, .shape = &stats_row_shape, .text = "In the order of the configuration"},
};
static const struct shape stats_result = SHAPE("port_stats_result", struct port_stats_result,
					       stats_result_fields, "What drivers count");

static const struct field stats_params_fields[] = {
	{"port", FIELD_NAME, FIELD_AT(struct port_params, port), .text = "Only this port"},
};
static const struct shape stats_params =
	SHAPE("port_stats_params", struct port_params, stats_params_fields, "Which ports");

static bool fill_extended(const struct mr_port_xstat *stats, uint32_t count,
			  struct port_stats_row *out)
{
	if (!field_list_alloc(extended_field, out, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		out->extended[i] = (struct xstat_row){strdup(stats[i].name), stats[i].value};
		if (!out->extended[i].name)
			return false;
	}
	return true;
}

static bool fill_stats(const struct balancer *balancer, uint32_t port, struct port_stats_row *out)
{
	const struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct mr_port_xstat *stats = NULL;
	struct mr_port_info info;
	uint32_t count = 0;
	int rc;
	bool ok;

	out->name = strdup(balancer_config(balancer)->ports[port].name);
	if (!out->name || mr_dataplane_port_info(dp, port, &info) < 0)
		return false;
	stats_read_port(&info, &out->counters);
	rc = mr_dataplane_port_xstats(dp, port, &stats, &count);
	ok = (rc == 0 || rc == -ENOTSUP) && fill_extended(stats, count, out);
	free(stats);
	return ok;
}

static enum rpc_error port_stats(struct rpc_call *call)
{
	const struct port_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct port_stats_result *result = call->result;
	uint32_t first = 0, end = balancer_config(balancer)->port_count;

	if (params->port) {
		enum rpc_error error = find_port(call, params->port, &first);

		if (error != RPC_OK)
			return error;
		end = first + 1;
	}
	if (!field_list_alloc(&stats_result_fields[0], result, end - first))
		return RPC_INTERNAL_ERROR;
	for (uint32_t i = first; i < end; i++) {
		if (!fill_stats(balancer, i, &result->ports[i - first]))
			return RPC_INTERNAL_ERROR;
	}
	return RPC_OK;
}

#define EXAMPLE_ROW                                                                            \
	"\"name\": \"wan\", \"device\": \"af_xdp:eth0\", \"kind\": \"af_xdp\", \"driver\": "   \
	"\"net_af_xdp\", \"mac\": \"02:00:00:00:00:01\", \"mtu_bytes\": 1500, \"queues\": 2, " \
	"\"link_up\": true, \"speed_mbps\": 25000, \"numa_node\": 0, \"vlan\": [], \"twin\": " \
	"false, \"interface\": \"eth0\", \"neighbours\": 0, \"backends\": 12"
#define EXAMPLE_COUNTERS                                                                    \
	"\"rx_packets\": 4711, \"rx_bytes\": 3141592, \"rx_missed\": 0, \"rx_errors\": 0, " \
	"\"tx_packets\": 4700, \"tx_bytes\": 3141000, \"tx_errors\": 0"

const struct rpc_method rpc_port_methods[] = {
	{
		.name = "port.list",
		.text = "Shows all ports",
		.handler = port_list,
		.role = RPC_ROLE_READ,
		.result = &list_result,
		.result_text = "Ports",
		.example_params = "{}",
		.example_result = "{\"generation\": 7, \"ports\": [{" EXAMPLE_ROW "}]}",
	},
	{
		.name = "port.show",
		.text = "Shows a port, what it counts, and the next hops behind it",
		.handler = port_show,
		.role = RPC_ROLE_READ,
		.params = &show_params,
		.result = &show_result,
		.result_text = "A port, and what is behind it",
		.example_params = "{\"port\": \"wan\"}",
		.example_result = "{\"generation\": 7, " EXAMPLE_ROW ", " EXAMPLE_COUNTERS
				  ", \"next_hops\": [{\"mac\": \"02:00:00:00:00:11\", "
				  "\"backends\": 1}]}",
	},
	{
		.name = "port.stats",
		.text = "Shows what the drivers of ports count, each in its own words too",
		.handler = port_stats,
		.role = RPC_ROLE_READ,
		.params = &stats_params,
		.result = &stats_result,
		.result_text = "What drivers count",
		.example_params = "{\"port\": \"wan\"}",
		.example_result = "{\"ports\": [{\"name\": \"wan\", " EXAMPLE_COUNTERS
				  ", \"extended\": [{\"name\": \"rx_q0_packets\", \"value\": "
				  "4711}]}]}",
	},
	{.name = NULL},
};
