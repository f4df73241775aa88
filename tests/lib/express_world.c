/* SPDX-License-Identifier: BSD-3-Clause */
#include "express_world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_SIZE	   251
#define WIDE_MTU_BYTES	   9000
#define BACKENDS_PER_POOL  (EXPRESS_BACKENDS / EXPRESS_POOLS)
#define ENDPOINTS	   (4 * EXPRESS_SERVICES + 1)
#define WAY_TAGS_MAX	   2
#define FORWARDING_MODES   4
#define SOURCE_BITS_MAX_V4 16
#define SOURCE_BITS_MAX_V6 64

uint32_t express_chance(uint32_t count)
{
	return (uint32_t)lrand48() % count;
}

struct mr_addr express_service_address(mr_service_id service, bool v4)
{
	char text[MR_ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), v4 ? "10.0.0.%u" : "2001:db8::%x", 10u + service);
	return frame_addr(text);
}

/* Which port each one has as its leader, and tags that no two of them share. */
static void set_devices(struct express_world *world)
{
	static const uint8_t leaders[][RIG_PORTS] = {{0, 0, 0, 3}, {0, 1, 2, 3}, {0, 0, 2, 2}};
	static const struct {
		uint8_t count;
		uint16_t ids[2];
	} tags[] = {
		{0, {0, 0}},   {1, {100, 0}},	{2, {200, 100}},
		{1, {101, 0}}, {2, {100, 200}}, {2, {200, 101}},
	};
	const uint32_t layout = express_chance(RTE_DIM(leaders));
	const uint32_t first_tags = express_chance(RTE_DIM(tags));

	memcpy(world->leaders, leaders[layout], sizeof(world->leaders));
	for (uint32_t i = 0; i < RIG_PORTS; i++) {
		struct port *port = &world->ports[i];
		const uint32_t own = (first_tags + i) % RTE_DIM(tags);

		port->tag_count = tags[own].count;
		memcpy(port->tags, tags[own].ids, sizeof(port->tags));
	}
}

/* Ports on one device have one station; each names the next one. */
static void join_siblings(struct express_world *world)
{
	for (uint32_t i = 0; i < RIG_PORTS; i++) {
		const struct port *leader = &world->ports[world->leaders[i]];
		uint32_t next = i;

		do
			next = (next + 1) % RIG_PORTS;
		while (world->leaders[next] != world->leaders[i]);
		world->ports[i].sibling = (uint8_t)next;
		world->ports[i].mac = leader->mac;
		world->ports[i].ethdev = leader->ethdev;
		world->ports[i].kind = leader->kind;
		world->ports[i].joins_segments = leader->joins_segments;
	}
}

static void make_ports(struct express_world *world, const struct rig *rig)
{
	static const enum mr_device_kind kinds[] = {MR_DEVICE_VDEV, MR_DEVICE_AF_PACKET,
						    MR_DEVICE_AF_XDP};

	for (uint32_t i = 0; i < RIG_PORTS; i++) {
		struct port *port = &world->ports[i];

		*port = rig->ports[i];
		port->kind = kinds[express_chance(RTE_DIM(kinds))];
		port->has_kernel_side = express_chance(2) == 0;
		port->has_twin = port->has_kernel_side && express_chance(2) == 0;
		port->joins_segments = express_chance(2) == 0;
	}
	set_devices(world);
	join_siblings(world);
	for (uint32_t i = 0; i < RIG_PORTS; i++) {
		struct port *port = &world->ports[i];

		heads_of(&port->mac, port->tags, port->tag_count, &port->heads);
	}
}

static void add_endpoint(struct mr_snapshot *snapshot, struct mr_addr address, uint16_t port,
			 mr_service_id service)
{
	const struct mr_endpoint endpoint = {address, rte_cpu_to_be_16(port), service};
	const int rc = mr_snapshot_add_endpoint(snapshot, &endpoint);

	assert(rc == 0);
	(void)rc;
}

