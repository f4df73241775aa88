/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a balancer consists of, for the files that it is written in: balancer.c, transaction.c and
 * balancer_status.c. Control thread.
 */
#ifndef MAILRAIL_CONTROL_BALANCER_PARTS_H
#define MAILRAIL_CONTROL_BALANCER_PARTS_H

#include "alarms.h"
#include "balancer.h"
#include "fleet.h"
#include "pin_sweep.h"
#include "probe_times.h"
#include "release.h"
#include "risk.h"
#include "ways.h"

struct balancer {
	struct mr_dataplane *dp;
	struct session_state *state; /* NULL: nothing outlives the process */
	struct events *events;	     /* NULL: nobody hears what happens */
	struct balancer_follower follower;
	struct ledger *ledger;
	struct config *config;
	struct roster *roster;
	struct fleet *fleet;
	struct ways *ways;
	struct health *health;
	struct pin_sweep *sweep;
	struct risk *risk;
	struct alarms *alarms;
	struct probe_times *probe_times;
	struct histogram apply_times; /* of changes that took effect */
	uint64_t started_ms;	      /* clock_monotonic_ms() */
	uint64_t started_wall_ms;     /* clock_wall_ms() */
	struct balancer_use use;
	struct event *refresh; /* runs once, after any number of reasons in one turn */
	struct event *step;    /* the next piece of work on pins and retired snapshots */
	struct event *count;   /* every second */
};

/* In the next turn of the event loop: the same configuration, a new snapshot. */
void balancer_schedule_refresh(struct balancer *balancer);

/* release_make() with what is known of ways. -ENOMEM. */
int balancer_make_release(const struct balancer *balancer, const struct fleet *fleet,
			  uint64_t generation, struct release *out);
int balancer_steer(const struct balancer *balancer, const struct release *release,
		   struct mr_error *error);
/* Takes the snapshot of @release, which is of the fleet in force. */
void balancer_publish(struct balancer *balancer, struct release *release);

/* What is in force was not confirmed in time; for ledger_setup.expired. */
void balancer_take_back(void *context);

#endif
