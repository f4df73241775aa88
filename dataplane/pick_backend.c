/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 4: slot, then backend. Reads service and hash; sets backend. On a steady slot that is
 * one array read. On a moving one, pins decide: a new session goes to the slot's current
 * backend and is pinned there; one that is not known began before the last change, belongs to
 * the slot's base and is pinned there. What is no segment of its own (ICMP errors, later
 * fragments) follows pins and makes none. Packets of probes have their backend already.
 *
 * Three passes over the burst, each of which fetches what the next one reads: find slots, read
 * them, ask pins. The last one keeps the order of arrival: a packet meets the pins of those
 * before it.
 */
#include "pick_backend.h"

#include "packet.h"
#include "pin_table.h"

/* A packet on its way through the passes. */
struct seeker {
	struct packet *packet;
	const struct mr_pool *pool;
	uint32_t slot;
};

static bool is_alive(const struct mr_snapshot *snapshot, mr_backend_id backend)
{
	return backend < snapshot->backend_capacity && snapshot->backends[backend].alive;
}

static enum mr_pin_state next_state(const struct pick_segment *segment, enum mr_pin_state state)
{
	if (segment->ends)
		return MR_PIN_CLOSING;
	if (segment->opens)
		return state == MR_PIN_CLOSING ? MR_PIN_EMBRYONIC : state;
	return state == MR_PIN_EMBRYONIC ? MR_PIN_ESTABLISHED : state;
}

/* What only follows leaves pins alone, and where there is nobody there is nothing to remember. */
static inline struct pick picked(struct mr_pick to, enum pin_fate fate, enum mr_pin_state state,
				 const struct pick_segment *segment)
{
	const bool nobody = to.backend == MR_BACKEND_NONE;

	return (struct pick){
		.to = {to.backend, nobody ? MR_PICK_NOBODY : to.reason},
		.fate = nobody || !segment->is_segment ? PIN_AS_IT_IS : fate,
		.pin = {to.backend, state, segment->now_s},
	};
}

/* Where base and current are one there is nothing to remember either. */
static inline struct pick decide_unpinned(mr_slot word, const struct pick_segment *segment)
{
	const mr_backend_id current = mr_slot_current(word);
	const mr_backend_id base = mr_slot_base(word);

	if (base == current)
		return picked((struct mr_pick){current, MR_PICK_AGREED}, PIN_AS_IT_IS, 0, segment);
	if (segment->opens)
		return picked((struct mr_pick){current, MR_PICK_NEW}, PIN_MADE, MR_PIN_EMBRYONIC,
			      segment);
	return picked((struct mr_pick){base, MR_PICK_OLDER}, PIN_MADE,
		      segment->ends ? MR_PIN_CLOSING : MR_PIN_ESTABLISHED, segment);
}

/*
 * A pinned session: stays, unless its 4-tuple is used again by a new session, or its backend is
 * gone (then the new one's reset tells the client at once). A SYN in a session that has not
 * ended stays too: the server answers with a challenge (RFC 5961, section 4).
 */
static inline struct pick decide_pinned(const struct mr_snapshot *snapshot, mr_slot word,
					const struct mr_pin *pin,
					const struct pick_segment *segment)
{
	const mr_backend_id current = mr_slot_current(word);
	const enum mr_pin_state state = next_state(segment, pin->state);

	if (segment->opens && pin->state == MR_PIN_CLOSING)
		return picked((struct mr_pick){current, MR_PICK_REUSED}, PIN_REFRESHED, state,
			      segment);
	if (!is_alive(snapshot, pin->backend))
		return picked((struct mr_pick){current, MR_PICK_REHASHED}, PIN_REFRESHED,
			      segment->opens ? MR_PIN_EMBRYONIC : state, segment);
	return picked((struct mr_pick){pin->backend, MR_PICK_PINNED}, PIN_REFRESHED, state,
		      segment);
}

/* Inline, so that on the packets' way nothing of it goes through memory. */
static inline struct pick decide(const struct mr_snapshot *snapshot, mr_slot word,
				 const struct mr_pin *pin, const struct pick_segment *segment)
{
	return pin != NULL ? decide_pinned(snapshot, word, pin, segment)
			   : decide_unpinned(word, segment);
}

struct pick pick_decide(const struct mr_snapshot *snapshot, mr_slot word, const struct mr_pin *pin,
			const struct pick_segment *segment)
{
	if (!mr_slot_moving(word))
		return picked((struct mr_pick){mr_slot_current(word), MR_PICK_STEADY}, PIN_AS_IT_IS,
			      0, segment);
	return decide(snapshot, word, pin, segment);
}

/* An ICMP error says nothing of how its session goes on, a later fragment no more than the first.
 */
static bool is_segment(const struct packet *packet)
{
	return packet->kind == PACKET_TCP && packet->fragment != FRAGMENT_LATER;
}

static void answer_no_backend(struct packet *packet)
{
	if (!is_segment(packet) || packet->tcp_flags & RTE_TCP_RST_FLAG)
		packet->verdict = MR_DROP_NO_BACKEND;
	else
		packet->verdict = MR_RESET_NO_BACKEND;
}

static struct pick_segment segment_of(const struct packet *packet, uint32_t now_s)
{
	const bool counts = is_segment(packet);
	const uint8_t end_flags = RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG;

	return (struct pick_segment){
		.is_segment = counts,
		.opens = counts && packet_opens_session(packet),
		.ends = counts && (packet->tcp_flags & end_flags) != 0,
		.now_s = now_s,
	};
}

