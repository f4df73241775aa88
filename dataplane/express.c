/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between steps 1 and 2: the short way for what nearly every packet is, a whole TCP segment
 * without IP options to a service, whose session's backend is known and has a way that it fits.
 * Such a packet leaves here with the verdict, the bytes and the counts that the long way would
 * have given it, but without a look at what it is not. All others are left as they came, but for
 * the hash that some have by then: nothing is written or counted before a packet is known to be
 * plain to the end.
 *
 * Stages over the burst, IPv4 and IPv6 apart: each fetches what the next one reads.
 */
#include "train.h"

#include <rte_prefetch.h>

#include "front.h"
#include "pin_table.h"

/* Where a packet of @train goes. */
static WITH_FAMILY const uint8_t *destination(const struct train *train, uint32_t index, bool v4)
{
	return (const uint8_t *)train->sessions[index] + (v4 ? 4 : 16);
}

static WITH_FAMILY rte_be16_t destination_port(const struct train *train, uint32_t index, bool v4)
{
	const uint8_t *ports = destination(train, index, v4) + (v4 ? 4 : 16);
	rte_be16_t port;

	memcpy(&port, ports + sizeof(port), sizeof(port));
	return port;
}

static WITH_FAMILY struct mr_addr destination_address(const struct train *train, uint32_t index,
						      bool v4)
{
	const uint8_t *address = destination(train, index, v4);

	return v4 ? mr_addr_from_v4(address) : mr_addr_from_v6(address);
}

static WITH_FAMILY bool goes_to(const struct train *train, uint32_t index,
				const struct mr_endpoint *endpoint, bool v4)
{
	const uint8_t *address = destination(train, index, v4);

	return endpoint->port == destination_port(train, index, v4) &&
	       (v4 ? memcmp(&endpoint->address.bytes[12], address, 4) == 0
		   : memcmp(endpoint->address.bytes, address, 16) == 0);
}

/* Where the last burst went to many endpoints, as this one then does too. */
static WITH_FAMILY void fetch_endpoints(const struct mr_snapshot *snapshot, struct train *train,
					bool v4)
{
	for (uint32_t i = 0; i < train->count; i++) {
		const struct mr_addr address = destination_address(train, i, v4);
		const rte_be16_t port = destination_port(train, i, v4);

		train->places[i] = mr_snapshot_endpoint_place(snapshot, &address, port);
		rte_prefetch0(&snapshot->endpoints[train->places[i]]);
	}
}

static WITH_FAMILY const struct mr_endpoint *find_endpoint(const struct mr_snapshot *snapshot,
							   const struct train *train,
							   uint32_t index, bool v4)
{
	const struct mr_addr address = destination_address(train, index, v4);
	const rte_be16_t port = destination_port(train, index, v4);

	if (!train->roams)
		return mr_snapshot_find_endpoint(snapshot, &address, port);
	return mr_snapshot_find_endpoint_from(snapshot, train->places[index], &address, port);
}

static inline void fetch_service(const struct worker *worker, const struct mr_snapshot *snapshot,
				 mr_service_id service)
{
	if (service == NO_SERVICE)
		return;
	rte_prefetch0(&snapshot->services[service]);
	rte_prefetch0(&worker->counters->services[service]);
}

/*
 * Fetches what is written and read of a service from here on. The endpoint that was found last is
 * mostly the next one, too.
 */
static WITH_FAMILY void find_services(struct worker *worker, const struct mr_snapshot *snapshot,
				      struct train *train, bool v4)
{
	static const struct mr_endpoint none = {.service = NO_SERVICE};
	const struct mr_endpoint *endpoint = &none;

	uint32_t changes = 0;

	for (uint32_t i = 0; i < train->count; i++) {
		if (!goes_to(train, i, endpoint, v4)) {
			endpoint = find_endpoint(snapshot, train, i, v4);
			endpoint = endpoint != NULL ? endpoint : &none;
			fetch_service(worker, snapshot, endpoint->service);
			changes++;
		}
		train->packets[i].service = endpoint->service;
	}
	worker->burst_endpoints = changes;
}

static inline const struct mr_slots *slots_of(const struct mr_snapshot *snapshot,
					      mr_service_id service)
{
	return snapshot->pools[snapshot->services[service].pool].slots;
}

/* Of those that go to a service; fetches them. */
static void find_slots(const struct mr_snapshot *snapshot, struct train *train)
{
	const struct mr_slots *slots = NULL;
	mr_service_id service = NO_SERVICE;

	train->has_lists = false;
	for (uint32_t i = 0; i < train->count; i++) {
		struct express *express = &train->packets[i];

		express->slot = NULL;
		if (express->service == NO_SERVICE)
			continue;
		if (express->service != service) {
			service = express->service;
			slots = slots_of(snapshot, service);
			train->has_lists |= snapshot->services[service].exclude != NULL;
		}
		express->slot = &slots->words[mr_session_slot(train->hashes[i], slots->size)];
		rte_prefetch0(express->slot);
	}
}

