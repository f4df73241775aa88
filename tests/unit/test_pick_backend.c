/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slot to backend: steady slots, moving slots with their pins, backends that go, a pin table
 * that is full. Packets are made as match_service leaves them; the pin table is the real one.
 */
#include "pick_backend.h"

#include <rte_tcp.h>

#include "../lib/rig_unit.h"
#include "packet.h"
#include "pin_table.h"

#define SYN RTE_TCP_SYN_FLAG
#define ACK RTE_TCP_ACK_FLAG
#define FIN (RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG)
#define RST RTE_TCP_RST_FLAG

/* On a table of one slot, every session falls on it. */
#define SESSION 0x123456789abcdef0ULL
#define OTHER	0x0fedcba987654321ULL

enum { A, B, C, GONE, BACKENDS };

static struct rig *rig;
static struct mr_snapshot *snapshot;
static struct mr_slots *slots;

static void build_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1,
		.pool_count = 1,
		.backend_capacity = BACKENDS,
	};

	snapshot = mr_snapshot_create(&sizes);
	slots = mr_slots_create(1, NULL);
	CU_ASSERT_FATAL(snapshot != NULL && slots != NULL);
	snapshot->pools[0].slots = slots;
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

/* Every test starts without pins, with zeroed counters, at second 100. */
static void reset_rig(mr_slot word)
{
	uint32_t cursor = 0;

	mr_pin_table_sweep(rig->worker.pins, &cursor, UINT32_MAX, keep_none, NULL);
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	rig->worker.now_s = 100;
	slots->words[0] = word;
	slots->notes->unknown[0] = 0;
	snapshot->pools[0].changed_s = 0;
	for (unsigned int i = 0; i < BACKENDS; i++)
		snapshot->backends[i].alive = i != GONE;
}

static struct packet packet_of(uint64_t hash, uint8_t tcp_flags)
{
	return (struct packet){
		.verdict = UNDECIDED,
		.kind = PACKET_TCP,
		.fragment = FRAGMENT_NONE,
		.tcp_flags = tcp_flags,
		.backend = MR_BACKEND_NONE,
		.hash = hash,
	};
}

static struct packet pick_as(uint64_t hash, uint8_t tcp_flags, enum packet_kind kind,
			     enum packet_fragment fragment)
{
	struct burst burst = {.count = 1, .packets = {packet_of(hash, tcp_flags)}};

	burst.packets[0].kind = (uint8_t)kind;
	burst.packets[0].fragment = (uint8_t)fragment;
	pick_backend(&rig->worker, snapshot, &burst);
	return burst.packets[0];
}

static struct packet pick_packet(uint64_t hash, uint8_t tcp_flags)
{
	return pick_as(hash, tcp_flags, PACKET_TCP, FRAGMENT_NONE);
}

static mr_backend_id pick(uint64_t hash, uint8_t tcp_flags)
{
	const struct packet packet = pick_packet(hash, tcp_flags);

	CU_ASSERT_EQUAL(packet.verdict, UNDECIDED);
	return packet.backend;
}

static void assert_pin(uint64_t hash, mr_backend_id backend, enum mr_pin_state state)
{
	struct mr_pin pin = {0};

	CU_ASSERT(mr_pin_table_find(rig->worker.pins, hash, &pin));
	CU_ASSERT_EQUAL(pin.backend, backend);
	CU_ASSERT_EQUAL(pin.state, state);
	CU_ASSERT_EQUAL(pin.seen_s, rig->worker.now_s);
}

static void assert_no_pin(uint64_t hash)
{
	struct mr_pin pin;

	CU_ASSERT_FALSE(mr_pin_table_find(rig->worker.pins, hash, &pin));
}

static void test_steady(void)
{
	reset_rig(mr_slot_make(A, A, false));
	CU_ASSERT_EQUAL(pick(SESSION, SYN), A);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	CU_ASSERT_EQUAL(pick(OTHER, RST), A);
	CU_ASSERT_EQUAL(mr_pin_table_count(rig->worker.pins), 0);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], 0);
}

