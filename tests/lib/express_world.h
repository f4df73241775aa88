/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports and a snapshot by chance, in which packets meet every mode, both families and every
 * state that a slot, a backend and a list can be in.
 */
#ifndef MAILRAIL_TESTS_EXPRESS_WORLD_H
#define MAILRAIL_TESTS_EXPRESS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "rig.h"

#define EXPRESS_SERVICES 12
#define EXPRESS_BACKENDS 30

/* Pools: one of each mode, by enum mr_forwarding, and one whose backends are of all of them. */
#define EXPRESS_MIXED_POOL 4
#define EXPRESS_POOLS	   5

/* TCP ports that services listen on. With the second one, at an address, another service does. */
#define EXPRESS_PORT	   25
#define EXPRESS_OTHER_PORT 587

enum express_world_kind {
	EXPRESS_WORLD_RANDOM,
	EXPRESS_WORLD_MOVING, /* the same, but every slot moves */
	EXPRESS_WORLD_PLAIN,  /* slots are steady, ways wide; nobody is excluded, no MSS lowered */
};

struct express_world {
	struct port ports[RIG_PORTS];
	uint8_t leaders[RIG_PORTS]; /* by port: the first one on the same device */
	struct mr_snapshot *snapshot;
};

/* From lrand48(); with the rig's ethdevs. Ends the program when there is no memory. */
void express_world_create(struct express_world *world, const struct rig *rig,
			  enum express_world_kind kind);
void express_world_destroy(struct express_world *world);

/* Where @service listens, at EXPRESS_PORT. */
struct mr_addr express_service_address(mr_service_id service, bool v4);

/* 0..@count-1 */
uint32_t express_chance(uint32_t count);

#endif
