/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list args;

	fputs("world: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* Position of @text among @names, or a negative number after a complaint. */
static int read_choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	return complain("%s is not a choice", text);
}

static int read_mac(const char *text, struct rte_ether_addr *out)
{
	return rte_ether_unformat_addr(text, out) == 0 ? 0 : complain("%s is no MAC", text);
}

static int read_address(const char *text, struct mr_addr *out)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*out = mr_addr_from_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*out = mr_addr_from_v6(bytes);
	else
		return complain("%s is no address", text);
	return 0;
}

static int read_key(const char *text, struct mr_hash_key *out)
{
	uint8_t secret[MR_HASH_KEY_BYTES];

	if (strlen(text) != 2 * sizeof(secret))
		return complain("key is not %zu bytes long", sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++) {
		const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

		secret[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	mr_hash_key_init(out, secret);
	return 0;
}

/* Null stands for MR_BACKEND_NONE. */
static mr_backend_id read_backend_id(const json_t *value)
{
	return json_is_null(value) ? MR_BACKEND_NONE : (mr_backend_id)json_integer_value(value);
}

static void set_kernel_side(struct port *port, int kernel_side)
{
	port->has_kernel_side = kernel_side != 0;
	port->has_twin = kernel_side == 1;
	if (port->has_twin)
		port->kernel_mac = port->mac;
}

static int read_port(json_t *value, struct world *world, uint32_t index, const struct port *devices)
{
	static const char *const sides[] = {"none", "twin", "shared"};
	static const char *const kinds[] = {
		[MR_DEVICE_AF_XDP] = "af_xdp",
		[MR_DEVICE_AF_PACKET] = "af_packet",
		[MR_DEVICE_VDEV] = "vdev",
		[MR_DEVICE_PCI] = "pci",
	};
	struct port *port = &world->ports[index];
	const char *mac, *kind, *side;
	int device, frame_max, joins, kind_index, side_index;
	const json_t *tags;

	if (json_unpack(value, "{s:s s:s s:i s:o s:s s:i s:b !}", "mac", &mac, "kind", &kind,
			"device", &device, "tags", &tags, "kernel_side", &side, "kernel_frame_max",
			&frame_max, "joins_segments", &joins) < 0)
		return complain("ports/%u", index);
	kind_index = read_choice(kind, kinds, RTE_DIM(kinds));
	side_index = read_choice(side, sides, RTE_DIM(sides));
	if (kind_index < 0 || side_index < 0 || read_mac(mac, &port->mac) < 0)
		return -1;
	if (device < 0 || (uint32_t)device > index || json_array_size(tags) > RTE_DIM(port->tags))
		return complain("ports/%u: device or tags", index);
	port->ethdev = devices[device].ethdev;
	port->kernel_ethdev = devices[device].kernel_ethdev;
	port->kernel_frame_max_bytes = devices[device].kernel_frame_max_bytes;
	port->kind = (enum mr_device_kind)kind_index;
	port->kernel_frame_max_bytes = (uint16_t)frame_max;
	port->joins_segments = joins;
	port->tag_count = (uint8_t)json_array_size(tags);
	for (uint32_t i = 0; i < port->tag_count; i++)
		port->tags[i] = (uint16_t)json_integer_value(json_array_get(tags, i));
	heads_of(&port->mac, port->tags, port->tag_count, &port->heads);
	set_kernel_side(port, side_index);
	return 0;
}

/* Closes the circle of the ports that share a device: each names the next one. */
static void join_siblings(struct world *world)
{
	for (uint32_t i = 0; i < world->port_count; i++) {
		uint32_t next = i;

		do
			next = (next + 1) % world->port_count;
		while (world->ports[next].ethdev != world->ports[i].ethdev);
		world->ports[i].sibling = (uint8_t)next;
	}
}

static int read_ports(struct world *world, const json_t *ports, const char *kernel_mac,
		      const struct port *devices)
{
	json_t *value;
	size_t i;

	if (json_array_size(ports) > RIG_PORTS)
		return complain("more than %d ports", RIG_PORTS);
	world->port_count = (uint32_t)json_array_size(ports);
	json_array_foreach (ports, i, value) {
		struct port *port = &world->ports[i];

		*port = devices[i];
		if (read_mac(kernel_mac, &port->kernel_mac) < 0 ||
		    read_port(value, world, (uint32_t)i, devices) < 0)
			return -1;
	}
	join_siblings(world);
	return 0;
}

static int read_endpoints(struct mr_snapshot *snapshot, mr_service_id service,
			  const json_t *endpoints)
{
	json_t *value;
	size_t i;

	json_array_foreach (endpoints, i, value) {
		struct mr_endpoint endpoint = {.service = service};
		const char *address;
		int port;

		if (json_unpack(value, "[s, i !]", &address, &port) < 0 ||
		    read_address(address, &endpoint.address) < 0)
			return complain("services/%u/endpoints/%zu", service, i);
		endpoint.port = rte_cpu_to_be_16((uint16_t)port);
		if (mr_snapshot_add_endpoint(snapshot, &endpoint) < 0)
			return complain("services/%u/endpoints/%zu: taken", service, i);
	}
	return 0;
}

#define EXCLUDES_MAX 16

static int read_exclude(struct mr_service *service, const json_t *exclude)
{
	struct mr_range ranges[EXCLUDES_MAX];
	json_t *value;
	size_t i;

	if (json_array_size(exclude) > EXCLUDES_MAX)
		return complain("more than %d ranges", EXCLUDES_MAX);
	json_array_foreach (exclude, i, value) {
		const char *first, *last;

		if (json_unpack(value, "[s, s !]", &first, &last) < 0 ||
		    read_address(first, &ranges[i].first) < 0 ||
		    read_address(last, &ranges[i].last) < 0)
			return complain("exclude/%zu", i);
	}
	return mr_access_list_create(ranges, (uint32_t)json_array_size(exclude), &service->exclude);
}

static int read_services(struct mr_snapshot *snapshot, const json_t *services)
{
	json_t *value;
	size_t i;

	json_array_foreach (services, i, value) {
		struct mr_service *service = &snapshot->services[i];
		const json_t *endpoints, *exclude;
		int pool, reject;

		if (json_unpack(value, "{s:o s:i s:o s:b !}", "endpoints", &endpoints, "pool",
				&pool, "exclude", &exclude, "reject", &reject) < 0)
			return complain("services/%zu", i);
		service->pool = (uint16_t)pool;
		service->exclude_action = reject ? MR_EXCLUDE_REJECT : MR_EXCLUDE_DROP;
		if (read_endpoints(snapshot, (mr_service_id)i, endpoints) < 0 ||
		    read_exclude(service, exclude) < 0)
			return -1;
	}
	return 0;
}

static int read_pools(struct mr_snapshot *snapshot, const json_t *pools)
{
	json_t *slots, *slot;
	size_t i, j;

	json_array_foreach (pools, i, slots) {
		struct mr_slots *table = mr_slots_create((uint32_t)json_array_size(slots), NULL);

		if (table == NULL)
			return complain("no memory");
		snapshot->pools[i].slots = table;
		json_array_foreach (slots, j, slot) {
			const json_t *current, *base;
			int moving;

			if (json_unpack(slot, "[o, o, b !]", &current, &base, &moving) < 0)
				return complain("pools/%zu/%zu", i, j);
			table->words[j] = mr_slot_make(read_backend_id(current),
						       read_backend_id(base), moving);
		}
	}
	return 0;
}

static int read_way(json_t *value, const struct world *world, struct mr_backend *backend)
{
	const char *next_hop, *outer_source;
	int port, mtu, source_bits, gue_port;
	struct mr_way way = {0};

	if (json_unpack(value, "{s:i s:s s:i s:s s:i s:i !}", "port", &port, "next_hop", &next_hop,
			"mtu", &mtu, "outer_source", &outer_source, "source_bits", &source_bits,
			"gue_port", &gue_port) < 0 ||
	    port < 0 || (uint32_t)port >= world->port_count)
		return complain("way");
	if (read_mac(next_hop, &way.next_hop) < 0 ||
	    read_address(outer_source, &way.outer_source) < 0)
		return -1;
	way.port = (uint8_t)port;
	way.source_mac = world->ports[port].mac;
	way.tag_count = world->ports[port].tag_count;
	memcpy(way.tags, world->ports[port].tags, sizeof(way.tags));
	way.mtu_bytes = (uint16_t)mtu;
	way.source_bits = (uint8_t)source_bits;
	way.gue_port = (uint16_t)gue_port;
	return mr_backend_set_way(backend, &way) < 0 ? complain("way is too narrow") : 0;
}

static int read_backends(struct world *world, const json_t *backends)
{
	static const char *const modes[] = {
		[MR_FORWARDING_L2DSR] = "l2dsr",
		[MR_FORWARDING_IPIP] = "ipip",
		[MR_FORWARDING_GUE] = "gue",
		[MR_FORWARDING_NAT] = "nat",
	};
	json_t *value, *way;
	size_t i;

	json_array_foreach (backends, i, value) {
		struct mr_backend *backend = &world->snapshot->backends[i];
		const char *forwarding, *address;
		int alive, mss, mode;

		if (json_unpack(value, "{s:b s:s s:s s:i s:o !}", "alive", &alive, "forwarding",
				&forwarding, "address", &address, "mss", &mss, "way", &way) < 0)
			return complain("backends/%zu", i);
		mode = read_choice(forwarding, modes, RTE_DIM(modes));
		if (mode < 0 || read_address(address, &backend->address) < 0)
			return -1;
		backend->alive = alive;
		backend->forwarding = (uint8_t)mode;
		backend->mss_max_bytes = (uint16_t)mss;
		if (!json_is_null(way) && read_way(way, world, backend) < 0)
			return complain("backends/%zu", i);
	}
	return 0;
}

static int read_nat_sources(struct mr_snapshot *snapshot, const json_t *sources)
{
	json_t *value;
	size_t i;

	json_array_foreach (sources, i, value) {
		struct mr_nat_source source = {0};
		const char *address, *service_address;
		int port, service, backend;

		if (json_unpack(value, "{s:s s:i s:s s:i s:i !}", "address", &address, "port",
				&port, "service_address", &service_address, "service", &service,
				"backend", &backend) < 0 ||
		    read_address(address, &source.address) < 0 ||
		    read_address(service_address, &source.service_address) < 0)
			return complain("nat_sources/%zu", i);
		source.port = rte_cpu_to_be_16((uint16_t)port);
		source.service = (mr_service_id)service;
		source.backend = (mr_backend_id)backend;
		if (mr_snapshot_add_nat_source(snapshot, &source) < 0)
			return complain("nat_sources/%zu: taken", i);
	}
	return 0;
}

static int read_probes(struct world *world, const json_t *sources, const json_t *probes)
{
	struct mr_snapshot *snapshot = world->snapshot;
	json_t *value;
	size_t i;

	for (i = 0; i < RTE_DIM(world->probe_backends); i++)
		atomic_init(&world->probe_backends[i], MR_BACKEND_NONE);
	if (json_array_size(sources) > MR_PROBE_SOURCES_MAX)
		return complain("more than %d probe sources", MR_PROBE_SOURCES_MAX);
	json_array_foreach (sources, i, value) {
		struct mr_addr *source = &snapshot->probe_sources[snapshot->probe_source_count++];

		if (!json_is_string(value) || read_address(json_string_value(value), source) < 0)
			return complain("probe_sources/%zu", i);
	}
	json_array_foreach (probes, i, value) {
		int port, backend;

		if (json_unpack(value, "[i, i !]", &port, &backend) < 0)
			return complain("probes/%zu", i);
		atomic_init(&world->probe_backends[(uint16_t)port], (mr_backend_id)backend);
	}
	return 0;
}

/* What a world says, still as JSON. */
struct world_text {
	const char *key, *probe_mac, *kernel_mac;
	const json_t *ports, *services, *pools, *backends, *nat_sources, *probe_sources, *probes;
};

static int unpack(const json_t *json, struct world_text *out)
{
	json_error_t error;

	if (json_unpack_ex((json_t *)(uintptr_t)json, &error, 0,
			   "{s:s s:s s:s s:o s:o s:o s:o s:o s:o s:o !}", "key", &out->key,
			   "probe_mac", &out->probe_mac, "kernel_mac", &out->kernel_mac, "ports",
			   &out->ports, "services", &out->services, "pools", &out->pools,
			   "backends", &out->backends, "nat_sources", &out->nat_sources,
			   "probe_sources", &out->probe_sources, "probes", &out->probes) < 0)
		return complain("%s", error.text);
	return 0;
}

static uint32_t count_endpoints(const json_t *services)
{
	size_t count = 0, i;
	json_t *value;

	json_array_foreach (services, i, value)
		count += json_array_size(json_object_get(value, "endpoints"));
	return (uint32_t)count;
}

static struct mr_snapshot *snapshot_for(const struct world_text *text)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = (uint32_t)json_array_size(text->services),
		.pool_count = (uint32_t)json_array_size(text->pools),
		.backend_capacity = (uint32_t)json_array_size(text->backends),
		.endpoint_count = count_endpoints(text->services),
		.nat_source_count = (uint32_t)json_array_size(text->nat_sources),
	};

	return mr_snapshot_create(&sizes);
}

