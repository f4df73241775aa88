/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fleet: all pools of one configuration at run time, made from that configuration and the
 * fleet before it, so that backends keep their ids, verdicts and sessions. Building one
 * changes nothing that workers see. Control thread only.
 */
#ifndef MAILRAIL_CONTROL_FLEET_H
#define MAILRAIL_CONTROL_FLEET_H

#include <stdint.h>

#include <mailrail/dataplane.h>

#include "config.h"
#include "pool.h"

/* Every backend that has an id, and the ids of services by name. Outlives fleets. */
struct roster {
	struct mr_dataplane *dp;
	struct backend *backends[MR_BACKENDS_MAX]; /* by id; NULL: free */
	char *services[MR_SERVICES_MAX];	   /* names by id; NULL: free */
	struct mr_flow_counters services_before[MR_SERVICES_MAX];
	mr_backend_id taken_ids; /* none of these first ones is free */
	uint32_t ids_end;	 /* all above are */
};

/*
 * Whom a service refuses, as the last snapshot had it, for the next ones: a long list is not made
 * anew because a backend's health changed. Members of a pool only ever leave a fleet: that there
 * are as many as then says that they are the same.
 */
struct service_exclusion {
	struct mr_access_list *list; /* NULL: none is made */
	uint32_t member_count;
};

struct fleet {
	const struct config *config; /* borrowed */
	struct roster *roster;	     /* borrowed */
	struct mr_hash_key hash_key; /* of the configuration's, for snapshots */
	struct pool *pools;	     /* in the order of the configuration */
	uint32_t pool_count;
	/* In the order of the configuration. */
	mr_service_id *service_ids;
	uint32_t *service_pools;	      /* indices into @pools */
	struct service_exclusion *exclusions; /* kept by compile_snapshot() */
	uint32_t exclusion_count;
};

/*
 * @previous: the fleet in force, or NULL at the start, when backends are trusted until the
 * first verdict. -ENOSPC when ids run out, -ENOMEM; @error names the place.
 */
int fleet_create(struct roster *roster, const struct config *config, const struct fleet *previous,
		 struct fleet **out, struct mr_error *error);
/* Ids that only this fleet used stay in the roster until roster_release(). */
void fleet_destroy(struct fleet *fleet);

/* NULL: @fleet, which may be NULL, has none of that name. */
struct pool *fleet_find_pool(const struct fleet *fleet, const char *name);

/*
 * To be called every second: brings the windows of new sessions up to @now_s, which reach back a
 * session_idle of their pool. (Shorter ones than WINDOW_STEPS seconds reach further.)
 */
void fleet_count_sessions(struct fleet *fleet, uint32_t now_s);

/* A member has moved all its sessions elsewhere or ended them: forget it. */
void fleet_remove_member(struct pool *pool, struct member *member);

/* Who a backend is. Borrowed; @key: MAGLEV_KEY_BYTES, from which its place follows. */
struct backend_identity {
	const char *pool;
	const char *name;
	const struct mr_addr *address;
	const uint8_t *key;
};

/* A new backend, without references, under @id, which is free. NULL: no memory. */
struct backend *roster_add(struct roster *roster, mr_backend_id id,
			   const struct backend_identity *identity);

/*
 * Frees the ids of backends that no fleet names. Call it only when no worker and no pin can
 * name them either.
 */
void roster_release(struct roster *roster);
/* Frees the ids of services that @fleet, the only one left, does not name. */
void roster_release_services(struct roster *roster, const struct fleet *fleet);
/* Whether any backend waits for roster_release(). */
bool roster_has_unnamed(const struct roster *roster);
void roster_fini(struct roster *roster);

/* Sums over workers since the id got its present holder. */
void roster_backend_counters(const struct roster *roster, const struct backend *backend,
			     struct mr_flow_counters *out);
void roster_service_counters(const struct roster *roster, mr_service_id id,
			     struct mr_flow_counters *out);

#endif
