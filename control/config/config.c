/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/limits.h>

#include "config_check.h"
#include "config_tables.h"
#include "device.h"
#include "field_schema.h"

static const struct field node_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_node, name), .required = true,
	 .text = "What this node is called in logs and answers", .example = "\"lb1\""},
	{"key", FIELD_HEX, FIELD_AT(struct config_node, key), .required = true, .secret = true,
	 .text = "Secret that decides which session goes to which backend; the same on every node "
		 "that shares a service, 32 bytes from a random source (openssl rand -hex 32)"},
};
static const struct shape node_shape = SHAPE("node", struct config_node, node_fields, "This node");

static const struct field log_fields[] = {
	{"format", FIELD_ENUM, FIELD_AT(struct log_settings, format), .choices = log_formats,
	 .fallback = LOG_FORMAT_AUTO,
	 .text = "auto: fields of the journal where standard error is the journal, else lines of "
		 "text; text: lines; json: one JSON object a line"},
	{"level", FIELD_ENUM, FIELD_AT(struct log_settings, level), .choices = log_levels,
	 .fallback = LOG_LEVEL_NOTICE,
	 .text = "The least urgent messages that are written; a change of it is the level of all "
		 "topics, also of those that log.set has given another"},
};
static const struct shape log_shape =
	SHAPE("log", struct log_settings, log_fields, "What mailraild tells of itself");

const char *const config_polls[] = {
	[MR_POLL_BUSY] = "busy",
	[MR_POLL_ADAPTIVE] = "adaptive",
	NULL,
};

static const struct field workers_fields[] = {
	{"cores", FIELD_UINT, FIELD_LIST_AT(struct config_workers, cores, core_count),
	 .unique = true, .list_min = 1, .list_max = MR_WORKERS_MAX, .max = CPU_SETSIZE - 1,
	 .fallback_note = "the last core that the process may use",
	 .text = "CPU cores by number; each gets a worker of its own", .example = "[1]"},
	{"poll", FIELD_ENUM, FIELD_AT(struct config_workers, poll), .choices = config_polls,
	 .fallback = MR_POLL_BUSY,
	 .text = "busy: workers keep their cores busy all the time; adaptive: they sleep while "
		 "nothing arrives, for tens of microseconds at a time, and leave their cores to "
		 "others"},
};
static const struct shape workers_shape =
	SHAPE("workers", struct config_workers, workers_fields, "The threads that forward packets");

static const struct field sessions_fields[] = {
	{"pins", FIELD_UINT, FIELD_AT(struct config_sessions, pin_budget), .min = 1024,
	 .max = 16777216, .fallback = 1000000,
	 .text = "How many sessions may be remembered at once, 32 bytes of memory each"},
	{"state", FIELD_STRING, FIELD_AT(struct config_sessions, state), .min = 1, .max = 255,
	 .fallback_text = "/run/mailrail/sessions",
	 .text = "Directory for what outlives the process, so that sessions go on after a restart; "
		 "on a memory file system, such as /run, since workers write there"},
};
static const struct shape sessions_shape =
	SHAPE("sessions", struct config_sessions, sessions_fields,
	      "How sessions stay where they are while pools change");

static const struct field neighbour_fields[] = {
	{"address", FIELD_ADDRESS, FIELD_AT(struct config_neighbour, address), .required = true,
	 .key = true, .text = "Address of a backend"},
	{"mac", FIELD_MAC, FIELD_AT(struct config_neighbour, mac), .required = true,
	 .text = "Its Ethernet address"},
};
static const struct shape neighbour_shape =
	SHAPE("neighbour", struct config_neighbour, neighbour_fields, "A static next hop");