static int world_read(struct world *world, const struct world_text *text,
		      const struct port *devices)
{
	if (read_mac(text->probe_mac, &world->probe_mac) < 0 ||
	    read_ports(world, text->ports, text->kernel_mac, devices) < 0 ||
	    read_key(text->key, &world->snapshot->hash_key) < 0 ||
	    read_services(world->snapshot, text->services) < 0 ||
	    read_pools(world->snapshot, text->pools) < 0 ||
	    read_backends(world, text->backends) < 0 ||
	    read_nat_sources(world->snapshot, text->nat_sources) < 0)
		return -1;
	return read_probes(world, text->probe_sources, text->probes);
}

struct world *world_create(const json_t *json, const struct port *devices)
{
	struct world *world = calloc(1, sizeof(*world));
	struct world_text text;

	if (world == NULL || unpack(json, &text) < 0) {
		free(world);
		return NULL;
	}
	world->snapshot = snapshot_for(&text);
	if (world->snapshot != NULL && world_read(world, &text, devices) == 0)
		return world;
	world_destroy(world);
	return NULL;
}

void world_destroy(struct world *world)
{
	if (world == NULL)
		return;
	mr_snapshot_destroy(world->snapshot);
	free(world);
}

void world_enter(const struct world *world, struct rig *rig)
{
	struct worker *worker = &rig->worker;

	worker->ports = world->ports;
	worker->port_count = world->port_count;
	worker->probe_mac = world->probe_mac;
	worker->probe_backends = world->probe_backends;
}