/* A quarter of all clients (tests/lib/express_frames.c), of both families. */
static void exclude(struct mr_service *service)
{
	const struct mr_range ranges[] = {
		{frame_addr("198.18.0.0"), frame_addr("198.18.63.255")},
		{frame_addr("2001:db8:c::"), frame_addr("2001:db8:c:3fff:ffff:ffff:ffff:ffff")},
	};

	if (mr_access_list_create(ranges, RTE_DIM(ranges), &service->exclude) != 0)
		abort();
}

static void make_services(struct mr_snapshot *snapshot, enum express_world_kind kind)
{
	for (mr_service_id id = 0; id < EXPRESS_SERVICES; id++) {
		struct mr_service *service = &snapshot->services[id];
		const mr_service_id other = (id + 1) % EXPRESS_SERVICES;

		service->pool = id % EXPRESS_POOLS;
		service->exclude_action =
			express_chance(2) == 0 ? MR_EXCLUDE_REJECT : MR_EXCLUDE_DROP;
		if (kind != EXPRESS_WORLD_PLAIN && express_chance(2) == 0)
			exclude(service);
		for (uint32_t v4 = 0; v4 <= 1; v4++) {
			add_endpoint(snapshot, express_service_address(id, v4), EXPRESS_PORT, id);
			add_endpoint(snapshot, express_service_address(id, v4), EXPRESS_OTHER_PORT,
				     other);
		}
	}
	/* An address that begins as IPv4's own form does. */
	add_endpoint(snapshot, frame_addr("::7"), EXPRESS_PORT, 0);
}

static uint16_t random_mtu_bytes(enum express_world_kind kind)
{
	static const uint16_t mtus[] = {68, 300, 600, 1280, 1400, 1500, 1500, WIDE_MTU_BYTES};

	return kind == EXPRESS_WORLD_PLAIN ? WIDE_MTU_BYTES : mtus[express_chance(RTE_DIM(mtus))];
}

/* A backend may stay without: half of the narrow ones are too narrow for what they tunnel. */
static void find_way(struct express_world *world, struct mr_backend *backend, mr_backend_id id,
		     enum express_world_kind kind)
{
	const bool v4 = mr_addr_is_v4(&backend->address);
	const uint32_t bits_max = v4 ? SOURCE_BITS_MAX_V4 : SOURCE_BITS_MAX_V6;
	const uint8_t port = (uint8_t)express_chance(RIG_PORTS);
	const struct mr_way way = {
		.port = port,
		.source_mac = world->ports[port].mac,
		.next_hop = {{0x02, 0, 0, 0, 2, (uint8_t)id}},
		.tag_count = world->ports[port].tag_count,
		.tags = {world->ports[port].tags[0], world->ports[port].tags[1]},
		.mtu_bytes = random_mtu_bytes(kind),
		.outer_source = frame_addr(v4 ? "10.1.0.1" : "2001:db8:1::1"),
		.source_bits = (uint8_t)(express_chance(3) == 0 ? express_chance(bits_max + 1) : 0),
		.gue_port = 6080,
	};

	(void)mr_backend_set_way(backend, &way);
}

static void make_backend(struct express_world *world, mr_backend_id id,
			 enum express_world_kind kind)
{
	struct mr_backend *backend = &world->snapshot->backends[id];
	const uint32_t pool = id / BACKENDS_PER_POOL;
	const bool plain = kind == EXPRESS_WORLD_PLAIN;
	char text[MR_ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), id % 2 == 0 ? "10.1.0.%u" : "2001:db8:1::%x", 10u + id);
	backend->address = frame_addr(text);
	backend->forwarding =
		(uint8_t)(pool == EXPRESS_MIXED_POOL ? express_chance(FORWARDING_MODES) : pool);
	if (plain && pool == EXPRESS_MIXED_POOL && backend->forwarding == MR_FORWARDING_NAT)
		backend->forwarding = MR_FORWARDING_L2DSR;
	backend->alive = plain || express_chance(8) > 0;
	if (!plain && express_chance(4) == 0)
		backend->mss_max_bytes = (uint16_t)(500 + express_chance(1000));
	if (plain || express_chance(8) > 0)
		find_way(world, backend, id, kind);
}