static const struct field port_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_port, name), .required = true, .key = true,
	 .text = "What the port is called in logs and answers", .example = "\"wan\""},
	{"device", FIELD_STRING, FIELD_AT(struct config_port, device), .required = true, .min = 1,
	 .max = 1023,
	 .text = "What packets come from: af_xdp:INTERFACE, af_packet:INTERFACE, pci:ADDRESS "
		 "(bound to vfio-pci, or a driver that shares it) or a DPDK virtual device with "
		 "its arguments (net_...); several ports may have the same one with different "
		 "VLAN ids",
	 .example = "\"af_xdp:eth0\""},
	{"vlan", FIELD_UINT, FIELD_LIST_AT(struct config_port, vlan, vlan_count), .list_max = 2,
	 .min = 1, .max = 4094,
	 .text = "VLAN ids of the frames that are this port's, outermost first: none, one, or two",
	 .example = "[100]"},
	{"mtu", FIELD_UINT, FIELD_AT(struct config_port, mtu_bytes),
	 FIELD_PRESENT(struct config_port, mtu_given), .min = 68, .max = 9216,
	 .text = "Largest IP packet of a pci or virtual device, 1500 bytes unless given; a kernel "
		 "interface has its own"},
	{"twin", FIELD_BOOL, FIELD_AT(struct config_port, twin),
	 FIELD_PRESENT(struct config_port, twin_given),
	 .text = "Whether the kernel gets what is not for a service, by a TAP interface with the "
		 "port's name; for pci and virtual devices only, and true unless given"},
	{"interface", FIELD_STRING, FIELD_AT(struct config_port, interface), .min = 1, .max = 15,
	 .text = "Kernel interface whose routes and neighbours are the port's; unless given the "
		 "device's own, its VLAN interface with the port's ids, or the twin",
	 .example = "\"eth0.100\""},
	{"neighbours", FIELD_OBJECT, FIELD_LIST_AT(struct config_port, neighbours, neighbour_count),
	 .shape = &neighbour_shape, .list_max = 65536,
	 .text = "Static next hops, for virtual devices only; the kernel is not asked about these"},
};
static const struct shape port_shape =
	SHAPE("port", struct config_port, port_fields, "A network interface that mailrail polls");

const char *const config_backend_states[] = {
	[CONFIG_BACKEND_ENABLED] = "enabled",
	[CONFIG_BACKEND_DRAIN] = "drain",
	[CONFIG_BACKEND_DISABLED] = "disabled",
	NULL,
};

static const struct field backend_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_backend, name), .required = true, .key = true,
	 .text = "What the backend is called; its share of the slots depends on this name, not on "
		 "its place in the list",
	 .example = "\"hub1\""},
	{"address", FIELD_ADDRESS, FIELD_AT(struct config_backend, address), .required = true,
	 .key = true, .text = "The server's own address, not the service's",
	 .example = "\"10.0.0.11\""},
	{"weight", FIELD_UINT, FIELD_AT(struct config_backend, weight), .max = 1000,
	 .fallback = 100,
	 .text = "Its share of new sessions beside the others' weights; 0 gives it none"},
	{"state", FIELD_ENUM, FIELD_AT(struct config_backend, state),
	 .choices = config_backend_states, .fallback = CONFIG_BACKEND_ENABLED,
	 .text = "enabled: takes sessions; drain: keeps its sessions, gets no new ones; disabled: "
		 "loses its sessions at once"},
};
const struct shape config_backend_shape =
	SHAPE("backend", struct config_backend, backend_fields, "A mail server");

const char *const config_health_types[] = {
	[CONFIG_HEALTH_SMTP] = "smtp",
	[CONFIG_HEALTH_NONE] = "none",
	NULL,
};