/* The hash's upper half chooses the slot. */
static void test_slot_of_many(void)
{
	struct mr_slots *many = mr_slots_create(4, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(many);
	reset_rig(0);
	many->words[0] = mr_slot_make(A, A, false);
	many->words[1] = mr_slot_make(B, B, false);
	many->words[2] = mr_slot_make(C, C, false);
	many->words[3] = mr_slot_make(A, A, false);
	snapshot->pools[0].slots = many;
	CU_ASSERT_EQUAL(pick(0x3fffffffffffffffULL, ACK), A);
	CU_ASSERT_EQUAL(pick(0x4000000000000000ULL, ACK), B);
	CU_ASSERT_EQUAL(pick(0x80000000ffffffffULL, ACK), C);
	CU_ASSERT_EQUAL(pick(0xffffffffffffffffULL, ACK), A);
	snapshot->pools[0].slots = slots;
	mr_slots_put(many);
}

static void test_moving_syn_goes_to_current(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	assert_pin(SESSION, B, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_created, 1);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], 0);

	rig->worker.now_s = 101;
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	assert_pin(SESSION, B, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	assert_pin(SESSION, B, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_created, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 0);
}

/* A SYN that may be the repetition of one from before the change. */
static void test_repeatable(void)
{
	static const struct {
		uint32_t changed_s;
		uint32_t now_s;
		bool is_repeatable;
	} cases[] = {
		{1000, 1000, true},
		{1000, 999, true}, /* the worker's clock is a moment behind */
		{1000, 1000 + MR_SYN_REPEAT_S - 1, true},
		{1000, 1000 + MR_SYN_REPEAT_S, false},
		{1000, 9000, false},
		{0, 9000, false},
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		reset_rig(mr_slot_make(B, A, true));
		snapshot->pools[0].changed_s = cases[i].changed_s;
		rig->worker.now_s = cases[i].now_s;
		CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
		CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
		CU_ASSERT_EQUAL(pick(OTHER, ACK), A);
		CU_ASSERT_EQUAL(rig->worker.counters->pins_repeatable, cases[i].is_repeatable);
	}
}

/* ECN's flags on a SYN (RFC 3168, section 6.1.1) do not make it anything else. */
static void test_moving_syn_with_ecn(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, SYN | RTE_TCP_ECE_FLAG | RTE_TCP_CWR_FLAG), B);
	CU_ASSERT_EQUAL(pick(OTHER, SYN | ACK), A);
}

static void test_moving_unknown_goes_to_base(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	assert_pin(SESSION, A, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_adopted, 1);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], mr_stamp_make(100));

	/* Known from now on: the slot's note stays. */
	rig->worker.now_s = 107;
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	assert_pin(SESSION, A, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], mr_stamp_make(100));
	CU_ASSERT_EQUAL(rig->worker.counters->pins_adopted, 1);
}

static void test_adopted_at_its_end(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, FIN), A);
	assert_pin(SESSION, A, MR_PIN_CLOSING);
	CU_ASSERT_EQUAL(pick(OTHER, RST), A);
	assert_pin(OTHER, A, MR_PIN_CLOSING);
}

/* Changes on top of one another: each session stays where it was when it began. */
static void test_pins_outlast_further_changes(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	CU_ASSERT_EQUAL(pick(OTHER, ACK), A);

	slots->words[0] = mr_slot_make(C, A, true);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	CU_ASSERT_EQUAL(pick(OTHER, ACK), A);
	CU_ASSERT_EQUAL(pick(3, SYN), C);
	CU_ASSERT_EQUAL(pick(4, ACK), A);

	/* And back: the slot is still moving, since pins away from current remain. */
	slots->words[0] = mr_slot_make(A, A, true);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	CU_ASSERT_EQUAL(pick(3, ACK), C);
	CU_ASSERT_EQUAL(pick(5, SYN), A);
	CU_ASSERT_EQUAL(pick(6, ACK), A);
	assert_no_pin(5);
	assert_no_pin(6);
}

static void test_dead_backend_is_left(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	snapshot->backends[A].alive = false;
	slots->words[0] = mr_slot_make(B, B, true);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	assert_pin(SESSION, B, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 1);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 1);

	/* It comes back: the session does not. */
	snapshot->backends[A].alive = true;
	slots->words[0] = mr_slot_make(A, B, true);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 1);
}

