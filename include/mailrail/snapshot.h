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
	/*
	 * Per slot, mr_clock_s() since which a moving slot has its base. Control thread only;
	 * as old as @unknown_s.
	 */
	uint32_t *moving_since_s;
	mr_slot words[];
};

/* How packets reach a backend. */
enum mr_forwarding {
	MR_FORWARDING_L2DSR, /* rewrite the Ethernet addresses, nothing else */
	MR_FORWARDING_IPIP,  /* IP in IP: RFC 2003 (4in4), RFC 2473 (in IPv6), RFC 4213 (6in4) */
	MR_FORWARDING_GUE,   /* Generic UDP Encapsulation, variant 1 (draft-ietf-intarea-gue-09) */
	MR_FORWARDING_NAT,   /* translate the destination, and the source of what comes back */
};

/* Ethernet header, two VLAN tags, IPv6 header, UDP header. */
#define MR_FRONT_BYTES_MAX 70

/*
 * What goes in front of an IP packet on its way to a backend: link header and, for tunnels,
 * outer headers, complete except for what differs from packet to packet. There the bytes are
 * zero: EtherType (l2dsr, nat), lengths, TOS or traffic class, IPv4 protocol and IPv6 next
 * header (ipip), the varied bits of the outer source, IPv4 checksum, flow label, UDP source port.
 */
struct mr_front {
	uint8_t link_bytes;  /* Ethernet header with the port's tags */
	uint8_t outer_bytes; /* 0: no tunnel */
	bool outer_v6;
	uint8_t source_bits; /* how many low bits of the outer source vary by session */
	uint16_t outer_sum;  /* outer IPv4 header: one's complement sum of its words as they lie */
	uint8_t bytes[MR_FRONT_BYTES_MAX];
};

/* From what a backend's front is made. */
struct mr_way {
	uint8_t port; /* index of the port to send on */
	struct rte_ether_addr source_mac;
	struct rte_ether_addr next_hop;
	uint8_t tag_count;
	uint16_t tags[2];	     /* VLAN ids, outermost first, host byte order */
	uint16_t mtu_bytes;	     /* largest IP packet that gets there, outer headers included */
	struct mr_addr outer_source; /* tunnels; of the backend's family */
	uint8_t source_bits;	     /* low bits of @outer_source that vary by session */
	uint16_t gue_port;	     /* UDP destination port, host byte order */
};

struct mr_backend {
	bool alive;   /* may keep the sessions it has; false: down or disabled */
	bool way_set; /* next hop known: @port, @packet_max_bytes and @front are set */
	uint8_t port; /* index of the port to send on */
	uint8_t forwarding;
	uint16_t packet_max_bytes; /* largest IP packet that arrives whole, without outer headers */
	uint16_t mss_max_bytes;	   /* a SYN that offers more is lowered to this; 0: not touched */
	struct mr_addr address;
	struct mr_front front;
};

struct mr_pool {
	struct mr_slots *slots;
	uint32_t changed_s; /* mr_clock_s() of the last change of its table */
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

/* nat: what comes from here belongs to a session, and goes on under the service's address. */
struct mr_nat_source {
	struct mr_addr address; /* a backend's, of the service's family */
	rte_be16_t port;	/* both a backend's and its service's */
	struct mr_addr service_address;
	mr_service_id service;
	mr_backend_id backend;
};

/* An entry with neither is free. */
struct mr_known_address {
	struct mr_addr address;
	bool has_endpoint;
	bool has_nat_source;
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
	/* Likewise. */
	struct mr_nat_source *nat_sources;
	uint32_t nat_source_mask;
	/* Every address of the two, each once; for fragments, whose ports are not known. */
	struct mr_known_address *addresses;
	uint32_t address_mask;

	struct mr_addr probe_sources[MR_PROBE_SOURCES_MAX];
	uint32_t probe_source_count;
};

struct mr_snapshot_sizes {
	uint32_t service_capacity; /* highest id + 1 */
	uint32_t pool_count;
	uint32_t backend_capacity; /* highest id + 1 */
	uint32_t endpoint_count;
	uint32_t nat_source_count;
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

/* Adds to nat_sources[]; -EEXIST when (address, port) is taken already. */
int mr_snapshot_add_nat_source(struct mr_snapshot *snapshot, const struct mr_nat_source *source);
/* NULL: no nat backend has it. Any thread. */
const struct mr_nat_source *mr_snapshot_find_nat_source(const struct mr_snapshot *snapshot,
							const struct mr_addr *address,
							rte_be16_t port);
/*
 * Can a packet from @source to @destination, of which nothing else is known, be a service's? It
 * goes to an endpoint's address, or comes from a nat source's. Any thread.
 */
bool mr_snapshot_knows_addresses(const struct mr_snapshot *snapshot, const struct mr_addr *source,
				 const struct mr_addr *destination);

/*
 * Sets the fields of @backend that follow from the way to it: way_set, port, packet_max_bytes
 * and front. @backend's address and forwarding are set already. A way too narrow for the outer
 * headers and the smallest packet that IP promises to carry (68 bytes, RFC 791; 1280, RFC 8200)
 * is none: -EMSGSIZE, and way_set stays false.
 */
int mr_backend_set_way(struct mr_backend *backend, const struct mr_way *way);

/*
 * A table of @size slots with one reference, words all 0. With @previous (same size) it
 * shares that table's @unknown_s and @moving_since_s, else it gets new ones, zeroed.
 */
struct mr_slots *mr_slots_create(uint32_t size, struct mr_slots *previous);
struct mr_slots *mr_slots_get(struct mr_slots *slots);
void mr_slots_put(struct mr_slots *slots);

#endif