static const struct field health_fields[] = {
	{"type", FIELD_ENUM, FIELD_AT(struct config_health, type), .choices = config_health_types,
	 .fallback = CONFIG_HEALTH_SMTP,
	 .text = "smtp: connect, banner, EHLO, QUIT through the service address; none: always up"},
	{"interval", FIELD_DURATION, FIELD_AT(struct config_health, interval_ms), .min = 100,
	 .max = 3600 * 1000, .fallback = 10 * 1000, .text = "Time between two probes"},
	{"timeout", FIELD_DURATION, FIELD_AT(struct config_health, timeout_ms), .min = 100,
	 .max = 300 * 1000, .fallback = 10 * 1000,
	 .text = "Patience with each step of a probe; a server that waits before it greets, like "
		 "Postfix with postscreen, wants more than 6 seconds"},
	{"rise", FIELD_UINT, FIELD_AT(struct config_health, rise), .min = 1, .max = 100,
	 .fallback = 2, .text = "Good probes in a row after which a backend that was down is up"},
	{"fall", FIELD_UINT, FIELD_AT(struct config_health, fall), .min = 1, .max = 100,
	 .fallback = 3,
	 .text = "Failed probes in a row after which a backend that was up is down; the first "
		 "probe of all decides alone"},
};
const struct shape config_health_shape =
	SHAPE("health", struct config_health, health_fields, "How backends are probed");

const char *const config_forwardings[] = {
	[MR_FORWARDING_L2DSR] = "l2dsr",
	[MR_FORWARDING_IPIP] = "ipip",
	[MR_FORWARDING_GUE] = "gue",
	[MR_FORWARDING_NAT] = "nat",
	NULL,
};
static const char *const hashes[] = {[CONFIG_HASH_SESSION] = "session", NULL};

static const struct field tunnel_fields[] = {
	{"source", FIELD_PREFIX, FIELD_AT(struct config_tunnel, source),
	 FIELD_PRESENT(struct config_tunnel, source_given),
	 .text = "Outer source address, or a prefix whose low bits vary by session so that a "
		 "server's receive queues share the load; of the backends' family; unless given, "
		 "the address that the kernel would send from",
	 .example = "\"10.0.0.2\""},
	{"port", FIELD_UINT, FIELD_AT(struct config_tunnel, port),
	 FIELD_PRESENT(struct config_tunnel, port_given), .min = 1, .max = 65535,
	 .text = "gue: UDP port that the backends receive on, 6080 unless given"},
};
static const struct shape tunnel_shape =
	SHAPE("tunnel", struct config_tunnel, tunnel_fields, "Outer headers of ipip and gue");

static const struct field pool_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_pool, name), .required = true, .key = true,
	 .text = "What services call the pool", .example = "\"hub-transport\""},
	{"forwarding", FIELD_ENUM, FIELD_AT(struct config_pool, forwarding),
	 .choices = config_forwardings, .fallback = MR_FORWARDING_L2DSR,
	 .text = "l2dsr: the Ethernet addresses are rewritten, nothing else; backends are in the "
		 "same layer-2 network and answer clients directly; ipip, gue: packets travel "
		 "inside IP or UDP, also behind routers, and backends answer clients directly; "
		 "nat: the destination is translated, and answers come back through mailrail"},
	{"tunnel", FIELD_OBJECT, FIELD_AT(struct config_pool, tunnel), .shape = &tunnel_shape,
	 .text = "Outer headers of ipip and gue"},
	{"mss", FIELD_UINT, FIELD_AT(struct config_pool, mss_max_bytes),
	 .max = CONFIG_MSS_MAX_BYTES,
	 .text = "Largest TCP segment, 536 to 9176 bytes, that the ends offer each other: SYNs, in "
		 "nat their answers too, that offer more are lowered to it; 0: not touched"},
	{"table_size", FIELD_UINT, FIELD_AT(struct config_pool, table_size), .min = 2,
	 .max = 16777213, .fallback = 65537,
	 .text = "Slots of the Maglev table: a prime, about a hundred times the number of backends "
		 "or more"},
	{"hash", FIELD_ENUM, FIELD_AT(struct config_pool, hash), .choices = hashes,
	 .fallback = CONFIG_HASH_SESSION,
	 .text = "What a session's slot is computed from; session: both addresses and both ports"},
	{"session_idle", FIELD_DURATION, FIELD_AT(struct config_pool, session_idle_ms), .min = 1000,
	 .max = MR_SESSION_IDLE_MAX_S * 1000, .fallback = 15 * 60 * 1000,
	 .text = "A session that was silent for this long may be forgotten after a change of the "
		 "pool"},
	{"backends", FIELD_OBJECT, FIELD_LIST_AT(struct config_pool, backends, backend_count),
	 .shape = &config_backend_shape, .list_max = MR_BACKENDS_MAX,
	 .text = "The pool's mail servers"},
	{"health", FIELD_OBJECT, FIELD_AT(struct config_pool, health),
	 .shape = &config_health_shape, .text = "How they are probed"},
};
const struct shape config_pool_shape =
	SHAPE("pool", struct config_pool, pool_fields, "A set of backends");

