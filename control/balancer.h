/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The running balancer: the configuration in force, what is known of every backend, and the
 * transaction that takes both to the next snapshot. Control thread only; never blocks, except
 * for the fsync of a saved configuration.
 */
#ifndef MAILRAIL_CONTROL_BALANCER_H
#define MAILRAIL_CONTROL_BALANCER_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "config.h"
#include "events.h"
#include "health.h"
#include "histogram.h"
#include "ledger.h"
#include "plan.h"
#include "pool.h"
#include "session_state.h"

struct balancer;

/*
 * Somebody else who goes by the configuration. All that can fail is done, and refused, before
 * anything has changed; settling makes what was prepared last the rule, or forgets it.
 */
struct balancer_follower {
	int (*prepare)(void *context, const struct config *next, struct mr_error *error);
	void (*settle)(void *context, bool in_force);
	void *context;
};

/* Borrowed, but for the configuration. */
struct balancer_setup {
	struct event_base *base;
	struct mr_dataplane *dp;
	struct config *config; /* the balancer's own from then on, even on failure */
	/*
	 * What a former process left, and where tables are kept for the next; NULL: sessions end
	 * with the process.
	 */
	struct session_state *state;
	const char *path;		   /* where accepted changes are saved; NULL: nowhere */
	struct events *events;		   /* who hears what happens; NULL: nobody */
	struct balancer_follower follower; /* of "control"; without functions: nobody */
};

/* Publishes the first snapshot and steers. */
int balancer_create(const struct balancer_setup *setup, struct balancer **out,
		    struct mr_error *error);
void balancer_destroy(struct balancer *balancer);

const struct config *balancer_config(const struct balancer *balancer);
uint64_t balancer_generation(const struct balancer *balancer);
uint64_t balancer_uptime_s(const struct balancer *balancer);
/* When it came up, CLOCK_REALTIME. */
uint64_t balancer_started_ms(const struct balancer *balancer);

/*
 * Makes @next (already decoded and validated) the configuration in force: compile, save,
 * publish, record. Takes ownership of @next, even on failure; on failure nothing has changed, and
 * @error says where and why. What cannot change while running (node, ports, workers,
 * sessions, parts of control) is refused, and everything but a rollback while another change waits
 * for confirmation. What is in force already changes nothing, and makes no generation.
 */
int balancer_apply(struct balancer *balancer, struct config *next, const struct change *change,
		   struct mr_error *error);

/* Keeps the change that waits for that. -ENOENT: none does; or why it cannot be saved. */
int balancer_confirm(struct balancer *balancer, struct mr_error *error);

/* History, and what waits for confirmation. */
const struct ledger *balancer_ledger(const struct balancer *balancer);

/*
 * What balancer_apply() would do with @next, without doing it (plan.h). Refuses what it refuses,
 * as far as that can be known without trying; plan_fini() frees @out. Takes nothing.
 */
int balancer_plan(const struct balancer *balancer, const struct config *next, bool assume_up,
		  struct plan *out, struct mr_error *error);

/* What a backend is doing; pool and backend by their index in balancer_config(). */
struct backend_status {
	mr_backend_id id;
	struct health_status health;
	bool next_hop_set;
	struct rte_ether_addr next_hop;
	uint8_t port;		 /* index of the port to send on, with @next_hop_set */
	bool path_set;		 /* false: not known, or too narrow for the pool's outer headers */
	uint16_t path_mtu_bytes; /* outer headers included */
	uint16_t packet_max_bytes; /* without them: what arrives whole */
	bool source_set;
	struct mr_prefix source; /* of tunnels to it; else what the kernel would send from */
	uint32_t slots;		 /* of the pool's table, current */
	uint32_t base_slots;	 /* moving slots whose older sessions it still holds */
	uint32_t pins;		 /* remembered sessions; from the last complete sweep */
	struct mr_flow_counters counters;
};
void balancer_backend_status(const struct balancer *balancer, uint32_t pool, uint32_t backend,
			     struct backend_status *out);

/*
 * Indices of the service in balancer_config(), of the backend's pool there and of its place in
 * balancer_pool(), by which balancer_backend_status() takes it as well. -ENOENT: it is gone.
 */
int balancer_find_service(const struct balancer *balancer, mr_service_id id);
int balancer_find_backend(const struct balancer *balancer, mr_backend_id id, uint32_t *out_pool,
			  uint32_t *out_member);

/* What packets of the service of that index in balancer_config() are counted under. */
mr_service_id balancer_service_id(const struct balancer *balancer, uint32_t service);

struct pool_status {
	uint32_t slots;
	uint32_t moving_slots;
	uint32_t leaving_backends; /* removed, but some of their sessions may still be open */
};
void balancer_pool_status(const struct balancer *balancer, uint32_t pool, struct pool_status *out);

/* The pool at run time, those who are leaving too; valid until the event loop goes on. */
const struct pool *balancer_pool(const struct balancer *balancer, uint32_t pool);

/* Sessions that are not remembered, though their slots move. */
struct forgotten_sessions {
	uint64_t silent;  /* since the start: their pins ended, as they said nothing for too long */
	uint64_t at_risk; /* new sessions of late (risk.h) that there was no room for */
	bool none_of_late; /* there was room for all, older ones too */
};
struct forgotten_sessions balancer_forgotten_sessions(const struct balancer *balancer);

void balancer_service_counters(const struct balancer *balancer, uint32_t service,
			       struct mr_flow_counters *out);

/* What the snapshot in force takes of bounds that no configuration shows. */
struct balancer_use {
	uint32_t probe_sources;
	uint32_t nat_sources;
};
struct balancer_use balancer_use(const struct balancer *balancer);

/* How long changes took from balancer_apply() to the workers, and good probes of @pool; NULL: no
 * such pool. */
const struct histogram *balancer_apply_times(const struct balancer *balancer);
const struct histogram *balancer_probe_times(const struct balancer *balancer, const char *pool);

struct mr_dataplane *balancer_dataplane(const struct balancer *balancer);
struct health *balancer_health(const struct balancer *balancer);

#endif
