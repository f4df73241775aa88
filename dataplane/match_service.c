/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 3: whom is the packet for? Reads tuple and rx_port; sets service and hash of a session's
 * packet, backend of a health probe. Excluded sources, answers to probes and everything that
 * is not for a service get their verdict here.
 */
#include "packet.h"

#include <rte_byteorder.h>

/* Binary search in sorted, disjoint ranges. */
static bool ranges_contain(const struct mr_range *ranges, uint32_t count,
			   const struct mr_addr *address)
{
	uint32_t low = 0;
	uint32_t high = count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (mr_addr_compare(address, &ranges[middle].last) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && mr_addr_compare(address, &ranges[low].first) >= 0;
}

static void refuse_excluded(const struct mr_service *service, struct packet *packet)
{
	if (service->exclude_action == MR_EXCLUDE_DROP || packet->tcp_flags & RTE_TCP_RST_FLAG)
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

/* A backend's answer to a probe: from the service's address and port to a prober's. */
static bool is_probe_reply(const struct mr_snapshot *snapshot, const struct packet *packet)
{
	const struct mr_tuple *tuple = &packet->tuple;

	return is_probe_source(snapshot, &tuple->service) &&
	       mr_snapshot_find_endpoint(snapshot, &tuple->client, tuple->client_port) != NULL;
}

/* The control thread has said which backend each of its source ports is for. */
static void match_probe(const struct worker *worker, const struct mr_snapshot *snapshot,
			struct packet *packet)
{
	const uint16_t source_port = rte_be_to_cpu_16(packet->tuple.client_port);
	const mr_backend_id backend =
		atomic_load_explicit(&worker->probe_backends[source_port], memory_order_relaxed);

	if (backend >= snapshot->backend_capacity)
		packet->verdict = MR_DROP_NO_PROBE;
	else
		packet->backend = backend;
}

static void match_session(struct worker *worker, const struct mr_snapshot *snapshot,
			  struct packet *packet)
{
	const struct mr_endpoint *endpoint = mr_snapshot_find_endpoint(
		snapshot, &packet->tuple.service, packet->tuple.service_port);
	struct mr_flow_counters *counters;
	const struct mr_service *service;

	if (endpoint == NULL) {
		if (is_probe_reply(snapshot, packet))
			packet->verdict = MR_PROBE_REPLY;
		else
			packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	service = &snapshot->services[endpoint->service];
	counters = &worker->counters->services[endpoint->service];
	counters->packets++;
	counters->bytes += rte_pktmbuf_pkt_len(packet->mbuf);
	if (ranges_contain(service->exclude, service->exclude_count, &packet->tuple.client)) {
		refuse_excluded(service, packet);
		return;
	}
	counters->sessions += packet_opens_session(packet);
	packet->service = endpoint->service;
	packet->hash = mr_session_hash(&snapshot->hash_key, &packet->tuple);
}

void match_service(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->verdict != UNDECIDED)
			continue;
		if (packet->rx_port == WORKER_PROBE_PORT)
			match_probe(worker, snapshot, packet);
		else
			match_session(worker, snapshot, packet);
	}
}
