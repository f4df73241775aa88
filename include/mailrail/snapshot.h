/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The snapshot: the compiled, immutable form of configuration and health that workers read.
 * The control thread builds it and publishes it (mailrail/dataplane.h); from then on nobody
 * writes to it, except the notes about slots (mailrail/slots.h).
 */
#ifndef MAILRAIL_SNAPSHOT_H
#define MAILRAIL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <mailrail/access_list.h>
#include <mailrail/address.h>
#include <mailrail/limits.h>
#include <mailrail/session.h>
#include <mailrail/slots.h>

/*
 * Stable: a service keeps its id from snapshot to snapshot until it is gone for good, because
 * counters name it by id.
 */
typedef uint16_t mr_service_id;

/* How packets reach a backend. */
enum mr_forwarding {
	MR_FORWARDING_L2DSR, /* rewrite the Ethernet addresses, nothing else */
	MR_FORWARDING_IPIP,  /* IP in IP: RFC 2003 (4in4), RFC 2473 (in IPv6), RFC 4213 (6in4) */
	MR_FORWARDING_GUE,   /* Generic UDP Encapsulation, variant 1 (draft-ietf-intarea-gue-09) */
	MR_FORWARDING_NAT,   /* translate the destination, and the source of what comes back */
};

/* Ethernet header, two VLAN tags, IPv6 header, UDP header. */
#define MR_FRONT_BYTES_MAX 70
/* Of the longest copy that a front is written with: front_write() copies more than it needs. */
#define MR_FRONT_ROOM_BYTES 80

/*
 * What goes in front of an IP packet on its way to a backend: link header and, for tunnels,
 * outer headers, complete except for what differs from packet to packet. There the bytes are
 * zero: EtherType (l2dsr, nat), lengths, TOS or traffic class, IPv4 protocol and IPv6 next
 * header (ipip), the varied bits of the outer source, IPv4 checksum, flow label, UDP source port.
 */
struct mr_front {
	uint8_t room[MR_FRONT_ROOM_BYTES]; /* at its end the front: mr_front_bytes() */
	uint8_t link_bytes;		   /* Ethernet header with the port's tags */
	uint8_t outer_bytes;		   /* 0: no tunnel */
	bool outer_v6;
	uint8_t source_bits; /* how many low bits of the outer source vary by session */
	uint16_t outer_sum;  /* outer IPv4 header: one's complement sum of its words as they lie */
};

/* The first of @front's link_bytes + outer_bytes. */
static inline const uint8_t *mr_front_bytes(const struct mr_front *front)
{
	return &front->room[MR_FRONT_ROOM_BYTES - front->link_bytes - front->outer_bytes];
}

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

/* The end of the front and all behind it are one cache line: a packet without tunnel needs no
 * other. */
struct mr_backend {
	struct mr_front front;
	bool alive;   /* may keep the sessions it has; false: down or disabled */
	bool way_set; /* next hop known: @port, the largest packets and @front are set */
	uint8_t port; /* index of the port to send on */
	uint8_t forwarding;
	uint16_t packet_max_bytes; /* largest IP packet that arrives whole, without outer headers */
	uint16_t plain_max_bytes;  /* the same, where the front is all it takes; 0: no packet */
	uint16_t mss_max_bytes;	   /* a SYN that offers more is lowered to this; 0: not touched */
	struct mr_addr address;
} __rte_cache_aligned;

struct mr_pool {
	struct mr_slots *slots;
	uint32_t changed_s; /* mr_clock_s() of the last change of its table */
};

enum mr_exclude_action {
	MR_EXCLUDE_REJECT, /* answer with a TCP RST */
	MR_EXCLUDE_DROP,
};

struct mr_service {
	uint16_t pool; /* index into pools[] */
	uint8_t exclude_action;
	struct mr_access_list *exclude; /* one reference; NULL: admits everybody */
};

/* Where a service listens. Never in two cache lines. */
struct mr_endpoint {
	struct mr_addr address;
	rte_be16_t port;
	mr_service_id service;
} __rte_aligned(32);

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

/*
 * Adds to endpoints[]; -EEXIST when (address, port) is taken already. A lookup of port 0 finds
 * nothing.
 */
int mr_snapshot_add_endpoint(struct mr_snapshot *snapshot, const struct mr_endpoint *endpoint);
/* Finalizer of MurmurHash3 over the three words; collisions only cost a longer probe. */
static inline uint32_t mr_place_hash(const struct mr_addr *address, rte_be16_t port)
{
	uint64_t words[2];
	uint64_t hash;

	memcpy(words, address->bytes, sizeof(words));
	hash = words[0] ^ words[1] ^ (uint64_t)port << 16;
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	return (uint32_t)hash;
}

static inline bool mr_endpoint_is(const struct mr_endpoint *endpoint, const struct mr_addr *address,
				  rte_be16_t port)
{
	uint64_t here[2], wanted[2];

	memcpy(here, endpoint->address.bytes, sizeof(here));
	memcpy(wanted, address->bytes, sizeof(wanted));
	return ((here[0] ^ wanted[0]) | (here[1] ^ wanted[1]) |
		(uint64_t)(endpoint->port ^ port)) == 0;
}

/* Where a lookup of (@address, @port) begins: an index into endpoints[]. */
static inline uint32_t mr_snapshot_endpoint_place(const struct mr_snapshot *snapshot,
						  const struct mr_addr *address, rte_be16_t port)
{
	return mr_place_hash(address, port) & snapshot->endpoint_mask;
}

/* The lookup from there on. NULL: no service there. Any thread. */
static inline const struct mr_endpoint *mr_snapshot_find_endpoint_from(
	const struct mr_snapshot *snapshot, uint32_t place, const struct mr_addr *address,
	rte_be16_t port)
{
	const struct mr_endpoint *endpoint = &snapshot->endpoints[place];

	while (!mr_endpoint_is(endpoint, address, port)) {
		if (endpoint->port == 0)
			return NULL;
		place = (place + 1) & snapshot->endpoint_mask;
		endpoint = &snapshot->endpoints[place];
	}
	return endpoint->port != 0 ? endpoint : NULL;
}

static inline const struct mr_endpoint *mr_snapshot_find_endpoint(
	const struct mr_snapshot *snapshot, const struct mr_addr *address, rte_be16_t port)
{
	const uint32_t place = mr_snapshot_endpoint_place(snapshot, address, port);

	return mr_snapshot_find_endpoint_from(snapshot, place, address, port);
}

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

#endif
