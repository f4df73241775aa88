/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A world in which sessions must not move: the real configuration, fleet, session state on disk,
 * snapshots, pick_backend and pin sweep, joined as balancer.c and dataplane.c join them, with a
 * clock that goes as fast as a test likes. The operator's wishes and the servers' health are
 * plain data that a test changes and applies. Workers may lag behind with an older snapshot, and
 * any of them may be handed any packet.
 *
 * The process can be killed: what it had in memory is gone, its files stay as they were at that
 * moment, and the next start takes them up.
 *
 * Assertions end the test. One world at a time.
 */
#ifndef MAILRAIL_TESTS_SESSION_WORLD_H
#define MAILRAIL_TESTS_SESSION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "fleet.h"
#include "packet.h"
#include "pin_sweep.h"
#include "session_state.h"

#define WORLD_POOLS   2
#define WORLD_HUBS    8 /* names that a pool's backends may have */
#define WORLD_WORKERS 3
#define WORLD_VIEWS   3 /* snapshots that some worker may still be reading, the newest too */
#define WORLD_IDS     512

/* How far a worker's clock may be from the control thread's. */
#define WORLD_SKEW_S 1U

/* When nobody has spoken for so long, a pass finds that a pool of @idle_s has no sessions. */
#define WORLD_SILENCE_S(idle_s) ((idle_s) + MR_STAMP_UNIT_S + WORLD_SKEW_S)

/* How long a session may be silent that has sent no more than a SYN, or has ended. */
#define WORLD_EMBRYONIC_S 60U
#define WORLD_CLOSING_S	  60U

/* What the operator wants of one backend, and what health checks find. */
struct world_hub {
	bool configured;
	uint32_t weight;
	enum config_backend_state state;
	uint8_t address; /* which of its two addresses it has: 0, 1 */
	bool down[2];	 /* the server at each of them */
};

struct world_pool {
	uint32_t table_size;
	uint32_t idle_s;
	struct world_hub hubs[WORLD_HUBS];
};

/* What a test asks for; zeroes: the ordinary. */
struct world_shape {
	uint32_t table_size; /* of the first pool; the second has 101 slots; 251 */
	uint32_t budget;     /* 1024 */
};

/* Bits of world_view.standing[]. */
enum {
	WORLD_KNOWN = 1,    /* a member of some pool, perhaps a leaving one */
	WORLD_ALIVE = 2,    /* may keep sessions */
	WORLD_ELIGIBLE = 4, /* may get new ones */
};

/* A published snapshot, and what it says of backends, by id. */
struct world_view {
	struct mr_snapshot *snapshot;
	uint64_t number; /* counts publications, over restarts too */
	uint8_t standing[WORLD_IDS];
	uint32_t eligible[WORLD_POOLS]; /* how many backends may get new sessions */
};

/* One packet, and what became of it. */
struct world_packet {
	uint64_t hash;
	uint32_t pool;
	uint8_t flags;	  /* of TCP */
	uint8_t kind;	  /* enum packet_kind */
	uint8_t fragment; /* enum packet_fragment */
	mr_backend_id backend;
	uint8_t verdict; /* UNDECIDED: it would be forwarded to @backend */
};

struct world;

/* Called when a fleet was saved, and when it was published: what @view says holds from now on. */
typedef void world_changed_fn(void *context, const struct world_view *view);

struct world {
	struct world_pool pools[WORLD_POOLS];
	uint32_t budget;
	uint32_t now_s;
	uint32_t lives; /* starts of the process */
	uint64_t publications;
	struct world_view views[WORLD_VIEWS]; /* the newest first */
	uint32_t view_count;
	struct world_view saved; /* not published, by world_save_only(); number 0: none */
	struct {
		struct worker worker;
		uint32_t lag; /* which of @views it reads */
	} workers[WORLD_WORKERS];
	/* Of the process; world_kill() ends them. */
	struct config *config;
	struct fleet *fleet;
	struct roster *roster;
	struct session_state *state;
	struct pin_sweep *sweep;
	struct mr_worker_counters *counters; /* of each worker */
	world_changed_fn *changed;
	void *context;
	char directory[64]; /* of the session state */
	/* By id, as the files have it; not known when only some of them were written. */
	bool down_when_saved[WORLD_IDS];
	bool saved_some;
};

/*
 * Half of each pool's backends are configured and up. @changed may be NULL. The files are on a
 * memory file system.
 */
struct world *world_create(const struct world_shape *shape, world_changed_fn *changed,
			   void *context);
void world_destroy(struct world *world);
/* All that is left to do when an assertion has ended the test. */
void world_remove_files(const struct world *world);

/* --- the operator and the servers */

/* Makes the wishes the configuration in force. New backends wait for their first verdict. */
void world_apply(struct world *world);
/* The verdicts that health checks come to now, and a new snapshot. */
void world_check_health(struct world *world);

/* Which of the tables' files a kill leaves as the last change has them. */
enum world_saved {
	WORLD_SAVED_ALL,
	WORLD_SAVED_SOME,
};
/*
 * The first half of world_apply(): up to where tables are saved, before workers see anything.
 * What follows must be world_restart().
 */
void world_save_only(struct world *world, enum world_saved saved);
/*
 * Kills the process and starts the next one, with what is wished now. @rebooted: the clock goes on
 * from the newest pin, as when the host has started again and the files have survived.
 */
void world_restart(struct world *world, bool rebooted);

/* --- packets */

/*
 * Hands a burst to @worker, which reads at least view @since: whoever has heard from a backend
 * does so after workers have seen the snapshot that led there. Counters of a single packet are
 * compared with what the packet met. Returns the view that the worker read.
 */
const struct world_view *world_send(struct world *world, uint32_t worker, uint64_t since,
				    struct world_packet *packets, uint32_t count);

/* The word of the packet's slot, as @view has it. */
mr_slot world_word(const struct world_view *view, const struct world_packet *packet);

bool world_is_alive(const struct world_view *view, mr_backend_id backend);
bool world_is_eligible(const struct world_view *view, mr_backend_id backend);

/*
 * Whether something newer than @view knows that @backend, which is alive there, is not any more: a
 * later view, or what was saved for the next process; *@out_number: of that one.
 */
bool world_dies_later(const struct world *world, const struct world_view *view,
		      mr_backend_id backend, uint64_t *out_number);

/* --- time */

/* It is later now: no worker lags for as long as a second. */
void world_set_time(struct world *world, uint32_t now_s);

/* For how long a session may be silent and is still remembered, now and by what is wished. */
uint32_t world_patience_s(const struct world *world, uint32_t pool, enum mr_pin_state state);

/* --- housekeeping */

/* The next piece of a pass over the pins; true: the pass is over, and what it found is done. */
bool world_sweep_step(struct world *world);
void world_sweep(struct world *world);

/* Passes until nothing is left to do; then there must be no pin, moving slot, leaving backend. */
void world_assert_nothing_is_remembered(struct world *world);

uint32_t world_pins(const struct world *world);
uint32_t world_moving_slots(const struct world *world);
uint32_t world_roster_ids(const struct world *world);

/* Sums over workers and over all processes of this world. */
uint64_t world_counter(const struct world *world, size_t offset);
#define WORLD_COUNTER(world, field) world_counter(world, offsetof(struct mr_worker_counters, field))

/* --- chance */

uint32_t draw(uint32_t below);
uint64_t draw_hash(void);

#endif
