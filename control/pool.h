/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool at run time: its backends, those that are leaving too, and its table of slots.
 * Control thread only.
 */
#ifndef MAILRAIL_CONTROL_POOL_H
#define MAILRAIL_CONTROL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/snapshot.h>

#include "config.h"
#include "health.h"
#include "maglev.h"
#include "window.h"

/*
 * A backend's identity: pool, name and address. It keeps its id as long as any of its sessions
 * may be open, also when it has left the configuration. Counted references: one for each
 * pool (of the running and of a candidate configuration) that it is a member of.
 */
struct backend {
	uint32_t references;
	mr_backend_id id;
	char *pool;
	char *name;
	struct mr_addr address;
	struct maglev_place place;
	/* Answers for itself until the first verdict: nobody knew better when mailrail started. */
	bool trusted;
	bool drained; /* it drains, and was told to have no session left */
	enum health_verdict verdict;
	struct mr_flow_counters counted_before; /* by earlier holders of the id */
	uint32_t pins;				/* as of the last complete sweep */
	uint32_t pins_end_s;	/* when the last of these would end, if no session spoke any more */
	struct window sessions; /* SYNs of the last session_idle, counters in counted order */
};

/* What the configuration wants of a backend. */
struct member {
	struct backend *backend;
	uint32_t weight;
	enum config_backend_state state;
	bool leaving;	     /* no longer configured */
	uint32_t slots;	     /* current in these slots of its pool */
	uint32_t base_slots; /* base, but not current, in these */
};

/* What a table of slots depends on, as far as it is a member's. */
struct pool_input {
	uint32_t weight; /* 0 also while it may not get sessions */
	mr_backend_id id;
	bool alive;
};

struct pool {
	char *name;
	uint32_t table_size;
	enum mr_forwarding forwarding;
	struct config_tunnel tunnel;
	uint16_t mss_max_bytes;
	struct config_health health;
	uint32_t session_idle_s; /* a session that is silent for longer may be forgotten */
	uint32_t changed_s;	 /* mr_dataplane_clock_s() of the last change of its table */
	uint32_t swept_s; /* when the last complete sweep began: its members' pins are as of then */
	uint32_t counted_s; /* of the last step of its backends' windows */
	struct member *members;
	uint32_t member_count;
	uint32_t moving_slots;
	/* Since the process began: slots taken from a backend that was down or disabled. */
	uint64_t rehashed_slots;
	struct mr_slots *slots; /* one reference; NULL before the first pool_advance() */
	struct pool_input
		*inputs; /* of each member then; NULL: what @slots follow from is not known */
	uint32_t input_count;
};

/* May keep the sessions it has. */
bool member_is_alive(const struct member *member);
/* May get new ones. */
bool member_is_eligible(const struct member *member);

/* Packets to its backends get outer headers. */
bool pool_has_tunnel(const struct pool *pool);

struct member *pool_find_member(const struct pool *pool, mr_backend_id id);
/* The same, at once if it is at @place: two configurations of a pool have most in one order. */
struct member *pool_find_member_near(const struct pool *pool, mr_backend_id id, uint32_t place);

/*
 * Puts @slots, with the caller's reference, in the place of the pool's, and counts them for the
 * pool and for its members, who are all there.
 */
void pool_take_slots(struct pool *pool, struct mr_slots *slots);

/*
 * Gives the pool, which has none, the slots of @previous, and what is known of them: it is the
 * same pool under another configuration. -ENOMEM: it may have some of it.
 */
int pool_inherit(struct pool *pool, const struct pool *previous);

/*
 * Gives the pool the slots that follow from @previous (NULL: a new pool) and from what its
 * members may get and keep now. Stamps slots at @now_s, seconds of mr_dataplane_clock_s().
 * -ENOMEM leaves the pool as it was. Nothing changed: @previous itself, with a new reference;
 * at once, if @previous are the pool's own and its members may do what they might before.
 */
int pool_advance(struct pool *pool, struct mr_slots *previous, uint32_t now_s);

/*
 * Slots that no older session can depend on become steady again. @pinned_elsewhere[slot]: a
 * pin there differs from the slot's current backend, as found by a pass over the pins that began
 * at @began_s: it may have missed pins of sessions that were met later; NULL: it did not look, and
 * nothing becomes steady. *@out_changed: @pool has
 * new slots.
 */
int pool_settle(struct pool *pool, const bool *pinned_elsewhere, uint32_t began_s,
		bool *out_changed);

/* Frees what the pool owns and drops its references; not the struct itself. */
void pool_fini(struct pool *pool);

struct backend *backend_get(struct backend *backend);

#endif
