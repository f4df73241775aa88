/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_tap.h"

#include <rte_cycles.h>

/* NULL: no room, which counts only if the packet turns out to be one that is wanted. */
static struct rte_mbuf *copy_frame(const struct capture_tap *tap, const struct rte_mbuf *frame,
				   uint16_t ethdev, uint16_t queue, bool sent)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(frame, tap->mbufs, 0, tap->frame_bytes);

	if (copy == NULL)
		return NULL;
	copy->port = ethdev;
	*capture_note_of(copy) = (struct capture_note){
		.tsc = rte_rdtsc(),
		.frame_bytes = rte_pktmbuf_pkt_len(frame),
		.queue = queue,
		.sent = sent,
	};
	return copy;
}

void capture_arrivals(struct capture_tap *tap, const struct worker *worker,
		      const struct burst *burst, struct capture_catch *out)
{
	out->sent_count = 0;
	for (uint32_t i = 0; i < burst->count; i++)
		out->arrived[i] = copy_frame(tap, burst->packets[i].mbuf,
					     worker_ethdev_at(worker, burst->packets[i].rx_port),
					     (uint16_t)worker->index, false);
}

static void catch_departure(const struct capture_tap *tap, const struct worker *worker,
			    const struct burst *burst, uint32_t index, const struct rte_mbuf *frame,
			    struct capture_catch *catch)
{
	catch->sent_packets[catch->sent_count] = (uint8_t)index;
	catch->sent[catch->sent_count++] =
		copy_frame(tap, frame, worker_ethdev_at(worker, burst->packets[index].tx_port),
			   (uint16_t)worker->index, true);
}

void capture_departures(struct capture_tap *tap, const struct worker *worker,
			const struct burst *burst, struct capture_catch *catch)
{
	if (!tap->sent)
		return;
	for (uint32_t i = 0; i < burst->count; i++) {
		const struct packet *packet = &burst->packets[i];

		if (packet->tx_port != NO_PORT && packet->mbuf != NULL)
			catch_departure(tap, worker, burst, i, packet->mbuf, catch);
	}
	for (uint32_t i = 0; i < burst->cut_count; i++)
		catch_departure(tap, worker, burst, burst->cuts[i].packet, burst->cuts[i].mbuf,
				catch);
}

static mr_service_id service_of(const struct packet *packet)
{
	return packet->nat_source != NULL ? packet->nat_source->service : packet->service;
}

static mr_backend_id backend_of(const struct packet *packet)
{
	return packet->nat_source != NULL ? packet->nat_source->backend : packet->backend;
}

/* Who is mailrail's client, whichever way the packet goes. */
static bool is_from_client(const struct mr_prefix *client, const struct packet *packet)
{
	const struct mr_addr *address =
		packet->nat_source != NULL ? &packet->tuple.service : &packet->tuple.client;

	return mr_prefix_holds(client, address);
}

static bool is_wanted(const struct mr_capture_filter *filter, const struct packet *packet)
{
	if (packet->verdict == TAKEN)
		return false; /* it comes again */
	if (filter->verdicts != 0 && !(filter->verdicts >> packet->verdict & 1))
		return false;
	if (filter->service_given && service_of(packet) != filter->service)
		return false;
	if (filter->backend_given && backend_of(packet) != filter->backend)
		return false;
	return !filter->client_given || is_from_client(&filter->client, packet);
}

static void choose(struct capture_tap *tap, const struct packet *packet, struct rte_mbuf *copy)
{
	if (!is_wanted(&tap->filter, packet)) {
		rte_pktmbuf_free(copy);
		return;
	}
	if (copy != NULL) {
		struct capture_note *note = capture_note_of(copy);

		note->service = service_of(packet);
		note->backend = backend_of(packet);
		note->verdict = packet->verdict;
		if (rte_ring_enqueue(tap->queue, copy) == 0)
			return;
		rte_pktmbuf_free(copy);
	}
	atomic_fetch_add_explicit(&tap->missed, 1, memory_order_relaxed);
}

void capture_choose(struct capture_tap *tap, const struct burst *burst, struct capture_catch *catch)
{
	for (uint32_t i = 0; i < burst->count; i++)
		choose(tap, &burst->packets[i], catch->arrived[i]);
	for (uint32_t i = 0; i < catch->sent_count; i++)
		choose(tap, &burst->packets[catch->sent_packets[i]], catch->sent[i]);
}