const char *const config_exclude_actions[] = {
	[MR_EXCLUDE_REJECT] = "reject",
	[MR_EXCLUDE_DROP] = "drop",
	NULL,
};

static const struct field exclude_fields[] = {
	{"sources", FIELD_PREFIX, FIELD_LIST_AT(struct config_exclude, sources, source_count),
	 .unique = true, .list_max = 65536,
	 .text = "Addresses and prefixes of the organisation's own mail servers; the pool's "
		 "backends are excluded by themselves",
	 .example = "[\"10.0.0.0/26\"]"},
	{"action", FIELD_ENUM, FIELD_AT(struct config_exclude, action),
	 .choices = config_exclude_actions, .fallback = MR_EXCLUDE_REJECT,
	 .text = "reject: answer with a TCP reset; drop: stay silent"},
};
static const struct shape exclude_shape = SHAPE("exclude", struct config_exclude, exclude_fields,
						"Sources whose sessions are never balanced");

static const struct field service_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct config_service, name), .required = true, .key = true,
	 .text = "What the service is called in logs and answers", .example = "\"smtp\""},
	{"namespace", FIELD_FQDN, FIELD_AT(struct config_service, namespace), .required = true,
	 .text = "The domain name that clients resolve and servers greet with",
	 .example = "\"mail.example.com\""},
	{"addresses", FIELD_ADDRESS, FIELD_LIST_AT(struct config_service, addresses, address_count),
	 .required = true, .unique = true, .list_min = 1, .list_max = 1024,
	 .text = "The addresses that the namespace resolves to", .example = "[\"10.0.0.10\"]"},
	{"ports", FIELD_UINT, FIELD_LIST_AT(struct config_service, ports, port_count),
	 .required = true, .unique = true, .list_min = 1, .list_max = 1024, .min = 1, .max = 65535,
	 .text = "TCP ports at each of the addresses", .example = "[25, 587]"},
	{"pool", FIELD_NAME, FIELD_AT(struct config_service, pool), .required = true,
	 .text = "Name of the pool that gets the sessions", .example = "\"hub-transport\""},
	{"exclude", FIELD_OBJECT, FIELD_AT(struct config_service, exclude), .shape = &exclude_shape,
	 .text = "Whose sessions are refused: mail between the organisation's own servers must not "
		 "be balanced"},
};
const struct shape config_service_shape =
	SHAPE("service", struct config_service, service_fields, "A virtual SMTP service");

static const struct field config_fields[] = {
	{"node", FIELD_OBJECT, FIELD_AT(struct config, node), .required = true,
	 .shape = &node_shape, .text = "This node"},
	{"control", FIELD_OBJECT, FIELD_AT(struct config, control), .shape = &control_shape,
	 .text = "Where the node is managed"},
	{"log", FIELD_OBJECT, FIELD_AT(struct config, log), .shape = &log_shape,
	 .text = "What mailraild tells of itself"},
	{"workers", FIELD_OBJECT, FIELD_AT(struct config, workers), .shape = &workers_shape,
	 .text = "The threads that forward packets"},
	{"sessions", FIELD_OBJECT, FIELD_AT(struct config, sessions), .shape = &sessions_shape,
	 .text = "How sessions stay where they are while pools change"},
	{"ports", FIELD_OBJECT, FIELD_LIST_AT(struct config, ports, port_count), .required = true,
	 .shape = &port_shape, .list_min = 1, .list_max = MR_PORTS_MAX,
	 .text = "Network interfaces that mailrail polls"},
	{"pools", FIELD_OBJECT, FIELD_LIST_AT(struct config, pools, pool_count),
	 .shape = &config_pool_shape, .list_max = MR_POOLS_MAX, .text = "Sets of backends"},
	{"services", FIELD_OBJECT, FIELD_LIST_AT(struct config, services, service_count),
	 .shape = &config_service_shape, .list_max = MR_SERVICES_MAX,
	 .text = "Virtual SMTP services"},
};
const struct shape config_shape =
	SHAPE("config", struct config, config_fields, "The configuration of a mailrail node");

