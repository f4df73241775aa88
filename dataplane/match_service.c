/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 3: whom is the packet for? Reads tuple, kind, fragment and rx_port; sets service and hash
 * of a session's packet, backend and hash of a health probe's, nat_source of a nat backend's.
 * Excluded sources, what backends send and everything that is not for a service get their
 * verdict here.
 */
#include "packet.h"

#include <rte_byteorder.h>

/*
 * For the kernel after all. Unlike packet_leave(), where steering took the packet for mailrail's
 * and so has hidden it from a kernel that otherwise has its own copy.
 */
static void give_back(const struct worker *worker, struct packet *packet, enum mr_verdict verdict)
{
	if (worker->ports[packet->rx_port].has_kernel_side)
		packet_pass(packet);
	else
		packet->verdict = verdict;
}

/* Only what has a TCP header of its own can be answered with a reset. */
static void refuse_excluded(const struct worker *worker, const struct mr_service *service,
			    struct packet *packet)
{
	if (packet->kind == PACKET_ICMP_ERROR)
		give_back(worker, packet, MR_DROP_EXCLUDED);
	else if (service->exclude_action == MR_EXCLUDE_DROP || packet->fragment == FRAGMENT_LATER ||
		 packet->tcp_flags & RTE_TCP_RST_FLAG)
		packet->verdict = MR_DROP_EXCLUDED;
	else
		packet->verdict = MR_RESET_EXCLUDED;
}

static bool is_probe_source(const struct mr_snapshot *snapshot, const struct mr_addr *address)
{
	for (uint32_t i = 0; i < snapshot->probe_source_count; i++) {
		if (mr_addr_equal(&snapshot->probe_sources[i], address))
			return true;
	}
	return false;
}

/*
 * The control thread has said which backend each of its source ports is for. It gets a hash for
 * the tunnel: probes take as many of its paths as sessions do.
 */
static void match_probe(const struct worker *worker, const struct mr_snapshot *snapshot,
			struct packet *packet)
{
	const uint16_t source_port = rte_be_to_cpu_16(packet->tuple.client_port);
	const mr_backend_id backend =
		atomic_load_explicit(&worker->probe_backends[source_port], memory_order_relaxed);

	if (backend >= snapshot->backend_capacity) {
		packet->verdict = MR_DROP_NO_PROBE;
		return;
	}
	packet->backend = backend;
}

/* A backend's answer to a probe: from the service's address and port to a prober's. */
static bool is_from_service(const struct mr_snapshot *snapshot, const struct packet *packet)
{
	return packet->kind == PACKET_TCP &&
	       mr_snapshot_find_endpoint(snapshot, &packet->tuple.client,
					 packet->tuple.client_port) != NULL;
}

/*
 * To no service: perhaps from a backend, to the prober or, by nat, to a client. Fragments have
 * come for their address alone, before anybody could know their port.
 */
static void match_source(const struct worker *worker, const struct mr_snapshot *snapshot,
			 struct packet *packet)
{
	const struct mr_tuple *tuple = &packet->tuple;
	const bool to_prober = is_probe_source(snapshot, &tuple->service);

	packet->nat_source =
		mr_snapshot_find_nat_source(snapshot, &tuple->client, tuple->client_port);
	if (packet->nat_source != NULL)
		packet->verdict = to_prober ? MR_PROBE_REPLY : MR_RETURNED;
	else if (to_prober && is_from_service(snapshot, packet))
		packet->verdict = MR_PROBE_REPLY;
	else if (packet->fragment != FRAGMENT_NONE)
		give_back(worker, packet, MR_DROP_NOT_SERVICE);
	else
		packet_leave(packet, MR_DROP_NOT_SERVICE);
}

/* Packets of a burst to services that do not admit everybody. */
struct visitors {
	uint32_t count;
	struct packet *packets[BURST_SIZE];
};

static inline void count_session(struct worker *worker, const struct packet *packet)
{
	worker->counters->services[packet->service].sessions += packet_opens_session(packet);
}

static void match_session(struct worker *worker, const struct mr_snapshot *snapshot,
			  const struct mr_endpoint *endpoint, struct packet *packet,
			  struct visitors *visitors)
{
	struct mr_flow_counters *counters = &worker->counters->services[endpoint->service];

	counters->packets++;
	counters->bytes += rte_pktmbuf_pkt_len(packet->mbuf);
	packet->service = endpoint->service;
	if (snapshot->services[endpoint->service].exclude != NULL)
		visitors->packets[visitors->count++] = packet;
	else
		count_session(worker, packet);
}

static void match(struct worker *worker, const struct mr_snapshot *snapshot, struct packet *packet,
		  struct visitors *visitors)
{
	const struct mr_endpoint *endpoint = mr_snapshot_find_endpoint(
		snapshot, &packet->tuple.service, packet->tuple.service_port);

	if (endpoint != NULL)
		match_session(worker, snapshot, endpoint, packet, visitors);
	else
		match_source(worker, snapshot, packet);
}

/* @packets: of one service. */
static void check_visitors(struct worker *worker, const struct mr_service *service,
			   struct packet *const *packets, uint32_t count)
{
	const struct mr_addr *clients[BURST_SIZE];
	uint64_t excluded;

	for (uint32_t i = 0; i < count; i++)
		clients[i] = &packets[i]->tuple.client;
	excluded = mr_access_list_find_many(service->exclude, clients, count);
	for (uint32_t i = 0; i < count; i++) {
		if (excluded >> i & 1)
			refuse_excluded(worker, service, packets[i]);
		else
			count_session(worker, packets[i]);
	}
}

/* Those of one service, which mostly come together, at once. */
static void check_all_visitors(struct worker *worker, const struct mr_snapshot *snapshot,
			       const struct visitors *visitors)
{
	uint32_t end;

	for (uint32_t i = 0; i < visitors->count; i = end) {
		const mr_service_id service = visitors->packets[i]->service;

		for (end = i + 1; end < visitors->count; end++) {
			if (visitors->packets[end]->service != service)
				break;
		}
		check_visitors(worker, &snapshot->services[service], &visitors->packets[i],
			       end - i);
	}
}

/* All that are still on their way, at once; the short way has left a hash with some of them. */
static void hash_sessions(const struct mr_snapshot *snapshot, struct burst *burst)
{
	struct packet *packets[BURST_SIZE];
	const struct mr_tuple *tuples[BURST_SIZE];
	uint64_t hashes[BURST_SIZE];
	uint32_t count = 0;

	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->packets[i].verdict != UNDECIDED || burst->packets[i].hash != 0)
			continue;
		packets[count] = &burst->packets[i];
		tuples[count++] = &burst->packets[i].tuple;
	}
	if (count == 0)
		return;
	mr_session_hash_many(&snapshot->hash_key, tuples, count, hashes);
	for (uint32_t i = 0; i < count; i++)
		packets[i]->hash = hashes[i];
}

void match_service(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	struct visitors visitors;

	visitors.count = 0;
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->verdict != UNDECIDED)
			continue;
		if (packet->rx_port == WORKER_PROBE_PORT)
			match_probe(worker, snapshot, packet);
		else
			match(worker, snapshot, packet, &visitors);
	}
	check_all_visitors(worker, snapshot, &visitors);
	hash_sessions(snapshot, burst);
}