/* A client that begins anew after its server is gone has a new session. */
static void test_syn_after_dead_backend(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	CU_ASSERT_EQUAL(pick(OTHER, FIN), A);
	snapshot->backends[A].alive = false;
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	assert_pin(SESSION, B, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 1);
	CU_ASSERT_EQUAL(pick(OTHER, SYN), B);
	assert_pin(OTHER, B, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 2);
}

/* A pin may name an id that the snapshot has no backend for. */
static void test_removed_backend_is_left(void)
{
	const struct mr_pin pin = {BACKENDS + 5, MR_PIN_ESTABLISHED, 90};

	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT(pin_table_add(rig->worker.pins, SESSION, &pin));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	assert_pin(SESSION, B, MR_PIN_ESTABLISHED);
}

static void test_dead_backend_without_successor(void)
{
	struct packet packet;

	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	snapshot->backends[A].alive = false;
	snapshot->backends[B].alive = false;
	slots->words[0] = mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, true);
	packet = pick_packet(SESSION, ACK);
	CU_ASSERT_EQUAL(packet.verdict, MR_RESET_NO_BACKEND);
	packet = pick_packet(SESSION, RST);
	CU_ASSERT_EQUAL(packet.verdict, MR_DROP_NO_BACKEND);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 0);
	assert_pin(SESSION, A, MR_PIN_ESTABLISHED);
}

/* A client may use its port again as soon as its session is closed. */
static void test_port_used_again(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	CU_ASSERT_EQUAL(pick(SESSION, FIN), A);
	assert_pin(SESSION, A, MR_PIN_CLOSING);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	assert_pin(SESSION, A, MR_PIN_CLOSING);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 0);
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	assert_pin(SESSION, B, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 1);
	CU_ASSERT_EQUAL(pick(SESSION, ACK), B);
	assert_pin(SESSION, B, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_rehashed, 0);
}

/* A stray SYN, old or forged, does not tear a session from its backend (RFC 5961, section 4). */
static void test_syn_in_a_session(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	CU_ASSERT_EQUAL(pick(SESSION, SYN), A);
	assert_pin(SESSION, A, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 1);
}

static void use_up_budget(enum mr_pin_state state)
{
	const struct mr_pin pin = {C, state, 100};
	uint64_t hash = 1000;

	while (mr_pin_table_count(rig->worker.pins) < RIG_PIN_BUDGET)
		pin_table_add(rig->worker.pins, hash++ * 0x9e3779b97f4a7c15ULL, &pin);
}

/* Without room everybody goes to base: the only answer that later packets can get as well. */
static void test_budget_used_up(void)
{
	reset_rig(mr_slot_make(B, A, true));
	use_up_budget(MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(pick(SESSION, SYN), A);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], mr_stamp_make(100));
	rig->worker.now_s = 105;
	CU_ASSERT_EQUAL(pick(SESSION, ACK), A);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], mr_stamp_make(105));
	CU_ASSERT_EQUAL(pick(OTHER, ACK), A);
	assert_no_pin(SESSION);
	assert_no_pin(OTHER);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_refused, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_deferred, 2);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_evicted, 0);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_created, 0);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_repeatable, 0);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_adopted, 0);
	CU_ASSERT_EQUAL(mr_pin_table_count(rig->worker.pins), RIG_PIN_BUDGET);
}

/* A flood of SYNs takes no room from older sessions, nor does one more SYN from the flood. */
static void test_embryonic_pins_give_way(void)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint32_t sessions = 100;
	uint32_t pinned = 0;

	reset_rig(mr_slot_make(B, A, true));
	use_up_budget(MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(pick(SESSION, SYN), A);
	assert_no_pin(SESSION);
	CU_ASSERT_EQUAL(counters->pins_refused, 1);
	for (uint64_t i = 1; i <= sessions; i++) {
		const uint64_t hash = i * 0xd1b54a32d192ed03ULL;
		struct mr_pin pin;

		CU_ASSERT_EQUAL(pick(hash, ACK), A);
		pinned += mr_pin_table_find(rig->worker.pins, hash, &pin) && pin.backend == A;
	}
	/* Its buckets may hold no pin at all: then the budget is all that is in the way. */
	CU_ASSERT(pinned > sessions * 9 / 10);
	CU_ASSERT_EQUAL(counters->pins_evicted, pinned);
	CU_ASSERT_EQUAL(counters->pins_adopted, pinned);
	CU_ASSERT_EQUAL(counters->pins_deferred, sessions - pinned);
	CU_ASSERT_EQUAL(counters->pins_refused, 1);
	CU_ASSERT_EQUAL(mr_pin_table_count(rig->worker.pins), RIG_PIN_BUDGET);
}

