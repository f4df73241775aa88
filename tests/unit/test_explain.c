/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explanations are what the worker then does: for every state of a slot and a pin, in both
 * families, a real SYN and a real segment go through worker_round() and leave to the backend, and
 * are counted for the reason, that was told before. Asking leaves no trace.
 *
 *	in[0] --> worker_round --> out[1] (backends), out[0] (resets)
 */
#include "explain.h"

#include <rte_ether.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"
#include "pin_table.h"

#define TABLE_SIZE   251
#define BACKEND_PORT 1
#define SYN	     RTE_TCP_SYN_FLAG
#define ACK	     RTE_TCP_ACK_FLAG
#define NONE	     MR_BACKEND_NONE
#define NO_STATE     ((enum mr_pin_state)0)

/* ELSEWHERE is on all slots that are not the session's. */
enum { A, B, C, GONE, ELSEWHERE, BACKENDS };
enum { SMTP, QUIET, SERVICES };

static struct rig *rig;
static struct mr_snapshot *snapshot;
static struct mr_slots *slots;

static const struct ends {
	const char *client, *service;
} ends[] = {
	{"192.0.2.1", "10.0.0.10"},
	{"2001:db8::1", "2001:db8::25"},
};

/* A state that a session may be found in. */
struct situation {
	mr_slot word;
	mr_backend_id pinned;
	enum mr_pin_state pin_state; /* NO_STATE: no pin */
	bool pins_full;
};

static void add_endpoint(const char *address, uint16_t port, mr_service_id service)
{
	const struct mr_endpoint endpoint = {frame_addr(address), rte_cpu_to_be_16(port), service};

	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
}

static void add_backend(mr_backend_id id)
{
	const struct mr_way way = {
		.port = BACKEND_PORT,
		.source_mac = {{0x02, 0, 0, 0, 0, BACKEND_PORT}},
		.next_hop = {{0x02, 0, 0, 0, 1, (uint8_t)id}},
		.mtu_bytes = 1500,
	};

	snapshot->backends[id] = (struct mr_backend){
		.alive = id != GONE,
		.forwarding = MR_FORWARDING_L2DSR,
		.address = frame_addr("10.0.1.1"),
	};
	CU_ASSERT_EQUAL_FATAL(mr_backend_set_way(&snapshot->backends[id], &way), 0);
}

static void build_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = SERVICES,
		.pool_count = 1,
		.backend_capacity = BACKENDS,
		.endpoint_count = 3,
	};
	const struct mr_range excluded[] = {
		{frame_addr("10.0.0.0"), frame_addr("10.0.0.63")},
		{frame_addr("10.0.2.0"), frame_addr("10.0.2.255")},
	};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "sixteen  bytes!";

	snapshot = mr_snapshot_create(&sizes);
	slots = mr_slots_create(TABLE_SIZE, NULL);
	CU_ASSERT_FATAL(snapshot != NULL && slots != NULL);
	mr_hash_key_init(&snapshot->hash_key, secret);
	add_endpoint("10.0.0.10", 25, SMTP);
	add_endpoint("2001:db8::25", 25, SMTP);
	add_endpoint("10.0.0.11", 25, QUIET);
	snapshot->services[QUIET].exclude_action = MR_EXCLUDE_DROP;
	for (uint32_t i = 0; i < SERVICES; i++)
		CU_ASSERT_EQUAL_FATAL(
			mr_access_list_create(excluded, 2, &snapshot->services[i].exclude), 0);
	snapshot->pools[0].slots = slots;
	for (uint32_t i = 0; i < BACKENDS; i++)
		add_backend((mr_backend_id)i);
	rig->published = snapshot;
}

static struct mr_tuple tuple_of(const char *client, const char *service, uint16_t port)
{
	return (struct mr_tuple){
		.client = frame_addr(client),
		.service = frame_addr(service),
		.client_port = RTE_BE16(40000),
		.service_port = rte_cpu_to_be_16(port),
	};
}

static struct mr_explanation explain(const struct mr_tuple *tuple)
{
	struct mr_explanation explanation;

