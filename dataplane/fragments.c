/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 2b: datagrams in pieces. Reads fragment, fragment_id and the addresses in tuple; gives
 * later fragments the ports of their first one, so that all of them reach the same backend in
 * whatever order they come. A fragment that comes before the first one waits for it.
 *
 * Full, the table forgets its oldest datagram: pieces mostly come within milliseconds of one
 * another, and whoever floods the table must not lock it for the others.
 */
#include "fragments.h"

#include <sys/queue.h>

#include <rte_malloc.h>
#include <rte_ring.h>

#include "packet.h"

#define BUCKETS	     (2 * MR_DATAGRAMS_MAX) /* a power of two */
#define KEPT_OF_EACH 64			    /* of one datagram; 64 KiB are 45 at an MTU of 1500 */

struct kept {
	STAILQ_ENTRY(kept) next;
	struct rte_mbuf *mbuf; /* its rx_port is in mbuf->port */
};
STAILQ_HEAD(kept_list, kept);

struct datagram {
	LIST_ENTRY(datagram) in_bucket;
	TAILQ_ENTRY(datagram) in_age;
	uint64_t hash;
	uint32_t seen_s; /* when it began: its first fragment came, or before that another */
	uint32_t kept_count;
	struct kept_list kept; /* empty once the ports are known */
	bool ports_known;
	rte_be16_t client_port;
	rte_be16_t service_port;
};
LIST_HEAD(bucket, datagram);
TAILQ_HEAD(datagram_list, datagram);

struct fragment_table {
	struct bucket buckets[BUCKETS];
	struct datagram_list by_age; /* the oldest first */
	struct datagram_list unused;
	struct kept_list ready; /* their first fragment has come */
	struct kept_list unused_kept;
	struct datagram datagrams[MR_DATAGRAMS_MAX];
	struct kept kept[MR_FRAGMENTS_KEPT_MAX];
};

uint64_t fragment_table_memory_bytes(void)
{
	return sizeof(struct fragment_table);
}

struct fragment_table *fragment_table_create(int node)
{
	struct fragment_table *table =
		rte_zmalloc_socket("fragments", sizeof(*table), RTE_CACHE_LINE_SIZE, node);

	if (table == NULL)
		return NULL;
	TAILQ_INIT(&table->by_age);
	TAILQ_INIT(&table->unused);
	STAILQ_INIT(&table->ready);
	STAILQ_INIT(&table->unused_kept);
	for (uint32_t i = 0; i < MR_DATAGRAMS_MAX; i++)
		TAILQ_INSERT_TAIL(&table->unused, &table->datagrams[i], in_age);
	for (uint32_t i = 0; i < MR_FRAGMENTS_KEPT_MAX; i++)
		STAILQ_INSERT_TAIL(&table->unused_kept, &table->kept[i], next);
	return table;
}

/* NULL: nobody uses the entry. */
void fragment_table_destroy(struct fragment_table *table)
{
	if (table == NULL)
		return;
	for (uint32_t i = 0; i < MR_FRAGMENTS_KEPT_MAX; i++)
		rte_pktmbuf_free(table->kept[i].mbuf);
	rte_free(table);
}

/* Takes the first of @list, which is not empty; the caller owns the mbuf. */
static struct rte_mbuf *take_kept(struct fragment_table *table, struct kept_list *list)
{
	struct kept *kept = STAILQ_FIRST(list);
	struct rte_mbuf *mbuf = kept->mbuf;

	kept->mbuf = NULL;
	STAILQ_REMOVE_HEAD(list, next);
	STAILQ_INSERT_HEAD(&table->unused_kept, kept, next);
	return mbuf;
}

uint32_t fragment_table_release(struct fragment_table *table, struct rte_mbuf **out_mbufs,
				uint32_t max)
{
	uint32_t count = 0;

	while (count < max && !STAILQ_EMPTY(&table->ready))
		out_mbufs[count++] = take_kept(table, &table->ready);
	return count;
}

/* The fragments that have waited for the first one in vain get @verdict. */
static void forget(struct worker *worker, struct datagram *datagram, enum mr_verdict verdict)
{
	struct fragment_table *table = worker->fragments;

	while (!STAILQ_EMPTY(&datagram->kept)) {
		rte_pktmbuf_free(take_kept(table, &datagram->kept));
		worker->counters->fragments_released++;
		worker->counters->verdicts[verdict]++;
	}
	LIST_REMOVE(datagram, in_bucket);
	TAILQ_REMOVE(&table->by_age, datagram, in_age);
	TAILQ_INSERT_HEAD(&table->unused, datagram, in_age);
}

void fragment_table_age(struct worker *worker)
{
	struct datagram *oldest;

	while ((oldest = TAILQ_FIRST(&worker->fragments->by_age)) != NULL &&
	       worker->now_s - oldest->seen_s > MR_FRAGMENT_TIMEOUT_S)
		forget(worker, oldest, MR_DROP_FRAGMENT_LATE);
}

static struct bucket *bucket_of(struct fragment_table *table, uint64_t hash)
{
	return &table->buckets[hash & (BUCKETS - 1)];
}