/* Packets of one burst meet the pins of those before them. */
static void test_burst(void)
{
	const struct packet packets[] = {
		packet_of(SESSION, SYN), packet_of(OTHER, ACK),	  packet_of(SESSION, SYN),
		packet_of(SESSION, ACK), packet_of(OTHER, FIN),	  packet_of(OTHER, SYN),
		packet_of(3, ACK),	 packet_of(SESSION, FIN),
	};
	static const mr_backend_id expected[] = {B, A, B, B, A, B, A, B};
	struct burst burst = {.count = RTE_DIM(packets)};

	memcpy(burst.packets, packets, sizeof(packets));
	reset_rig(mr_slot_make(B, A, true));
	pick_backend(&rig->worker, snapshot, &burst);
	for (size_t i = 0; i < RTE_DIM(packets); i++)
		CU_ASSERT_EQUAL(burst.packets[i].backend, expected[i]);
	assert_pin(SESSION, B, MR_PIN_CLOSING);
	assert_pin(OTHER, B, MR_PIN_EMBRYONIC);
	assert_pin(3, A, MR_PIN_ESTABLISHED);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_created, 1);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_adopted, 2);
	CU_ASSERT_EQUAL(rig->worker.counters->pins_reused, 1);
}

/* A full burst, over steady and moving slots and with packets that are decided already. */
static void test_mixed_burst(void)
{
	struct mr_slots *many = mr_slots_create(4, NULL);
	struct burst burst = {.count = BURST_SIZE};

	CU_ASSERT_PTR_NOT_NULL_FATAL(many);
	reset_rig(0);
	many->words[0] = mr_slot_make(A, A, false);
	many->words[1] = mr_slot_make(B, A, true);
	many->words[2] = mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false);
	many->words[3] = mr_slot_make(C, B, true);
	snapshot->pools[0].slots = many;
	for (uint32_t i = 0; i < BURST_SIZE; i++) {
		burst.packets[i] = packet_of((uint64_t)(i % 4) << 62 | (i + 1), SYN);
		if (i % 8 == 5)
			burst.packets[i].backend = C; /* a probe */
		if (i % 8 == 7)
			burst.packets[i].verdict = MR_DROP_BAD_IP;
	}
	pick_backend(&rig->worker, snapshot, &burst);
	for (uint32_t i = 0; i < BURST_SIZE; i++) {
		static const mr_backend_id expected[] = {A, B, MR_BACKEND_NONE, C,
							 A, C, MR_BACKEND_NONE, MR_BACKEND_NONE};

		CU_ASSERT_EQUAL(burst.packets[i].backend, expected[i % 8]);
		CU_ASSERT_EQUAL(burst.packets[i].verdict, i % 8 == 7   ? MR_DROP_BAD_IP
							  : i % 4 == 2 ? MR_RESET_NO_BACKEND
								       : UNDECIDED);
	}
	CU_ASSERT_EQUAL(rig->worker.counters->pins_created, BURST_SIZE / 4);
	snapshot->pools[0].slots = slots;
	mr_slots_put(many);
}

/* Why, and what becomes of the pin: each row one decision. */
#define SEGMENT	 true, false, false
#define OPENS	 true, true, false
#define ENDS	 true, false, true
#define FOLLOWER false, false, false
#define NO_STATE ((enum mr_pin_state)0)

