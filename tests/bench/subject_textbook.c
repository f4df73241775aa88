/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject_textbook.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_tcp.h>

#include "path_traffic.h"
#include "path_world.h"

#define FLOOD_CAPACITY (4U << 20)

/* Of rte_hash: key and data, its share of a bucket, a free slot; and the connection. */
#define BYTES_PER_CONNECTION 64

/* The 5-tuple without its protocol, which is TCP. */
struct key {
	rte_be32_t client;
	rte_be32_t service;
	rte_be16_t client_port;
	rte_be16_t service_port;
	uint32_t padding;
};

struct connection {
	uint32_t seen_s; /* a table that forgets nobody would be full one day */
	mr_backend_id backend;
};

struct textbook {
	struct rig *rig;
	const struct mr_snapshot *snapshot;
	struct rte_hash *table;
	struct connection *connections; /* by position in the table */
	uint32_t capacity;
	uint32_t connection_count;
	struct mr_flow_counters *counters; /* by backend */
	uint64_t forwarded;

	/* The burst. */
	uint32_t count;
	struct rte_mbuf *mbufs[BURST_SIZE];
	struct key keys[BURST_SIZE];
	mr_backend_id backends[BURST_SIZE];
};

static uint32_t capacity_of(const struct path_case *settings)
{
	return settings->is_flood ? FLOOD_CAPACITY : settings->sessions / 4 * 5;
}

uint64_t textbook_memory_bytes(const struct path_case *settings)
{
	return (uint64_t)rte_align32pow2(capacity_of(settings)) * BYTES_PER_CONNECTION;
}

static void run_receive(void *self)
{
	struct textbook *textbook = self;
	struct rte_mbuf **mbufs = textbook->mbufs;

	textbook->count = rte_eth_rx_burst(textbook->rig->ports[0].ethdev, 0, mbufs, BURST_SIZE);
	for (uint32_t i = 0; i < textbook->count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
}

/* False: it is no TCP segment in IPv4. */
static bool read_key(const struct rte_mbuf *mbuf, struct key *out)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const void *)&ethernet[1];
	const struct rte_tcp_hdr *tcp;
	uint32_t ip_bytes;

	if (rte_pktmbuf_data_len(mbuf) < sizeof(*ethernet) + sizeof(*ip) + sizeof(*tcp) ||
	    ethernet->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return false;
	ip_bytes = rte_ipv4_hdr_len(ip);
	if (ip->version != 4 || ip->next_proto_id != IPPROTO_TCP || ip_bytes < sizeof(*ip) ||
	    rte_pktmbuf_data_len(mbuf) < sizeof(*ethernet) + ip_bytes + sizeof(*tcp))
		return false;
	tcp = (const void *)((const uint8_t *)ip + ip_bytes);
	*out = (struct key){
		.client = ip->src_addr,
		.service = ip->dst_addr,
		.client_port = tcp->src_port,
		.service_port = tcp->dst_port,
	};
	return true;
}

static void run_parse(void *self)
{
	struct textbook *textbook = self;
	uint32_t count = 0;

	for (uint32_t i = 0; i < textbook->count; i++) {
		struct rte_mbuf *mbuf = textbook->mbufs[i];

		textbook->mbufs[count] = mbuf;
		if (read_key(mbuf, &textbook->keys[count]))
			count++;
		else
			rte_pktmbuf_free(mbuf);
	}
	textbook->count = count;
}

/* A connection that it did not know; only now anybody asks whose the service is. */
static mr_backend_id meet(struct textbook *textbook, const struct key *key)
{
	const struct mr_snapshot *snapshot = textbook->snapshot;
	const struct mr_addr address = mr_addr_from_v4(&key->service);
	const struct mr_endpoint *endpoint =
		mr_snapshot_find_endpoint(snapshot, &address, key->service_port);
	const hash_sig_t sum = rte_hash_hash(textbook->table, key);
	const struct mr_slots *slots;
	mr_backend_id backend;
	int32_t position;

	if (endpoint == NULL)
		return MR_BACKEND_NONE;
	slots = snapshot->pools[snapshot->services[endpoint->service].pool].slots;
	backend = mr_slot_current(slots->words[(uint64_t)sum * slots->size >> 32]);
	if (textbook->connection_count == textbook->capacity)
		return backend;
	position = rte_hash_add_key_with_hash(textbook->table, key, sum);
	if (position < 0)
		return backend;
	textbook->connections[position] = (struct connection){textbook->rig->worker.now_s, backend};
	textbook->connection_count++;
	return backend;
}

