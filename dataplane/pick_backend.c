/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 4: slot, then backend. Reads service and hash; sets backend. On a steady slot that is
 * one array read. On a moving one, pins decide: a new session goes to the slot's current
 * backend and is pinned there; one that is not known began before the last change, belongs to
 * the slot's base and is pinned there. What is no segment of its own (ICMP errors, later
 * fragments) follows pins and makes none. Packets of probes have their backend already.
 */
#include "packet.h"

#include "pin_table.h"

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

static bool is_alive(const struct mr_snapshot *snapshot, mr_backend_id backend)
{
	return backend < snapshot->backend_capacity && snapshot->backends[backend].alive;
}

static enum mr_pin_state next_state(const struct packet *packet, enum mr_pin_state state)
{
	if (packet->tcp_flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG))
		return MR_PIN_CLOSING;
	if (packet_opens_session(packet))
		return state == MR_PIN_CLOSING ? MR_PIN_EMBRYONIC : state;
	return state == MR_PIN_EMBRYONIC ? MR_PIN_ESTABLISHED : state;
}

/*
 * A pinned session: stays, unless its backend is gone (then the new one's reset tells the
 * client at once) or its 4-tuple is used again by a new session.
 */
static mr_backend_id follow_pin(struct worker *worker, const struct mr_snapshot *snapshot,
				const struct packet *packet, struct pin_entry *entry, uint64_t data,
				mr_backend_id current, uint32_t now_s)
{
	const struct mr_pin old = pin_unpack(data);
	struct mr_pin pin = {
		.backend = old.backend,
		.state = next_state(packet, old.state),
		.seen_s = now_s,
	};

	if (!is_alive(snapshot, old.backend)) {
		pin.backend = current;
		worker->counters->pins_rehashed++;
	} else if (old.state == MR_PIN_CLOSING && pin.state == MR_PIN_EMBRYONIC) {
		pin.backend = current;
	}
	if (pin.backend == MR_BACKEND_NONE)
		return MR_BACKEND_NONE;
	/* Losing the race with the sweep or a twin is harmless: the next packet writes again. */
	if (pin_pack(&pin) != data)
		pin_entry_update(entry, data, &pin);
	return pin.backend;
}

/*
 * A session without a pin. Where base and current are one there is nothing to remember. When
 * no pin is to be had, base is the answer that the session's later packets will get as well.
 */
static mr_backend_id meet_unpinned(struct worker *worker, const struct packet *packet,
				   struct mr_slots *slots, uint32_t slot, uint32_t now_s)
{
	const mr_backend_id current = mr_slot_current(slots->words[slot]);
	const mr_backend_id base = mr_slot_base(slots->words[slot]);
	const bool opens = packet_opens_session(packet);
	const struct mr_pin pin = {
		.backend = opens ? current : base,
		.state = next_state(packet, opens ? MR_PIN_EMBRYONIC : MR_PIN_ESTABLISHED),
		.seen_s = now_s,
	};

	if (base == current || pin.backend == MR_BACKEND_NONE)
		return pin.backend;
	if (!opens)
		__atomic_store_n(&slots->unknown_s[slot], now_s, __ATOMIC_RELAXED);
	if (!pin_table_add(worker->pins, packet->hash, &pin)) {
		worker->counters->pins_refused++;
		__atomic_store_n(&slots->unknown_s[slot], now_s, __ATOMIC_RELAXED);
		return base;
	}
	if (opens)
		worker->counters->pins_created++;
	else
		worker->counters->pins_adopted++;
	return pin.backend;
}

/* Where the session's next segment will go, or its last one went. */
static mr_backend_id find_session(const struct mr_snapshot *snapshot, mr_slot word,
				  const struct pin_entry *entry, uint64_t data)
{
	const mr_backend_id pinned = pin_unpack(data).backend;

	if (entry == NULL)
		return mr_slot_base(word);
	return is_alive(snapshot, pinned) ? pinned : mr_slot_current(word);
}

static mr_backend_id pick_on_moving(struct worker *worker, const struct mr_snapshot *snapshot,
				    const struct packet *packet, struct mr_slots *slots,
				    uint32_t slot)
{
	const mr_backend_id current = mr_slot_current(slots->words[slot]);
	const uint32_t now_s = worker->now_s;
	uint64_t data = 0;
	struct pin_entry *entry = pin_table_lookup(worker->pins, packet->hash, &data);

	if (!is_segment(packet))
		return find_session(snapshot, slots->words[slot], entry, data);
	if (entry != NULL)
		return follow_pin(worker, snapshot, packet, entry, data, current, now_s);
	return meet_unpinned(worker, packet, slots, slot, now_s);
}

static void pick(struct worker *worker, const struct mr_snapshot *snapshot, struct packet *packet)
{
	struct mr_slots *slots = snapshot->pools[snapshot->services[packet->service].pool].slots;
	const uint32_t slot = mr_session_slot(packet->hash, slots->size);
	const mr_slot word = slots->words[slot];

	packet->backend = mr_slot_moving(word)
				  ? pick_on_moving(worker, snapshot, packet, slots, slot)
				  : mr_slot_current(word);
	if (packet->backend == MR_BACKEND_NONE)
		answer_no_backend(packet);
}

void pick_backend(struct worker *worker, const struct mr_snapshot *snapshot, struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		struct packet *packet = &burst->packets[i];

		if (packet->verdict == UNDECIDED && packet->backend == MR_BACKEND_NONE)
			pick(worker, snapshot, packet);
	}
}