/* Bit i: the source of the train's packet @first + i is in @list. */
static WITH_FAMILY uint64_t find_sources(const struct mr_access_list *list,
					 const struct train *train, uint32_t first, uint32_t count,
					 bool v4)
{
	const struct mr_addr *const *sources = (const void *)&train->sessions[first];
	uint32_t sources_v4[BURST_SIZE];

	if (!v4)
		return mr_access_list_find_many(list, sources, count);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&sources_v4[i], sources[i], sizeof(sources_v4[i]));
		sources_v4[i] = rte_be_to_cpu_32(sources_v4[i]);
	}
	return mr_access_list_find_many_v4(list, sources_v4, count);
}

/* Whom a service's list names takes the long way. Packets of one service mostly come together. */
static WITH_FAMILY void heed_lists(const struct mr_snapshot *snapshot, struct train *train, bool v4)
{
	uint32_t end;

	for (uint32_t i = 0; i < train->count; i = end) {
		const mr_service_id service = train->packets[i].service;
		const struct mr_access_list *list =
			service != NO_SERVICE ? snapshot->services[service].exclude : NULL;
		uint64_t found;

		for (end = i + 1; end < train->count; end++) {
			if (train->packets[end].service != service)
				break;
		}
		if (list == NULL)
			continue;
		found = find_sources(list, train, i, end - i, v4);
		for (uint32_t j = i; found != 0; j++, found >>= 1) {
			if (found & 1)
				train->packets[j].slot = NULL;
		}
	}
}

/* Steady ones name the backend; for those that move, fetches what is known of the session. */
static void read_slots(const struct worker *worker, const struct mr_snapshot *snapshot,
		       struct train *train)
{
	train->moving_count = 0;
	for (uint32_t i = 0; i < train->count; i++) {
		struct express *express = &train->packets[i];
		const mr_slot word = express->slot != NULL ? *express->slot : 0;

		if (mr_slot_moving(word)) {
			pin_table_prefetch(worker->pins, train->hashes[i]);
			train->moving[train->moving_count++] = (uint8_t)i;
		} else if (mr_slot_current(word) == MR_BACKEND_NONE) {
			express->slot = NULL;
		}
		express->backend = mr_slot_current(word);
		rte_prefetch0(&snapshot->backends[mr_slot_current(word)].way_set);
	}
}

/*
 * The pinned backend, where this packet changes nothing but the time that the pin was seen:
 * pick_backend.c would say the same. False: more is to be decided.
 */
static bool follow_pin(const struct worker *worker, const struct mr_snapshot *snapshot,
		       uint64_t hash, mr_backend_id *out_backend)
{
	uint64_t data = 0;
	struct pin_entry *entry = pin_table_lookup(worker->pins, hash, &data);
	struct mr_pin pin = pin_unpack(data);

	if (entry == NULL || pin.state != MR_PIN_ESTABLISHED ||
	    pin.backend >= snapshot->backend_capacity || !snapshot->backends[pin.backend].alive)
		return false;
	if (pin.seen_s != worker->now_s) {
		pin.seen_s = worker->now_s;
		pin_table_refresh(worker->pins, entry, hash, data, &pin);
	}
	*out_backend = pin.backend;
	return true;
}

static bool is_among(const uint64_t *hashes, uint32_t count, uint64_t hash)
{
	for (uint32_t i = 0; i < count; i++) {
		if (hashes[i] == hash)
			return true;
	}
	return false;
}

/*
 * By now the first buckets are here: who is not there may be in the second. A packet whose session
 * has had one in this burst that takes the long way, follows it there: that one may change the pin.
 */
static WITH_FAMILY void ask_pins(const struct worker *worker, const struct mr_snapshot *snapshot,
				 struct train *train, bool v4)
{
	const uint8_t changes = RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG;
	uint64_t left_behind[BURST_SIZE];
	uint32_t left_count = 0;

	for (uint32_t i = 0; i < train->moving_count; i++) {
		const uint64_t hash = train->hashes[train->moving[i]];

		if (!pin_table_is_in_first(worker->pins, hash))
			pin_table_prefetch_second(worker->pins, hash);
	}
	for (uint32_t i = 0; i < train->moving_count; i++) {
		const uint32_t index = train->moving[i];
		const uint64_t hash = train->hashes[index];
		struct express *express = &train->packets[index];

		if (!(tcp_of(express->ip, v4)->tcp_flags & changes) &&
		    !is_among(left_behind, left_count, hash) &&
		    follow_pin(worker, snapshot, hash, &express->backend))
			continue;
		express->slot = NULL;
		left_behind[left_count++] = hash;
	}
}

/* Some of the burst are not on board, and may be of the same sessions. */
static void leave_moving(struct train *train)
{
	for (uint32_t i = 0; i < train->moving_count; i++)
		train->packets[train->moving[i]].slot = NULL;
}