static struct datagram *find(struct fragment_table *table, uint64_t hash)
{
	struct datagram *datagram;

	LIST_FOREACH (datagram, bucket_of(table, hash), in_bucket) {
		if (datagram->hash == hash)
			return datagram;
	}
	return NULL;
}

static struct datagram *add(struct worker *worker, uint64_t hash)
{
	struct fragment_table *table = worker->fragments;
	struct datagram *datagram;

	if (TAILQ_EMPTY(&table->unused))
		forget(worker, TAILQ_FIRST(&table->by_age), MR_DROP_FRAGMENT_FULL);
	datagram = TAILQ_FIRST(&table->unused);
	TAILQ_REMOVE(&table->unused, datagram, in_age);
	*datagram = (struct datagram){.hash = hash, .seen_s = worker->now_s};
	STAILQ_INIT(&datagram->kept);
	LIST_INSERT_HEAD(bucket_of(table, hash), datagram, in_bucket);
	TAILQ_INSERT_TAIL(&table->by_age, datagram, in_age);
	return datagram;
}

/* Another one under the same id replaces it: from here on, pieces are the new one's. */
static void follow_first(struct worker *worker, uint64_t hash, const struct packet *packet)
{
	struct fragment_table *table = worker->fragments;
	struct datagram *datagram = find(table, hash);

	if (datagram == NULL)
		datagram = add(worker, hash);
	datagram->ports_known = true;
	datagram->client_port = packet->tuple.client_port;
	datagram->service_port = packet->tuple.service_port;
	datagram->seen_s = worker->now_s;
	TAILQ_REMOVE(&table->by_age, datagram, in_age);
	TAILQ_INSERT_TAIL(&table->by_age, datagram, in_age);
	STAILQ_CONCAT(&table->ready, &datagram->kept);
}

/* Its mbuf is not the burst's any more. */
static void leave_burst(struct packet *packet)
{
	packet->mbuf = NULL;
	packet->verdict = TAKEN;
}

/* @datagram: NULL when this is the first that is seen of it. */
static void keep(struct worker *worker, uint64_t hash, struct datagram *datagram,
		 struct packet *packet)
{
	struct fragment_table *table = worker->fragments;
	struct kept *kept = STAILQ_FIRST(&table->unused_kept);

	if (kept == NULL || (datagram != NULL && datagram->kept_count == KEPT_OF_EACH)) {
		packet->verdict = MR_DROP_FRAGMENT_FULL;
		return;
	}
	STAILQ_REMOVE_HEAD(&table->unused_kept, next);
	if (datagram == NULL)
		datagram = add(worker, hash);
	kept->mbuf = packet->mbuf;
	kept->mbuf->port = packet->rx_port;
	leave_burst(packet);
	STAILQ_INSERT_TAIL(&datagram->kept, kept, next);
	datagram->kept_count++;
	worker->counters->fragments_kept++;
}

static void follow_later(struct worker *worker, uint64_t hash, struct packet *packet)
{
	struct datagram *datagram = find(worker->fragments, hash);

	if (datagram == NULL || !datagram->ports_known) {
		keep(worker, hash, datagram, packet);
		return;
	}
	packet->tuple.client_port = datagram->client_port;
	packet->tuple.service_port = datagram->service_port;
}

static void hand_over(struct worker *worker, uint32_t owner, struct packet *packet)
{
	packet->mbuf->port = packet->rx_port;
	if (rte_ring_enqueue(worker->handovers[owner], packet->mbuf) != 0) {
		packet->verdict = MR_DROP_FRAGMENT_FULL;
		return;
	}
	leave_burst(packet);
	worker->counters->fragments_handed++;
}

/* By source, destination and id, RFC 791 and RFC 8200; all of them carry TCP. */
static uint64_t hash_of(const struct mr_snapshot *snapshot, const struct packet *packet)
{
	const struct mr_tuple datagram = {
		.client = packet->tuple.client,
		.service = packet->tuple.service,
		.client_port = (uint16_t)(packet->fragment_id >> 16),
		.service_port = (uint16_t)packet->fragment_id,
	};

	return mr_session_hash(&snapshot->hash_key, &datagram);
}

static void follow(struct worker *worker, const struct mr_snapshot *snapshot, struct packet *packet)
{
	uint64_t hash;
	uint32_t owner;

	if (!mr_snapshot_knows_addresses(snapshot, &packet->tuple.client, &packet->tuple.service)) {
		packet_leave(packet, MR_DROP_NOT_SERVICE);
		return;
	}
	hash = hash_of(snapshot, packet);
	owner = mr_session_slot(hash, worker->worker_count);
	if (owner != worker->index)
		hand_over(worker, owner, packet);
	else if (packet->fragment == FRAGMENT_FIRST)
		follow_first(worker, hash, packet);
	else
		follow_later(worker, hash, packet);
}

void follow_fragments(struct worker *worker, const struct mr_snapshot *snapshot,
		      struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->verdict == UNDECIDED && packet->fragment != FRAGMENT_NONE)
			follow(worker, snapshot, packet);
	}
}