	explain_session(snapshot, rig->worker.pins, rig->worker.now_s, tuple, &explanation);
	return explanation;
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

static void set_up(const struct situation *situation, const struct mr_tuple *tuple)
{
	const uint64_t hash = mr_session_hash(&snapshot->hash_key, tuple);
	const struct mr_pin pin = {situation->pinned, situation->pin_state, 7};
	struct mr_pin_table *pins = rig->worker.pins;
	uint32_t cursor = 0;

	pins->budget = RIG_PIN_BUDGET;
	mr_pin_table_sweep(pins, &cursor, UINT32_MAX, keep_none, NULL);
	if (situation->pin_state != NO_STATE)
		CU_ASSERT_FATAL(pin_table_add(pins, hash, &pin));
	if (situation->pins_full)
		pins->budget = mr_pin_table_count(pins);
	for (uint32_t i = 0; i < TABLE_SIZE; i++)
		slots->words[i] = mr_slot_make(ELSEWHERE, ELSEWHERE, false);
	slots->words[mr_session_slot(hash, TABLE_SIZE)] = situation->word;
	memset(slots->notes->unknown, 0, TABLE_SIZE * sizeof(slots->notes->unknown[0]));
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
}

/* Which backend the frame is addressed to; NONE: no backend got it. */
static mr_backend_id deliver(const char *client, const char *service, uint16_t port, uint8_t flags)
{
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0}},
		.from = {{0x02, 0, 0, 0, 0, 9}},
		.client = client,
		.service = service,
		.client_port = 40000,
		.service_port = port,
		.tcp_flags = flags,
	};
	uint8_t bytes[FRAME_BYTES_MAX];
	const uint32_t count = frame_build(&spec, bytes);
	mr_backend_id backend = NONE;
	struct rte_mbuf *mbuf;

	CU_ASSERT_FATAL(rig_inject(rig, 0, bytes, count));
	worker_round(&rig->worker);
	mbuf = rig_collect(rig, BACKEND_PORT);
	if (mbuf != NULL)
		backend = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *)->dst_addr.addr_bytes[5];
	rte_pktmbuf_free(mbuf);
	rte_pktmbuf_free(rig_collect(rig, 0));
	return backend;
}

static bool is_counted(enum mr_pick_reason reason)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint64_t older = counters->pins_adopted + counters->pins_deferred;
	const uint64_t made = older + counters->pins_created + counters->pins_refused;

	switch (reason) {
	case MR_PICK_NEW:
		return counters->pins_created == 1 && made == 1;
	case MR_PICK_REFUSED:
		return counters->pins_refused == 1 && made == 1;
	case MR_PICK_OLDER:
		return older == 1 && made == 1;
	case MR_PICK_REHASHED:
		return counters->pins_rehashed == 1 && made == 0;
	case MR_PICK_NOBODY:
		return counters->verdicts[MR_RESET_NO_BACKEND] == 1;
	case MR_PICK_STEADY:
	case MR_PICK_PINNED:
	case MR_PICK_AGREED:
	case MR_PICK_REUSED:
		return made == 0 && counters->pins_rehashed == 0;
	case MR_PICK_REASON_COUNT:
		break;
	}
	return false;
}

static unsigned int seen[MR_PICK_REASON_COUNT];

static void check_packet(const struct situation *situation, const struct ends *at, uint8_t flags)
{
	const struct mr_tuple tuple = tuple_of(at->client, at->service, 25);
	struct mr_explanation told;
	struct mr_pick pick;

	set_up(situation, &tuple);
	told = explain(&tuple);
	pick = flags == SYN ? told.syn : told.segment;
	CU_ASSERT(told.has_service && !told.excluded);
	CU_ASSERT_EQUAL(told.word, situation->word);
	CU_ASSERT_EQUAL(told.has_pin,
			mr_slot_moving(situation->word) && situation->pin_state != NO_STATE);
	if (told.has_pin)
		CU_ASSERT(told.pin.backend == situation->pinned &&
			  told.pin.state == situation->pin_state && told.pin.seen_s == 7);
	seen[pick.reason]++;
	CU_ASSERT_EQUAL(deliver(at->client, at->service, 25, flags), pick.backend);
	CU_ASSERT(is_counted(pick.reason));
	CU_ASSERT_EQUAL(rig->worker.counters->verdicts[MR_FORWARDED],
			pick.reason != MR_PICK_NOBODY);
}

static void check(const struct situation *situation)
{
	for (size_t i = 0; i < RTE_DIM(ends); i++) {
		check_packet(situation, &ends[i], SYN);
		check_packet(situation, &ends[i], ACK);
	}
}

static void check_with_pins(mr_slot word)
{
	static const enum mr_pin_state states[] = {MR_PIN_EMBRYONIC, MR_PIN_ESTABLISHED,
						   MR_PIN_CLOSING};

	for (int full = 0; full < 2; full++) {
		check(&(struct situation){word, NONE, NO_STATE, full});
		for (uint32_t pinned = A; pinned <= GONE; pinned++)
			for (size_t i = 0; i < RTE_DIM(states); i++)
				check(&(struct situation){word, (mr_backend_id)pinned, states[i],
							  full});
	}
}

static void test_every_situation(void)
{
	static const mr_backend_id backends[] = {A, B, NONE};

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < RTE_DIM(backends); i++) {
		check_with_pins(mr_slot_make(backends[i], backends[i], false));
		for (size_t j = 0; j < RTE_DIM(backends); j++)
			check_with_pins(mr_slot_make(backends[i], backends[j], true));
	}
	for (size_t i = 0; i < MR_PICK_REASON_COUNT; i++)
		CU_ASSERT(seen[i] > 0);
}

static void check_exclusion(const char *client, const char *service, const char *first,
			    enum mr_exclude_action action)
{
	const struct situation steady = {mr_slot_make(A, A, false), NONE, NO_STATE, false};
	const struct mr_tuple tuple = tuple_of(client, service, 25);
	const struct mr_addr first_addr = frame_addr(first);
	struct mr_explanation told;