/* Without a word about it, workers stay off the first cores, where the kernel is busiest. */
static int set_default_cores(struct config_workers *workers)
{
	cpu_set_t allowed;
	uint32_t last = 0;

	if (workers->core_count > 0)
		return 0;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -errno;
	for (uint32_t core = 0; core < CPU_SETSIZE; core++)
		if (CPU_ISSET(core, &allowed))
			last = core;
	workers->cores = malloc(sizeof(*workers->cores));
	if (!workers->cores)
		return -ENOMEM;
	workers->cores[0] = last;
	workers->core_count = 1;
	return 0;
}

/* A device that is none leaves its port as it is. */
static void derive_port(struct config_port *port)
{
	port->device_arguments = NULL;
	if (port->device)
		device_parse(port->device, &port->device_kind, &port->device_arguments);
	if (!port->twin_given)
		port->twin = port->device_arguments && !device_is_interface(port->device_kind);
}

void config_derive(struct config *config)
{
	for (uint32_t i = 0; i < config->port_count; i++)
		derive_port(&config->ports[i]);
	for (uint32_t i = 0; i < config->pool_count; i++) {
		if (!config->pools[i].tunnel.port_given)
			config->pools[i].tunnel.port = CONFIG_GUE_PORT;
	}
}

struct config *config_decode(const json_t *json, struct field_errors *errors)
{
	struct config *config = malloc(sizeof(*config));
	bool ok;

	if (!config) {
		field_errors_add(errors, NULL, "out of memory");
		return NULL;
	}
	ok = shape_decode(&config_shape, json, NULL, config, errors);
	if (json_is_object(json)) {
		config_derive(config);
		ok &= config_check(config, errors);
	}
	/* The default of an absent list; a refused list keeps its error. */
	if (ok && set_default_cores(&config->workers) < 0) {
		field_errors_add(errors, NULL, "out of memory");
		ok = false;
	}
	if (!ok) {
		config_free(config);
		return NULL;
	}
	return config;
}

json_t *config_encode(const struct config *config)
{
	return shape_encode(&config_shape, config, SHAPE_PLAIN);
}

struct config *config_copy(const struct config *config)
{
	struct config *copy = malloc(sizeof(*copy));

	if (!copy || shape_copy(&config_shape, config, copy) < 0) {
		free(copy);
		return NULL;
	}
	config_derive(copy);
	return copy;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	shape_fini(&config_shape, config);
	free(config);
}

json_t *config_schema(void)
{
	json_t *schema = shape_schema(&config_shape, FIELD_SCHEMA_PLAIN);
	json_t *head =
		json_pack("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema",
			  "title", "mailrail configuration");

	if (json_object_update(head, schema) < 0) {
		json_decref(head);
		head = NULL;
	}
	json_decref(schema);
	return head;
}

uint64_t config_count_endpoints(const struct config *config)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++)
		count += (uint64_t)config->services[i].address_count *
			 config->services[i].port_count;
	return count;
}

const struct mr_addr *config_service_address(const struct config_service *service,
					     const struct mr_addr *like)
{
	for (uint32_t i = 0; i < service->address_count; i++)
		if (mr_addr_is_v4(&service->addresses[i]) == mr_addr_is_v4(like))
			return &service->addresses[i];
	return NULL;
}

int config_find_service(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int config_find_pool(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->pool_count; i++)
		if (strcmp(config->pools[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

int config_find_backend(const struct config_pool *pool, const char *name)
{
	for (uint32_t i = 0; i < pool->backend_count; i++)
		if (strcmp(pool->backends[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}