static void test_decisions(void)
{
	static const struct {
		mr_backend_id current, base;
		bool moving;
		struct {
			bool is_segment, opens, ends;
		} segment;
		struct {
			mr_backend_id backend;
			enum mr_pin_state state; /* 0: no pin */
		} pin;
		enum mr_pick_reason reason;
		mr_backend_id backend;
		enum pin_fate fate;
		enum mr_pin_state state; /* of the pin that becomes */
	} rows[] = {
		{A, A, false, {OPENS}, {0}, MR_PICK_STEADY, A, PIN_AS_IT_IS, NO_STATE},
		{A, A, false, {SEGMENT}, {B, 2}, MR_PICK_STEADY, A, PIN_AS_IT_IS, NO_STATE},
		{MR_BACKEND_NONE,
		 MR_BACKEND_NONE,
		 false,
		 {OPENS},
		 {0},
		 MR_PICK_NOBODY,
		 MR_BACKEND_NONE,
		 PIN_AS_IT_IS,
		 NO_STATE},
		{B, A, true, {OPENS}, {0}, MR_PICK_NEW, B, PIN_MADE, MR_PIN_EMBRYONIC},
		{B, A, true, {SEGMENT}, {0}, MR_PICK_OLDER, A, PIN_MADE, MR_PIN_ESTABLISHED},
		{B, A, true, {ENDS}, {0}, MR_PICK_OLDER, A, PIN_MADE, MR_PIN_CLOSING},
		{B, A, true, {FOLLOWER}, {0}, MR_PICK_OLDER, A, PIN_AS_IT_IS, NO_STATE},
		{A, A, true, {OPENS}, {0}, MR_PICK_AGREED, A, PIN_AS_IT_IS, NO_STATE},
		{A, A, true, {SEGMENT}, {0}, MR_PICK_AGREED, A, PIN_AS_IT_IS, NO_STATE},
		{MR_BACKEND_NONE,
		 A,
		 true,
		 {OPENS},
		 {0},
		 MR_PICK_NOBODY,
		 MR_BACKEND_NONE,
		 PIN_AS_IT_IS,
		 NO_STATE},
		{A,
		 MR_BACKEND_NONE,
		 true,
		 {SEGMENT},
		 {0},
		 MR_PICK_NOBODY,
		 MR_BACKEND_NONE,
		 PIN_AS_IT_IS,
		 NO_STATE},
		{B, A, true, {OPENS}, {C, 1}, MR_PICK_PINNED, C, PIN_REFRESHED, MR_PIN_EMBRYONIC},
		{B,
		 A,
		 true,
		 {SEGMENT},
		 {C, 1},
		 MR_PICK_PINNED,
		 C,
		 PIN_REFRESHED,
		 MR_PIN_ESTABLISHED},
		{B, A, true, {OPENS}, {C, 2}, MR_PICK_PINNED, C, PIN_REFRESHED, MR_PIN_ESTABLISHED},
		{B, A, true, {ENDS}, {C, 2}, MR_PICK_PINNED, C, PIN_REFRESHED, MR_PIN_CLOSING},
		{B, A, true, {SEGMENT}, {C, 3}, MR_PICK_PINNED, C, PIN_REFRESHED, MR_PIN_CLOSING},
		{B, A, true, {FOLLOWER}, {C, 1}, MR_PICK_PINNED, C, PIN_AS_IT_IS, NO_STATE},
		{A,
		 A,
		 true,
		 {SEGMENT},
		 {C, 2},
		 MR_PICK_PINNED,
		 C,
		 PIN_REFRESHED,
		 MR_PIN_ESTABLISHED},
		{B, A, true, {OPENS}, {C, 3}, MR_PICK_REUSED, B, PIN_REFRESHED, MR_PIN_EMBRYONIC},
		{B,
		 A,
		 true,
		 {OPENS},
		 {GONE, 3},
		 MR_PICK_REUSED,
		 B,
		 PIN_REFRESHED,
		 MR_PIN_EMBRYONIC},
		{B,
		 A,
		 true,
		 {SEGMENT},
		 {GONE, 1},
		 MR_PICK_REHASHED,
		 B,
		 PIN_REFRESHED,
		 MR_PIN_ESTABLISHED},
		{B,
		 A,
		 true,
		 {OPENS},
		 {GONE, 2},
		 MR_PICK_REHASHED,
		 B,
		 PIN_REFRESHED,
		 MR_PIN_EMBRYONIC},
		{B,
		 A,
		 true,
		 {SEGMENT},
		 {BACKENDS, 2},
		 MR_PICK_REHASHED,
		 B,
		 PIN_REFRESHED,
		 MR_PIN_ESTABLISHED},
		{B, A, true, {FOLLOWER}, {GONE, 2}, MR_PICK_REHASHED, B, PIN_AS_IT_IS, NO_STATE},
		{MR_BACKEND_NONE,
		 A,
		 true,
		 {SEGMENT},
		 {GONE, 2},
		 MR_PICK_NOBODY,
		 MR_BACKEND_NONE,
		 PIN_AS_IT_IS,
		 NO_STATE},
		{MR_BACKEND_NONE,
		 A,
		 true,
		 {OPENS},
		 {C, 3},
		 MR_PICK_NOBODY,
		 MR_BACKEND_NONE,
		 PIN_AS_IT_IS,
		 NO_STATE},
	};

	reset_rig(0);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const mr_slot word = mr_slot_make(rows[i].current, rows[i].base, rows[i].moving);
		const struct mr_pin pin = {rows[i].pin.backend, rows[i].pin.state, 50};
		const struct pick_segment segment = {
			.is_segment = rows[i].segment.is_segment,
			.opens = rows[i].segment.opens,
			.ends = rows[i].segment.ends,
			.now_s = 77,
		};
		const struct pick pick =
			pick_decide(snapshot, word, pin.state != NO_STATE ? &pin : NULL, &segment);

		if (pick.to.reason != rows[i].reason || pick.to.backend != rows[i].backend ||
		    pick.fate != rows[i].fate)
			printf("\n    row %zu: reason %d, backend %u, fate %d, state %d", i,
			       pick.to.reason, pick.to.backend, pick.fate, pick.pin.state);
		CU_ASSERT_EQUAL(pick.to.reason, rows[i].reason);
		CU_ASSERT_EQUAL(pick.to.backend, rows[i].backend);
		CU_ASSERT_EQUAL(pick.fate, rows[i].fate);
		if (rows[i].fate == PIN_AS_IT_IS)
			continue;
		CU_ASSERT_EQUAL(pick.pin.state, rows[i].state);
		CU_ASSERT_EQUAL(pick.pin.backend, rows[i].backend);
		CU_ASSERT_EQUAL(pick.pin.seen_s, 77);
	}
}