/* What nat backends send belongs to the first service of their pool. */
static void add_nat_source(struct mr_snapshot *snapshot, mr_backend_id id)
{
	const struct mr_backend *backend = &snapshot->backends[id];
	const mr_service_id service = id / BACKENDS_PER_POOL;
	const struct mr_nat_source source = {
		.address = backend->address,
		.port = RTE_BE16(EXPRESS_PORT),
		.service_address =
			express_service_address(service, mr_addr_is_v4(&backend->address)),
		.service = service,
		.backend = id,
	};

	if (mr_snapshot_add_nat_source(snapshot, &source) != 0)
		abort();
}

static mr_backend_id random_backend(uint32_t pool)
{
	return (mr_backend_id)(pool * BACKENDS_PER_POOL + express_chance(BACKENDS_PER_POOL));
}

static mr_slot random_word(uint32_t pool, enum express_world_kind kind)
{
	const mr_backend_id current = random_backend(pool);
	uint32_t state = 0;

	if (kind == EXPRESS_WORLD_RANDOM)
		state = express_chance(20);
	else if (kind == EXPRESS_WORLD_MOVING)
		state = 13 + express_chance(6);
	switch (state) {
	case 19:
		return mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false);
	case 18:
		return mr_slot_make(current, MR_BACKEND_NONE, true);
	case 17:
		return mr_slot_make(MR_BACKEND_NONE, current, true);
	case 16:
		return mr_slot_make(current, current, true);
	case 15:
	case 14:
	case 13:
		return mr_slot_make(current, random_backend(pool), true);
	default:
		return mr_slot_make(current, current, false);
	}
}

static void make_pools(struct mr_snapshot *snapshot, enum express_world_kind kind)
{
	for (uint32_t pool = 0; pool < EXPRESS_POOLS; pool++) {
		struct mr_slots *slots = mr_slots_create(TABLE_SIZE - pool, NULL);

		if (slots == NULL)
			abort();
		for (uint32_t i = 0; i < slots->size; i++)
			slots->words[i] = random_word(pool, kind);
		snapshot->pools[pool].slots = slots;
		snapshot->pools[pool].changed_s = express_chance(MR_SYN_REPEAT_S);
	}
}

void express_world_create(struct express_world *world, const struct rig *rig,
			  enum express_world_kind kind)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = EXPRESS_SERVICES,
		.pool_count = EXPRESS_POOLS,
		.backend_capacity = EXPRESS_BACKENDS,
		.endpoint_count = ENDPOINTS,
		.nat_source_count = EXPRESS_BACKENDS,
	};
	uint8_t secret[MR_HASH_KEY_BYTES];

	*world = (struct express_world){.snapshot = mr_snapshot_create(&sizes)};
	if (world->snapshot == NULL)
		abort();
	for (uint32_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)express_chance(256);
	mr_hash_key_init(&world->snapshot->hash_key, secret);
	make_ports(world, rig);
	make_services(world->snapshot, kind);
	for (mr_backend_id id = 0; id < EXPRESS_BACKENDS; id++)
		make_backend(world, id, kind);
	for (mr_backend_id id = 0; id < EXPRESS_BACKENDS; id++) {
		if (world->snapshot->backends[id].forwarding == MR_FORWARDING_NAT)
			add_nat_source(world->snapshot, id);
	}
	make_pools(world->snapshot, kind);
	world->snapshot->probe_sources[world->snapshot->probe_source_count++] =
		frame_addr("10.2.0.9");
}

void express_world_destroy(struct express_world *world)
{
	mr_snapshot_destroy(world->snapshot);
	world->snapshot = NULL;
}
