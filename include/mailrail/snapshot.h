/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot: the compiled, immutable form of configuration and health that workers read.
 * The control thread builds it and publishes it (mailrail/dataplane.h); from then on nobody
 * writes to it, except the slots' @unknown_s stamps, which are the workers' notes.
 */
#ifndef MAILRAIL_SNAPSHOT_H
#define MAILRAIL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <mailrail/address.h>
#include <mailrail/limits.h>
#include <mailrail/session.h>

/*
 * Ids are stable: a backend (or service) keeps its id from snapshot to snapshot until it is
 * gone for good, because pins and counters name it by id.
 */
typedef uint16_t mr_backend_id;
typedef uint16_t mr_service_id;

#define MR_BACKEND_NONE ((mr_backend_id)0x7fff)

/*
 * One slot of a pool's table, in one word: bits 0..15 current, 16..30 base, 31 moving.
 * Steady (moving = 0): every session goes to current, and base equals current.
 * Moving: a SYN goes to current and is pinned, an unknown session goes to base.
 */
typedef uint32_t mr_slot;

static inline mr_slot mr_slot_make(mr_backend_id current, mr_backend_id base, bool moving)
{
	return (uint32_t)current | (uint32_t)base << 16 | (uint32_t)moving << 31;
}

static inline mr_backend_id mr_slot_current(mr_slot slot)
{
	return slot & 0x7fff;
}

static inline mr_backend_id mr_slot_base(mr_slot slot)
{
	return slot >> 16 & 0x7fff;
}

static inline bool mr_slot_moving(mr_slot slot)
{
	return slot >> 31;
}

/*
 * A pool's slots. Shared by every snapshot in which the table did not change: counted
 * references, taken and dropped by the control thread only.
 */
struct mr_slots {
	uint32_t references;
	uint32_t size;
	/*
	 * Per slot, mr_clock_s() when a moving slot last met a session it did not know. Workers
	 * store with relaxed atomics. Belongs to the pool, outlives this table: see
	 * mr_slots_create().
	 */
	uint32_t *unknown_s;
	mr_slot words[];
};

/* How packets reach a backend. */
enum mr_forwarding {
	MR_FORWARDING_L2DSR, /* rewrite the Ethernet addresses, nothing else */
};

struct mr_backend {
	bool alive;	   /* may keep the sessions it has; false: down or disabled */
	bool next_hop_set; /* @next_hop and @port are known */
	uint8_t port;	   /* index of the port to send on */
	uint8_t forwarding;
	struct rte_ether_addr next_hop;
};

struct mr_pool {
	struct mr_slots *slots;
};

enum mr_exclude_action {
	MR_EXCLUDE_REJECT, /* answer with a TCP RST */
	MR_EXCLUDE_DROP,
};

/* An inclusive range of addresses. */
struct mr_range {
	struct mr_addr first;
	struct mr_addr last;
};

struct mr_service {
	uint16_t pool; /* index into pools[] */
	uint8_t exclude_action;
	uint32_t exclude_count;
	const struct mr_range *exclude; /* sorted, disjoint; owned by the snapshot */
};

/* Where a service listens. */
struct mr_endpoint {
	struct mr_addr address;
	rte_be16_t port;
	mr_service_id service;
};

struct mr_snapshot {
	uint64_t generation;
	struct mr_hash_key hash_key;

	struct mr_service *services; /* by mr_service_id; ids without a service are unused */
	uint32_t service_capacity;
	struct mr_pool *pools;
	uint32_t pool_count;
	struct mr_backend *backends; /* by mr_backend_id */
	uint32_t backend_capacity;

	/* Open addressing over (address, port); an entry with port 0 is free. */
	struct mr_endpoint *endpoints;
	uint32_t endpoint_mask; /* entries - 1, entries a power of two */

	struct mr_addr probe_sources[MR_PROBE_SOURCES_MAX];
	uint32_t probe_source_count;
};

struct mr_snapshot_sizes {
	uint32_t service_capacity; /* highest id + 1 */
	uint32_t pool_count;
	uint32_t backend_capacity; /* highest id + 1 */
	uint32_t endpoint_count;
};

/*
 * Control thread. All arrays zeroed, freed with the snapshot.
 * NULL when there is no memory.
 */
struct mr_snapshot *mr_snapshot_create(const struct mr_snapshot_sizes *sizes);
/* Frees an unpublished snapshot and drops its references to slots. */
void mr_snapshot_destroy(struct mr_snapshot *snapshot);

/* Copies @ranges into @service. -ENOMEM leaves it without. */
int mr_snapshot_set_exclude(struct mr_service *service, const struct mr_range *ranges,
			    uint32_t count);
/*
 * Adds to endpoints[]; -EEXIST when (address, port) is taken already. A lookup of port 0 finds
 * nothing.
 */
int mr_snapshot_add_endpoint(struct mr_snapshot *snapshot, const struct mr_endpoint *endpoint);
/* NULL: no service there. Any thread. */
const struct mr_endpoint *mr_snapshot_find_endpoint(const struct mr_snapshot *snapshot,
						    const struct mr_addr *address, rte_be16_t port);

/*
 * A table of @size slots with one reference, words all 0. With @previous (same size) it
 * shares that table's @unknown_s, else it gets a new one, zeroed.
 */
struct mr_slots *mr_slots_create(uint32_t size, struct mr_slots *previous);
struct mr_slots *mr_slots_get(struct mr_slots *slots);
void mr_slots_put(struct mr_slots *slots);

#endif