/* Somebody whom nobody remembers has been here: the slot is to go on moving for that long. */
static void note_unknown(struct worker *worker, const struct seeker *seeker)
{
	mr_slots_note_unknown(seeker->pool->slots, seeker->slot, worker->now_s);
}

/*
 * When no pin is to be had for a new session, base is the answer that its later packets will get
 * as well.
 */
static mr_backend_id pin_new(struct worker *worker, const struct seeker *seeker,
			     const struct mr_pin *pin)
{
	struct mr_worker_counters *counters = worker->counters;

	if (!pin_table_add(worker->pins, seeker->packet->hash, pin)) {
		note_unknown(worker, seeker);
		counters->pins_refused++;
		return mr_slot_base(seeker->pool->slots->words[seeker->slot]);
	}
	counters->pins_created++;
	/* The control thread's clock may be a moment ahead. */
	if (worker->now_s < seeker->pool->changed_s + MR_SYN_REPEAT_S)
		counters->pins_repeatable++;
	return pin->backend;
}

/* Without a pin it goes to base all the same, and its next packet tries again. */
static void pin_older(struct worker *worker, const struct seeker *seeker, const struct mr_pin *pin)
{
	struct mr_worker_counters *counters = worker->counters;
	const uint64_t hash = seeker->packet->hash;

	note_unknown(worker, seeker);
	if (pin_table_add(worker->pins, hash, pin)) {
		counters->pins_adopted++;
	} else if (pin_table_evict(worker->pins, hash, pin)) {
		counters->pins_adopted++;
		counters->pins_evicted++;
	} else {
		counters->pins_deferred++;
	}
}

static void count_pinned(struct mr_worker_counters *counters, const struct pick *pick,
			 const struct pick_segment *segment, enum mr_pin_state old_state)
{
	counters->pins_rehashed += pick->to.reason == MR_PICK_REHASHED;
	counters->pins_reused += segment->opens && old_state != MR_PIN_EMBRYONIC;
}

static mr_backend_id pick_on_moving(struct worker *worker, const struct mr_snapshot *snapshot,
				    const struct seeker *seeker)
{
	const uint64_t hash = seeker->packet->hash;
	const mr_slot word = seeker->pool->slots->words[seeker->slot];
	const struct pick_segment segment = segment_of(seeker->packet, worker->now_s);
	uint64_t data = 0;
	struct pin_entry *entry = pin_table_lookup(worker->pins, hash, &data);
	const struct mr_pin pin = pin_unpack(data);
	const struct pick pick = pick_decide(snapshot, word, entry != NULL ? &pin : NULL, &segment);

	switch (pick.fate) {
	case PIN_AS_IT_IS:
		break;
	case PIN_REFRESHED:
		count_pinned(worker->counters, &pick, &segment, pin.state);
		if (!pins_equal(&pin, &pick.pin))
			pin_table_refresh(worker->pins, entry, hash, data, &pick.pin);
		break;
	case PIN_MADE:
		if (segment.opens)
			return pin_new(worker, seeker, &pick.pin);
		pin_older(worker, seeker, &pick.pin);
		break;
	}
	return pick.to.backend;
}

static uint32_t find_slots(const struct mr_snapshot *snapshot, struct burst *burst,
			   struct seeker *seekers)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];
		struct seeker *seeker = &seekers[count];

		if (packet->verdict != UNDECIDED || packet->backend != MR_BACKEND_NONE)
			continue;
		seeker->packet = packet;
		seeker->pool = &snapshot->pools[snapshot->services[packet->service].pool];
		seeker->slot = mr_session_slot(packet->hash, seeker->pool->slots->size);
		rte_prefetch0(&seeker->pool->slots->words[seeker->slot]);
		count++;
	}
	return count;
}

/* Leaves those on moving slots, in their order, and returns their number. */
static uint32_t settle_steady(const struct mr_pin_table *pins, struct seeker *seekers,
			      uint32_t count)
{
	uint32_t moving_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct seeker *seeker = &seekers[i];
		const mr_slot word = seeker->pool->slots->words[seeker->slot];

		if (mr_slot_moving(word)) {
			pin_table_prefetch(pins, seeker->packet->hash);
			seekers[moving_count++] = *seeker;
			continue;
		}
		seeker->packet->backend = mr_slot_current(word);
		if (seeker->packet->backend == MR_BACKEND_NONE)
			answer_no_backend(seeker->packet);
	}
	return moving_count;
}

static void ask_pins(struct worker *worker, const struct mr_snapshot *snapshot,
		     const struct seeker *seekers, uint32_t count)
{
	/* By now the first buckets are here: who is not there may be in the second. */
	for (uint32_t i = 0; i < count; i++) {
		if (!pin_table_is_in_first(worker->pins, seekers[i].packet->hash))
			pin_table_prefetch_second(worker->pins, seekers[i].packet->hash);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct packet *packet = seekers[i].packet;

		packet->backend = pick_on_moving(worker, snapshot, &seekers[i]);
		if (packet->backend == MR_BACKEND_NONE)
			answer_no_backend(packet);
	}
}

void pick_backend(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	struct seeker seekers[BURST_SIZE];
	uint32_t count = find_slots(snapshot, burst, seekers);

	count = settle_steady(worker->pins, seekers, count);
	ask_pins(worker, snapshot, seekers, count);
}