	set_up(&steady, &tuple);
	told = explain(&tuple);
	CU_ASSERT_FATAL(told.has_service && told.excluded);
	CU_ASSERT_EQUAL(told.exclude_action, action);
	CU_ASSERT(mr_addr_equal(&told.exclusion.first, &first_addr));
	CU_ASSERT_EQUAL(told.syn.backend, A); /* as if it were not excluded */
	CU_ASSERT_EQUAL(deliver(client, service, 25, SYN), NONE);
	CU_ASSERT_EQUAL(
		rig->worker.counters->verdicts[action == MR_EXCLUDE_DROP ? MR_DROP_EXCLUDED
									 : MR_RESET_EXCLUDED],
		1);
}

static void test_access_rules(void)
{
	check_exclusion("10.0.0.0", "10.0.0.10", "10.0.0.0", MR_EXCLUDE_REJECT);
	check_exclusion("10.0.0.63", "10.0.0.10", "10.0.0.0", MR_EXCLUDE_REJECT);
	check_exclusion("10.0.2.7", "10.0.0.11", "10.0.2.0", MR_EXCLUDE_DROP);
}

static void test_admitted_beside_ranges(void)
{
	static const char *const clients[] = {"10.0.0.64", "10.0.1.255", "10.0.3.0"};
	const struct situation steady = {mr_slot_make(B, B, false), NONE, NO_STATE, false};

	for (size_t i = 0; i < RTE_DIM(clients); i++) {
		const struct mr_tuple tuple = tuple_of(clients[i], "10.0.0.10", 25);

		set_up(&steady, &tuple);
		CU_ASSERT_FALSE(explain(&tuple).excluded);
		CU_ASSERT_EQUAL(deliver(clients[i], "10.0.0.10", 25, SYN), B);
	}
}

static void test_no_service(void)
{
	const struct situation steady = {mr_slot_make(A, A, false), NONE, NO_STATE, false};
	const struct mr_tuple tuple = tuple_of("192.0.2.1", "10.0.0.10", 26);

	set_up(&steady, &tuple);
	CU_ASSERT_FALSE(explain(&tuple).has_service);
	CU_ASSERT_EQUAL(deliver("192.0.2.1", "10.0.0.10", 26, SYN), NONE);
	CU_ASSERT_EQUAL(rig->worker.counters->verdicts[MR_DROP_NOT_SERVICE], 1);
}

/* Not in pins, stamps or counters, and not in what the same question is answered next. */
static void test_leaves_no_trace(void)
{
	static const struct mr_worker_counters zero;
	const struct mr_tuple tuple = tuple_of("192.0.2.1", "10.0.0.10", 25);
	const uint64_t hash = mr_session_hash(&snapshot->hash_key, &tuple);
	const struct situation situations[] = {
		{mr_slot_make(B, A, true), NONE, NO_STATE, false},
		{mr_slot_make(B, A, true), GONE, MR_PIN_ESTABLISHED, false},
		{mr_slot_make(B, A, true), NONE, NO_STATE, true},
	};

	for (size_t i = 0; i < RTE_DIM(situations); i++) {
		struct mr_explanation first, second;
		struct mr_pin pin = {.seen_s = 7};

		set_up(&situations[i], &tuple);
		first = explain(&tuple);
		second = explain(&tuple);
		CU_ASSERT_EQUAL(first.syn.reason, second.syn.reason);
		CU_ASSERT_EQUAL(first.segment.reason, second.segment.reason);
		CU_ASSERT_EQUAL(mr_pin_table_count(rig->worker.pins),
				situations[i].pin_state != NO_STATE);
		mr_pin_table_find(rig->worker.pins, hash, &pin);
		CU_ASSERT_EQUAL(pin.seen_s, 7);
		CU_ASSERT_EQUAL(memcmp(rig->worker.counters, &zero, sizeof(zero)), 0);
		for (uint32_t slot = 0; slot < TABLE_SIZE; slot++)
			CU_ASSERT_EQUAL(slots->notes->unknown[slot], 0);
	}
}

static void test_hash_and_slot(void)
{
	const struct mr_tuple tuple = tuple_of("192.0.2.1", "10.0.0.10", 25);
	const struct mr_explanation told = explain(&tuple);

	CU_ASSERT_EQUAL(told.service, SMTP);
	CU_ASSERT_EQUAL(told.hash, mr_session_hash(&snapshot->hash_key, &tuple));
	CU_ASSERT_EQUAL(told.slot, mr_session_slot(told.hash, TABLE_SIZE));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(build_snapshot),     UNIT_TEST(test_every_situation),
		UNIT_TEST(test_access_rules),  UNIT_TEST(test_admitted_beside_ranges),
		UNIT_TEST(test_no_service),    UNIT_TEST(test_leaves_no_trace),
		UNIT_TEST(test_hash_and_slot), CU_TEST_INFO_NULL,
	};
	const int status = rig_unit_run("explain", tests, &rig);

	mr_snapshot_destroy(snapshot);
	return status;
}