/* A pool that has nobody for new sessions, and perhaps still somebody for the old ones. */
static void test_no_backend(void)
{
	for (unsigned int flags = 0; flags < 256; flags++) {
		reset_rig(mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false));
		CU_ASSERT_EQUAL(pick_packet(SESSION, (uint8_t)flags).verdict,
				flags & RST ? MR_DROP_NO_BACKEND : MR_RESET_NO_BACKEND);
	}
	reset_rig(mr_slot_make(MR_BACKEND_NONE, A, true));
	CU_ASSERT_EQUAL(pick_packet(SESSION, SYN).verdict, MR_RESET_NO_BACKEND);
	assert_no_pin(SESSION);
	CU_ASSERT_EQUAL(pick(OTHER, ACK), A);
}

/* Of an ICMP error and of a later fragment: both only follow. */
static void assert_followers(uint64_t hash, mr_backend_id expected)
{
	const struct mr_worker_counters before = *rig->worker.counters;
	const mr_stamp unknown = slots->notes->unknown[0];
	const uint32_t pins = mr_pin_table_count(rig->worker.pins);

	CU_ASSERT_EQUAL(pick_as(hash, 0, PACKET_ICMP_ERROR, FRAGMENT_NONE).backend, expected);
	CU_ASSERT_EQUAL(pick_as(hash, 0, PACKET_TCP, FRAGMENT_LATER).backend, expected);
	CU_ASSERT_EQUAL(memcmp(&before, rig->worker.counters, sizeof(before)), 0);
	CU_ASSERT_EQUAL(slots->notes->unknown[0], unknown);
	CU_ASSERT_EQUAL(mr_pin_table_count(rig->worker.pins), pins);
}

static void test_followers(void)
{
	reset_rig(mr_slot_make(A, A, false));
	assert_followers(SESSION, A);
	slots->words[0] = mr_slot_make(B, A, true);
	assert_followers(SESSION, A);
	assert_no_pin(SESSION);
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	assert_followers(SESSION, B);
	CU_ASSERT_EQUAL(pick(OTHER, ACK), A);
	assert_followers(OTHER, A);
	/* The pin's backend is gone: where the next segment will go. */
	slots->words[0] = mr_slot_make(C, A, true);
	snapshot->backends[B].alive = false;
	assert_followers(SESSION, C);
}

