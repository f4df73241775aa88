/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sessions that are open at once, each a record of 40 bytes that says how far it is in its
 * script. Sessions begin at a steady rate, whatever becomes of those before them (open loop).
 * Deterministic: the same configuration gives the same packets at the same times. One thread.
 */
#ifndef MAILRAIL_PKTGEN_CROWD_H
#define MAILRAIL_PKTGEN_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "clients.h"
#include "planned.h"
#include "script.h"
#include "wheel.h"

struct crowd_session {
	struct wheel_node node;
	uint64_t serial;
	uint32_t step; /* of all scripts */
	uint32_t left; /* packets of the step */
	uint32_t number;
	uint32_t offset;
	uint8_t kind;
	uint8_t generation;
	bool is_v6;
};

struct crowd_config {
	const struct scripts *scripts; /* borrowed */
	const struct clients *clients; /* borrowed */
	uint32_t first_slot;	       /* places for sessions: this crowd's part of PLANNED_SLOTS */
	uint32_t slot_count;
	double sessions_per_second;
	uint64_t first_serial; /* of its sessions, and ... */
	uint64_t serial_step;  /* ... from one to the next */
	uint64_t seed;
};

struct crowd {
	struct crowd_config config;
	struct crowd_session *sessions;
	struct wheel wheel;
	uint32_t *free; /* a ring: the place that was left first is taken first */
	uint32_t free_first, free_count;
	uint64_t tick; /* the wheel's time, without its wrap */
	double arrival_ns;
	uint64_t next_serial;
	uint64_t begun; /* sessions */
	uint64_t ended;
	uint64_t crowded_out; /* that found no place */
};

int crowd_create(struct crowd *crowd, const struct crowd_config *config);
void crowd_destroy(struct crowd *crowd);

/* The next packet of all, if it is due at @until_ns. */
bool crowd_next(struct crowd *crowd, uint64_t until_ns, struct planned *out);

static inline uint64_t crowd_open(const struct crowd *crowd)
{
	return crowd->begun - crowd->ended;
}

#endif