static void run_look_up(void *self)
{
	struct textbook *textbook = self;
	const void *keys[BURST_SIZE];
	int32_t positions[BURST_SIZE];

	for (uint32_t i = 0; i < textbook->count; i++)
		keys[i] = &textbook->keys[i];
	rte_hash_lookup_bulk(textbook->table, keys, textbook->count, positions);
	for (uint32_t i = 0; i < textbook->count; i++) {
		if (positions[i] >= 0)
			rte_prefetch0(&textbook->connections[positions[i]]);
	}
	for (uint32_t i = 0; i < textbook->count; i++) {
		struct connection *connection = &textbook->connections[positions[i]];

		if (positions[i] < 0) {
			textbook->backends[i] = meet(textbook, keys[i]);
			continue;
		}
		connection->seen_s = textbook->rig->worker.now_s;
		textbook->backends[i] = connection->backend;
	}
}

static void run_rewrite(void *self)
{
	struct textbook *textbook = self;
	uint32_t count = 0;

	for (uint32_t i = 0; i < textbook->count; i++) {
		struct rte_mbuf *mbuf = textbook->mbufs[i];
		const mr_backend_id backend = textbook->backends[i];

		if (backend == MR_BACKEND_NONE) {
			rte_pktmbuf_free(mbuf);
			continue;
		}
		memcpy(rte_pktmbuf_mtod(mbuf, void *),
		       mr_front_bytes(&textbook->snapshot->backends[backend].front),
		       2 * sizeof(struct rte_ether_addr));
		textbook->counters[backend].packets++;
		textbook->counters[backend].bytes += rte_pktmbuf_pkt_len(mbuf);
		textbook->mbufs[count++] = mbuf;
	}
	textbook->count = count;
}

static void run_transmit(void *self)
{
	struct textbook *textbook = self;

	textbook->forwarded += rte_eth_tx_burst(textbook->rig->ports[PATH_TX_PORT].ethdev, 0,
						textbook->mbufs, (uint16_t)textbook->count);
}

static uint64_t forwarded(const void *self)
{
	const struct textbook *textbook = self;

	return textbook->forwarded;
}

static struct rte_hash *table_create(uint32_t capacity)
{
	static uint32_t tables;
	char name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = RTE_MAX(capacity, 8U),
		.key_len = sizeof(struct key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
	};

	snprintf(name, sizeof(name), "textbook%u", tables++);
	return rte_hash_create(&parameters);
}

static void meet_all(struct textbook *textbook, const struct path_case *settings)
{
	for (uint32_t i = 0; i < settings->sessions; i++) {
		const struct mr_tuple tuple = path_tuple(settings, i);
		struct key key = {
			.client_port = tuple.client_port,
			.service_port = tuple.service_port,
		};

		memcpy(&key.client, &tuple.client.bytes[12], sizeof(key.client));
		memcpy(&key.service, &tuple.service.bytes[12], sizeof(key.service));
		meet(textbook, &key);
	}
}

struct subject textbook_create(struct rig *rig, const struct mr_snapshot *snapshot,
			       const struct path_case *settings)
{
	struct textbook *textbook = calloc(1, sizeof(*textbook));
	bool complete = textbook != NULL;

	if (complete) {
		textbook->rig = rig;
		textbook->snapshot = snapshot;
		textbook->capacity = capacity_of(settings);
		textbook->table = table_create(textbook->capacity);
		textbook->counters =
			calloc(snapshot->backend_capacity, sizeof(*textbook->counters));
		complete = textbook->table != NULL && textbook->counters != NULL;
	}
	if (complete) {
		const size_t positions = (size_t)rte_hash_max_key_id(textbook->table) + 1;

		textbook->connections = rte_zmalloc(NULL, positions * sizeof(struct connection),
						    RTE_CACHE_LINE_SIZE);
		complete = textbook->connections != NULL;
	}
	if (!complete) {
		fputs("bench: no memory for a connection table\n", stderr);
		exit(EXIT_FAILURE);
	}
	if (!settings->is_flood)
		meet_all(textbook, settings);
	return (struct subject){
		.name = "textbook",
		.self = textbook,
		.steps = {{"receive", run_receive},
			  {"parse", run_parse},
			  {"look_up", run_look_up},
			  {"rewrite", run_rewrite},
			  {"transmit", run_transmit}},
		.step_count = 5,
		.forwarded = forwarded,
	};
}

void textbook_destroy(struct subject *subject)
{
	struct textbook *textbook = subject->self;

	if (textbook == NULL)
		return;
	rte_free(textbook->connections);
	rte_hash_free(textbook->table);
	free(textbook->counters);
	free(textbook);
	subject->self = NULL;
}