/* A segment that opens a session, where the MSS is lowered, takes the long way. */
static inline bool has_way(const struct mr_backend *backend, uint32_t ip_bytes, uint8_t tcp_flags)
{
	return ip_bytes <= backend->plain_max_bytes &&
	       (backend->mss_max_bytes == 0 || !(tcp_flags & RTE_TCP_SYN_FLAG));
}

static WITH_FAMILY void rewrite(const struct mr_backend *backend, struct rte_mbuf *mbuf,
				uint8_t *ip, uint32_t ip_bytes, uint64_t hash, bool v4)
{
	const struct mr_front *front = &backend->front;
	const uint32_t front_bytes = (uint32_t)front->link_bytes + front->outer_bytes;
	const uint32_t room = (uint32_t)(ip - (const uint8_t *)mbuf->buf_addr);
	const uint32_t there_bytes = (uint32_t)mbuf->data_off + mbuf->data_len - room;
	const uint32_t bytes =
		front_bytes + (front_keeps_padding(backend, there_bytes) ? there_bytes : ip_bytes);

	front_write(ip, MR_FRONT_ROOM_BYTES, front, !v4, ip_bytes, hash);
	mbuf->data_off = (uint16_t)(room - front_bytes);
	mbuf->data_len = (uint16_t)bytes;
	mbuf->pkt_len = bytes;
}

static inline void add(struct mr_flow_counters *counters, const struct mr_flow_counters *more)
{
	counters->packets += more->packets;
	counters->bytes += more->bytes;
	if (more->sessions > 0)
		counters->sessions += more->sessions;
}

/* What one service's packets, which mostly come one after the other, add to its counters. */
struct tally {
	struct mr_flow_counters *service;
	struct mr_flow_counters sum;
};

static inline void tally_add(struct tally *tally, struct mr_flow_counters *service,
			     const struct mr_flow_counters *more)
{
	if (service != tally->service) {
		add(tally->service, &tally->sum);
		*tally = (struct tally){.service = service};
	}
	add(&tally->sum, more);
}

/* All that is read is read first: for the compiler, bytes of a frame could be anything else. */
static WITH_FAMILY uint32_t leave(struct worker *worker, const struct mr_snapshot *snapshot,
				  const struct train *train, bool v4)
{
	struct mr_worker_counters *counters = worker->counters;
	const struct mr_backend *backends = snapshot->backends;
	struct tally tally = {.service = counters->services};
	uint32_t left = 0;

	for (uint32_t i = 0; i < train->count; i++) {
		const struct express express = train->packets[i];
		const struct mr_backend *backend = &backends[express.backend];
		const uint32_t ip_bytes = ip_bytes_of(express.ip, v4);
		const uint8_t tcp_flags = tcp_of(express.ip, v4)->tcp_flags;
		struct rte_mbuf *mbuf = express.packet->mbuf;
		const struct mr_flow_counters one = {
			.packets = 1,
			.bytes = mbuf->data_len,
			.sessions = tcp_opens_session(tcp_flags),
		};

		if (express.slot == NULL || !has_way(backend, ip_bytes, tcp_flags)) {
			express.packet->hash = train->hashes[i];
			continue;
		}
		express.packet->verdict = MR_FORWARDED;
		express.packet->tx_port = backend->port;
		add(&counters->backends[express.backend], &one);
		tally_add(&tally, &counters->services[express.service], &one);
		rewrite(backend, mbuf, express.ip, ip_bytes, train->hashes[i], v4);
		left++;
	}
	add(tally.service, &tally.sum);
	return left;
}

static WITH_FAMILY uint32_t ride(struct worker *worker, const struct mr_snapshot *snapshot,
				 struct train *train, bool all_on_board, bool v4)
{
	if (train->count == 0)
		return 0;
	train->roams = worker->burst_endpoints > 1;
	if (train->roams)
		fetch_endpoints(snapshot, train, v4);
	mr_session_hash_wire(&snapshot->hash_key, train->sessions, v4, train->count, train->hashes);
	find_services(worker, snapshot, train, v4);
	find_slots(snapshot, train);
	if (train->has_lists)
		heed_lists(snapshot, train, v4);
	read_slots(worker, snapshot, train);
	if (!all_on_board)
		leave_moving(train);
	else if (train->moving_count > 0)
		ask_pins(worker, snapshot, train, v4);
	return leave(worker, snapshot, train, v4);
}

bool express(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	const uint8_t place = burst->packets[0].rx_port;
	struct train v4, v6;
	bool all_on_board;
	uint32_t left;

	if (place == WORKER_PROBE_PORT || place & WORKER_KERNEL_SIDE ||
	    !heads_are_set(&worker->ports[place].heads))
		return false;
	train_board(worker->ports, burst, &v4, &v6);
	all_on_board = v4.count + v6.count == burst->count;
	left = ride(worker, snapshot, &v4, all_on_board, true);
	left += ride(worker, snapshot, &v6, all_on_board, false);
	return left == burst->count;
}
