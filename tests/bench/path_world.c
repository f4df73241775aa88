/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "maglev.h"
#include "path_traffic.h"
#include "pin_table.h"

#define MTU_BYTES 1500
#define GUE_PORT  6080

/* What is known without any pin, so that a table is there. */
#define PINS_MIN 1024

static const uint8_t key[MAGLEV_KEY_BYTES] = "bench of the way";

/* A nat pool has backends of one family. */
static uint32_t pools_per_service(const struct path_case *settings)
{
	return settings->mode == MR_FORWARDING_NAT ? path_family_count(settings) : 1;
}

static uint32_t pool_total(const struct path_case *settings)
{
	return settings->pools * pools_per_service(settings);
}

static bool backend_is_v4(const struct path_case *settings, uint32_t pool, uint32_t member)
{
	if (settings->family != PATH_MIXED)
		return path_has_v4(settings);
	return (settings->mode == MR_FORWARDING_NAT ? pool : member) % 2 == 0;
}

static struct mr_addr backend_address(bool v4, uint32_t id)
{
	const rte_be32_t number = rte_cpu_to_be_32(0x0a010000 + id);
	struct mr_addr addr = {.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 0xb}};

	if (v4)
		return mr_addr_from_v4(&number);
	memcpy(&addr.bytes[12], &number, sizeof(number));
	return addr;
}

static int fill_backend(struct mr_backend *backend, const struct path_case *settings, bool v4,
			uint32_t id)
{
	const struct mr_way way = {
		.port = PATH_TX_PORT,
		.source_mac = {{0x02, 0, 0, 0, 0, PATH_TX_PORT}},
		.next_hop = {{0x02, 0, 0, 0x0a, (uint8_t)(id >> 8), (uint8_t)id}},
		.mtu_bytes = MTU_BYTES,
		.outer_source = backend_address(v4, UINT16_MAX),
		.gue_port = GUE_PORT,
	};

	*backend = (struct mr_backend){
		.alive = true,
		.forwarding = settings->mode,
		.address = backend_address(v4, id),
	};
	return mr_backend_set_way(backend, &way);
}

/* Moving: every slot has another base than its current backend. */
static int fill_slots(struct mr_slots *slots, const struct path_case *settings, uint32_t first_id)
{
	struct maglev_backend *members = calloc(settings->backends, sizeof(*members));
	uint16_t *table = calloc(slots->size, sizeof(*table));
	int rc = -ENOMEM;

	for (uint32_t i = 0; members != NULL && i < settings->backends; i++) {
		char name[MR_NAME_MAX];

		snprintf(name, sizeof(name), "backend%u", first_id + i);
		members[i] = (struct maglev_backend){.weight = 100, .value = (uint16_t)i};
		maglev_place_of(key, name, &members[i].place);
	}
	if (members != NULL && table != NULL)
		rc = maglev_build(members, settings->backends, slots->size, table);
	for (uint32_t i = 0; rc == 0 && i < slots->size; i++) {
		const bool moving = settings->slots != PATH_STEADY;
		const uint32_t base = (table[i] + moving) % settings->backends;

		slots->words[i] = mr_slot_make((mr_backend_id)(first_id + table[i]),
					       (mr_backend_id)(first_id + base), moving);
	}
	free(members);
	free(table);
	return rc;
}

static int fill_pool(struct mr_snapshot *snapshot, const struct path_case *settings, uint32_t index)
{
	const uint32_t first_id = index * settings->backends;
	struct mr_slots *slots = mr_slots_create(PATH_TABLE_SIZE, NULL);
	int rc = 0;

	if (slots == NULL)
		return -ENOMEM;
	snapshot->pools[index].slots = slots;
	for (uint32_t i = 0; rc == 0 && i < settings->backends; i++)
		rc = fill_backend(&snapshot->backends[first_id + i], settings,
				  backend_is_v4(settings, index, i), first_id + i);
	return rc == 0 ? fill_slots(slots, settings, first_id) : rc;
}