/* They neither keep a pin from expiring nor open what is closing. */
static void test_followers_refresh_nothing(void)
{
	struct mr_pin pin = {0};

	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick(SESSION, SYN), B);
	rig->worker.now_s = 130;
	assert_followers(SESSION, B);
	CU_ASSERT(mr_pin_table_find(rig->worker.pins, SESSION, &pin));
	CU_ASSERT_EQUAL(pin.state, MR_PIN_EMBRYONIC);
	CU_ASSERT_EQUAL(pin.seen_s, 100);
}

/* The first fragment is a segment like any other. */
static void test_first_fragment(void)
{
	reset_rig(mr_slot_make(B, A, true));
	CU_ASSERT_EQUAL(pick_as(SESSION, SYN, PACKET_TCP, FRAGMENT_FIRST).backend, B);
	assert_pin(SESSION, B, MR_PIN_EMBRYONIC);
	reset_rig(mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false));
	CU_ASSERT_EQUAL(pick_as(SESSION, ACK, PACKET_TCP, FRAGMENT_FIRST).verdict,
			MR_RESET_NO_BACKEND);
}

static void test_followers_are_never_answered(void)
{
	const mr_slot words[] = {
		mr_slot_make(MR_BACKEND_NONE, MR_BACKEND_NONE, false),
		mr_slot_make(A, MR_BACKEND_NONE, true),
	};

	for (size_t i = 0; i < RTE_DIM(words); i++) {
		reset_rig(words[i]);
		CU_ASSERT_EQUAL(pick_as(SESSION, 0, PACKET_ICMP_ERROR, FRAGMENT_NONE).verdict,
				MR_DROP_NO_BACKEND);
		CU_ASSERT_EQUAL(pick_as(SESSION, 0, PACKET_TCP, FRAGMENT_LATER).verdict,
				MR_DROP_NO_BACKEND);
	}
}

/* A probe's backend, and verdicts of the steps before, stay. */
static void test_decided_packets_are_left_alone(void)
{
	struct burst burst = {
		.count = 2,
		.packets = {{.verdict = UNDECIDED, .backend = C},
			    {.verdict = MR_DROP_BAD_IP, .backend = MR_BACKEND_NONE}},
	};

	reset_rig(mr_slot_make(A, A, false));
	pick_backend(&rig->worker, snapshot, &burst);
	CU_ASSERT_EQUAL(burst.packets[0].backend, C);
	CU_ASSERT_EQUAL(burst.packets[1].verdict, MR_DROP_BAD_IP);
	CU_ASSERT_EQUAL(burst.packets[1].backend, MR_BACKEND_NONE);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(build_snapshot),
		UNIT_TEST(test_steady),
		UNIT_TEST(test_slot_of_many),
		UNIT_TEST(test_moving_syn_goes_to_current),
		UNIT_TEST(test_repeatable),
		UNIT_TEST(test_moving_syn_with_ecn),
		UNIT_TEST(test_moving_unknown_goes_to_base),
		UNIT_TEST(test_adopted_at_its_end),
		UNIT_TEST(test_pins_outlast_further_changes),
		UNIT_TEST(test_dead_backend_is_left),
		UNIT_TEST(test_syn_after_dead_backend),
		UNIT_TEST(test_removed_backend_is_left),
		UNIT_TEST(test_dead_backend_without_successor),
		UNIT_TEST(test_port_used_again),
		UNIT_TEST(test_syn_in_a_session),
		UNIT_TEST(test_budget_used_up),
		UNIT_TEST(test_embryonic_pins_give_way),
		UNIT_TEST(test_burst),
		UNIT_TEST(test_mixed_burst),
		UNIT_TEST(test_decisions),
		UNIT_TEST(test_no_backend),
		UNIT_TEST(test_followers),
		UNIT_TEST(test_followers_refresh_nothing),
		UNIT_TEST(test_first_fragment),
		UNIT_TEST(test_followers_are_never_answered),
		UNIT_TEST(test_decided_packets_are_left_alone),
		CU_TEST_INFO_NULL,
	};
	int status = rig_unit_run("pick_backend", tests, &rig);

	mr_snapshot_destroy(snapshot);
	return status;
}
