/* SPDX-License-Identifier: BSD-3-Clause */
#include "witness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEEN_BITS 64

/* Mapped memory: a page that no session uses is never there. */
static struct witness_session *map_sessions(void)
{
	void *map =
		mmap(NULL, PLANNED_SLOTS * sizeof(struct witness_session), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map != MAP_FAILED ? map : NULL;
}

struct witness *witness_create(enum roster_by by)
{
	struct witness *witness = calloc(1, sizeof(*witness));

	if (!witness)
		return NULL;
	witness->roster.by = by;
	witness->sessions = map_sessions();
	if (witness->sessions)
		return witness;
	free(witness);
	return NULL;
}

void witness_destroy(struct witness *witness)
{
	if (!witness)
		return;
	munmap(witness->sessions, PLANNED_SLOTS * sizeof(*witness->sessions));
	free(witness);
}

void witness_reset(struct witness *witness)
{
	struct witness_session *sessions = witness->sessions;
	const enum roster_by by = witness->roster.by;

	madvise(sessions, PLANNED_SLOTS * sizeof(*sessions), MADV_DONTNEED);
	*witness = (struct witness){.sessions = sessions};
	witness->roster.by = by;
}

static void meet(struct witness *witness, struct witness_session *session,
		 const struct stamp *stamp, uint16_t backend)
{
	*session = (struct witness_session){
		.next = stamp->number,
		.backend = backend,
		.generation = (uint8_t)(stamp->session >> PLANNED_SLOT_BITS),
		.known = 1,
		.only_syns = 1,
	};
	/* Those before it may still come, unless they were sent before anybody looked. */
	if (stamp->number < SEEN_BITS)
		witness->counts.missing += stamp->number;
	witness->counts.sessions++;
	witness->roster.backends[backend].sessions++;
}

/* The number whose low half is known is the one closest to what is expected. */
static uint32_t whole_number(const struct witness_session *session, const struct stamp *stamp)
{
	if (!stamp->number_is_short)
		return stamp->number;
	return session->next + (uint32_t)(int16_t)(stamp->number - session->next);
}

static void see_next(struct witness *witness, struct witness_session *session, uint32_t number)
{
	const uint32_t ahead = number - session->next + 1;

	session->seen = ahead < SEEN_BITS ? session->seen << ahead | 1 : 1;
	session->next = number + 1;
	witness->counts.missing += ahead - 1;
}

static void see_late(struct witness *witness, struct witness_session *session, uint32_t number)
{
	const uint32_t behind = session->next - 1 - number;
	const uint64_t bit = behind < SEEN_BITS ? UINT64_C(1) << behind : 0;

	if ((session->seen & bit) != 0) {
		witness->counts.duplicates++;
		return;
	}
	session->seen |= bit;
	witness->counts.reordered++;
	if (bit == 0)
		witness->counts.unsure++;
	if (witness->counts.missing > 0)
		witness->counts.missing--;
}

/* Of a session that had ended when the one that is known began in its place. */
static void see_stray(struct witness *witness)
{
	witness->counts.reordered++;
	witness->counts.unsure++;
}

/*
 * A client whose SYN was not answered may well get its connection from another backend when it
 * tries again; afterwards its session has to stay.
 */
static void compare_backends(struct witness *witness, struct witness_session *session,
			     const struct stamp *stamp, uint16_t backend)
{
	const bool may_move = stamp->syn && session->only_syns;

	session->only_syns = may_move;
	if (session->backend == backend)
		return;
	if (may_move) {
		session->backend = backend;
		witness->counts.moved_syns++;
		return;
	}
	witness->counts.broken_packets++;
	if (!session->broken)
		witness->counts.broken_sessions++;
	session->broken = 1;
}

void witness_see(struct witness *witness, const struct stamp *stamp, uint16_t backend,
		 uint32_t frame_bytes)
{
	struct witness_session *session = &witness->sessions[stamp->session & (PLANNED_SLOTS - 1)];
	const uint8_t generation = (uint8_t)(stamp->session >> PLANNED_SLOT_BITS);
	uint32_t number;

	witness->counts.packets++;
	witness->counts.bytes += frame_bytes;
	witness->roster.backends[backend].packets++;
	histogram_add(&witness->latency, stamp->age);
	if (session->known && (int8_t)(generation - session->generation) < 0) {
		see_stray(witness);
		return;
	}
	if (!session->known || generation != session->generation)
		meet(witness, session, stamp, backend);
	compare_backends(witness, session, stamp, backend);
	number = whole_number(session, stamp);
	if ((int32_t)(number - session->next) >= 0)
		see_next(witness, session, number);
	else
		see_late(witness, session, number);
}