static int fill_exclude(struct mr_service *service, const struct path_case *settings)
{
	struct mr_range *ranges = calloc(settings->excluded, sizeof(*ranges));
	int rc;

	if (ranges == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < settings->excluded; i++)
		ranges[i] = path_excluded_range(path_has_v4(settings), i, settings->excluded);
	rc = mr_access_list_create(ranges, settings->excluded, &service->exclude);
	free(ranges);
	return rc;
}

/* Each family is a service of its own, as in nat it must be. */
static int fill_services(struct mr_snapshot *snapshot, const struct path_case *settings)
{
	const uint32_t families = path_family_count(settings);
	const uint32_t share = pools_per_service(settings);
	int rc = 0;

	for (uint32_t id = 0; rc == 0 && id < settings->services * families; id++) {
		const bool v4 =
			settings->family == PATH_MIXED ? id % 2 == 0 : path_has_v4(settings);
		const uint32_t number = id / families;
		const struct mr_endpoint endpoint = {
			.address = path_service_address(v4, number),
			.port = RTE_BE16(PATH_SERVICE_PORT),
			.service = (mr_service_id)id,
		};

		snapshot->services[id].pool =
			(uint16_t)(number % settings->pools * share + id % share);
		rc = mr_snapshot_add_endpoint(snapshot, &endpoint);
		if (rc == 0 && settings->excluded > 0)
			rc = fill_exclude(&snapshot->services[id], settings);
	}
	return rc;
}

static struct mr_snapshot *snapshot_of(const struct path_case *settings)
{
	const uint32_t services = settings->services * path_family_count(settings);
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = services,
		.pool_count = pool_total(settings),
		.backend_capacity = pool_total(settings) * settings->backends,
		.endpoint_count = services,
	};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);
	int rc = 0;

	if (snapshot == NULL)
		return NULL;
	mr_hash_key_init(&snapshot->hash_key, key);
	for (uint32_t i = 0; rc == 0 && i < sizes.pool_count; i++)
		rc = fill_pool(snapshot, settings, i);
	if (rc == 0)
		rc = fill_services(snapshot, settings);
	if (rc == 0)
		return snapshot;
	mr_snapshot_destroy(snapshot);
	return NULL;
}

/* Each session of before the change, where it was: at its slot's base. */
static void pin_sessions(struct path_world *world, const struct path_case *settings)
{
	const struct mr_slots *slots = world->snapshot->pools[0].slots;

	for (uint32_t i = 0; i < settings->sessions; i++) {
		const struct mr_tuple tuple = path_tuple(settings, i);
		const uint64_t hash = mr_session_hash(&world->snapshot->hash_key, &tuple);
		const mr_slot word = slots->words[mr_session_slot(hash, slots->size)];
		const struct mr_pin pin = {mr_slot_base(word), MR_PIN_ESTABLISHED, PATH_SEEN_S};

		pin_table_add(world->pins, hash, &pin);
	}
}

int path_world_init(struct path_world *world, const struct path_case *settings)
{
	const bool pinned = settings->slots != PATH_STEADY;
	/* As many again are for those that are adopted, so that no bucket is full by chance. */
	const uint32_t budget = pinned ? 2 * settings->sessions : PINS_MIN;

	world->snapshot = snapshot_of(settings);
	if (world->snapshot == NULL)
		return -ENOMEM;
	world->pins = mr_pin_table_create(budget);
	if (world->pins == NULL) {
		mr_snapshot_destroy(world->snapshot);
		return -ENOMEM;
	}
	if (pinned)
		pin_sessions(world, settings);
	return 0;
}

void path_world_fini(struct path_world *world)
{
	mr_pin_table_destroy(world->pins);
	mr_snapshot_destroy(world->snapshot);
}

static bool keep_first(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash;
	return pin->seen_s == PATH_SEEN_S;
}

void path_world_restore_pins(struct path_world *world)
{
	uint32_t cursor = 0;

	mr_pin_table_sweep(world->pins, &cursor, UINT32_MAX, keep_first, NULL);
}
