/* SPDX-License-Identifier: BSD-3-Clause */
#include "balancer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compile.h"
#include "fleet.h"
#include "log.h"
#include "pin_sweep.h"
#include "release.h"
#include "risk.h"
#include "ways.h"

/* Pieces of one pass over the pins follow each other at once; passes are this far apart. */
#define PASS_INTERVAL_MS 500
#define STEP_INTERVAL_MS 2

struct balancer {
	struct mr_dataplane *dp;
	struct session_state *state; /* NULL: nothing outlives the process */
	char *path;
	struct config *config;
	uint64_t generation;
	struct roster *roster;
	struct fleet *fleet;
	struct ways *ways;
	struct health *health;
	struct pin_sweep *sweep;
	struct risk *risk;
	uint64_t started_ms; /* clock_monotonic_ms() */
	struct balancer_use use;
	struct event *refresh; /* runs once, after any number of reasons in one turn */
	struct event *step;    /* the next piece of work on pins and retired snapshots */
	struct event *count;   /* every second */
};

static void schedule_refresh(struct balancer *balancer)
{
	event_active(balancer->refresh, EV_TIMEOUT, 0);
}

static void schedule_step(struct balancer *balancer, uint32_t delay_ms)
{
	const struct timeval delay = {
		.tv_sec = delay_ms / 1000,
		.tv_usec = delay_ms % 1000 * 1000,
	};

	event_add(balancer->step, &delay);
}

static int make_release(const struct balancer *balancer, const struct fleet *fleet,
			uint64_t generation, struct release *out)
{
	const struct way_facts facts = ways_facts(balancer->ways);

	return release_make(fleet, &facts, generation, out);
}

static int steer(const struct balancer *balancer, const struct release *release,
		 struct mr_error *error)
{
	const struct mr_steering steering = release_steering(release);

	return mr_dataplane_steer(balancer->dp, &steering, error);
}

/* What workers are about to see is there for the next process too. */
static void save_sessions(struct balancer *balancer)
{
	struct mr_error error;

	if (balancer->state != NULL &&
	    session_state_save(balancer->state, balancer->fleet, &error) < 0)
		log_write(LOG_ERR, "sessions: %s", error.text);
}

/* From here on workers see the snapshot; nothing can fail any more. */
static void publish(struct balancer *balancer, struct release *release)
{
	save_sessions(balancer);
	mr_dataplane_publish(balancer->dp, release->snapshot);
	release->snapshot = NULL;
	balancer->use = (struct balancer_use){
		.probe_sources = release->plan.source_count,
		.nat_sources = release->nat_source_count,
	};
	if (health_set_targets(balancer->health, release->plan.targets,
			       release->plan.target_count) < 0)
		log_write(LOG_ERR, "out of memory: health checks go on with the former backends");
	if (pin_sweep_restart(balancer->sweep, balancer->fleet) < 0)
		log_write(LOG_ERR, "out of memory: pins are not cleaned up for now");
	schedule_step(balancer, STEP_INTERVAL_MS);
}

static void advance_pools(struct balancer *balancer)
{
	const uint32_t now_s = mr_dataplane_clock_s(balancer->dp);

	for (uint32_t i = 0; i < balancer->fleet->pool_count; i++) {
		struct pool *pool = &balancer->fleet->pools[i];

		if (pool_advance(pool, pool->slots, now_s) < 0)
			log_write(LOG_ERR,
				  "pool %s: out of memory: table is not brought up to date",
				  pool->name);
	}
}

/* Health, ways or pins have changed: the same configuration, a new snapshot. */
static void refresh(evutil_socket_t fd, short events, void *context)
{
	struct balancer *balancer = context;
	struct mr_error error;
	struct release release;

	(void)fd;
	(void)events;
	advance_pools(balancer);
	if (make_release(balancer, balancer->fleet, balancer->generation, &release) < 0) {
		log_write(LOG_ERR, "out of memory: workers go on with the former snapshot");
		return;
	}
	if (steer(balancer, &release, &error) < 0)
		log_write(LOG_ERR, "%s", error.text);
	publish(balancer, &release);
	release_fini(&release);
}

static void on_health(void *context, mr_backend_id id, const struct health_status *status)
{
	struct balancer *balancer = context;
	struct backend *backend = balancer->roster->backends[id];

	if (backend == NULL || backend->verdict == status->verdict)
		return;
	log_write(status->verdict == HEALTH_DOWN ? LOG_WARNING : LOG_NOTICE,
		  "backend %s/%s: %s, was %s: %s", backend->pool, backend->name,
		  health_verdict_name(status->verdict), health_verdict_name(backend->verdict),
		  status->reason);
	backend->verdict = status->verdict;
	schedule_refresh(balancer);
}

static void on_ways(void *context)
{
	schedule_refresh(context);
}

static bool member_has_sessions(const struct member *member)
{
	return member->slots > 0 || member->base_slots > 0 || member->backend->pins > 0;
}

/* True: some member has left for good. */
static bool let_members_leave(struct pool *pool)
{
	bool left = false;

	for (uint32_t i = pool->member_count; i-- > 0;) {
		struct member *member = &pool->members[i];

		if (!member->leaving || member_has_sessions(member))
			continue;
		log_write(LOG_NOTICE, "backend %s/%s: has left, no session remains",
			  member->backend->pool, member->backend->name);
		fleet_remove_member(pool, member);
		left = true;
	}
	return left;
}

static bool settle_pool(struct balancer *balancer, uint32_t index)
{
	struct pool *pool = &balancer->fleet->pools[index];
	bool settled = false;

	pool->swept_s = pin_sweep_began_s(balancer->sweep);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		struct backend *backend = pool->members[i].backend;

		backend->pins = pin_sweep_pins(balancer->sweep, backend->id);
		backend->pins_end_s = pin_sweep_pins_end_s(balancer->sweep, backend->id);
	}
	if (pool->moving_slots > 0 &&
	    pool_settle(pool, pin_sweep_pinned_elsewhere(balancer->sweep, index), pool->swept_s,
			&settled) < 0)
		log_write(LOG_ERR, "pool %s: out of memory: slots stay moving for now", pool->name);
	return let_members_leave(pool) || settled;
}

/*
 * A whole pass: no pin names a backend that no pool knows, so that such ids are free, and
 * slots that nothing depends on any more become steady.
 */
static void finish_pass(struct balancer *balancer)
{
	bool changed = false;

	roster_release(balancer->roster);
	for (uint32_t i = 0; i < balancer->fleet->pool_count; i++)
		changed |= settle_pool(balancer, i);
	if (changed) {
		struct mr_error error;

		if (ways_watch(balancer->ways, balancer->fleet, &error) < 0)
			log_write(LOG_ERR, "%s", error.text);
		schedule_refresh(balancer);
	}
}

static bool has_work(const struct balancer *balancer)
{
	if (mr_pin_table_count(mr_dataplane_pins(balancer->dp)) > 0 ||
	    roster_has_unnamed(balancer->roster))
		return true;
	for (uint32_t i = 0; i < balancer->fleet->pool_count; i++) {
		const struct pool *pool = &balancer->fleet->pools[i];

		if (pool->moving_slots > 0)
			return true;
		for (uint32_t m = 0; m < pool->member_count; m++) {
			if (pool->members[m].leaving)
				return true;
		}
	}
	return false;
}

static void step(evutil_socket_t fd, short events, void *context)
{
	struct balancer *balancer = context;

	(void)fd;
	(void)events;
	if (!has_work(balancer)) {
		if (!mr_dataplane_reclaim(balancer->dp))
			schedule_step(balancer, STEP_INTERVAL_MS);
		return;
	}
	if (!pin_sweep_step(balancer->sweep)) {
		schedule_step(balancer, STEP_INTERVAL_MS);
		return;
	}
	finish_pass(balancer);
	schedule_step(balancer, PASS_INTERVAL_MS);
}

static void count_sessions(evutil_socket_t fd, short events, void *context)
{
	struct balancer *balancer = context;

	(void)fd;
	(void)events;
	fleet_count_sessions(balancer->fleet, mr_dataplane_clock_s(balancer->dp));
}

/* Everything that a fleet is released into, except the fleet. */
static int make_parts(struct balancer *balancer, struct event_base *base, struct mr_error *error)
{
	int rc;

	balancer->roster = calloc(1, sizeof(*balancer->roster));
	balancer->sweep = pin_sweep_create(balancer->dp);
	balancer->risk = risk_create(base, balancer->dp);
	balancer->refresh = event_new(base, -1, 0, refresh, balancer);
	balancer->step = event_new(base, -1, 0, step, balancer);
	balancer->count = event_new(base, -1, EV_PERSIST, count_sessions, balancer);
	if (balancer->roster == NULL || balancer->sweep == NULL || balancer->risk == NULL ||
	    balancer->refresh == NULL || balancer->step == NULL || balancer->count == NULL ||
	    risk_follow(balancer->risk, balancer->config) < 0)
		return mr_error_set(error, -ENOMEM, "out of memory");
	balancer->roster->dp = balancer->dp;
	rc = ways_create(base, balancer->dp, balancer->config, on_ways, balancer, &balancer->ways,
			 error);
	if (rc < 0)
		return rc;
	return health_create(base, balancer->dp, on_health, balancer, &balancer->health, error);
}

/* What a former process left is to the configuration as the fleet in force is to a change. */
static int make_first_fleet(struct balancer *balancer, struct mr_error *error)
{
	struct fleet *former = NULL;
	int rc = 0;

	if (balancer->state != NULL)
		rc = session_state_recover(balancer->state, balancer->roster, &former);
	if (rc < 0)
		return mr_error_set(error, rc, "out of memory");
	rc = fleet_create(balancer->roster, balancer->config, former, &balancer->fleet, error);
	fleet_destroy(former);
	return rc;
}

static int release_first(struct balancer *balancer, struct mr_error *error)
{
	static const struct timeval second = {.tv_sec = 1};
	struct release release;
	int rc = make_first_fleet(balancer, error);

	if (rc < 0)
		return rc;
	rc = ways_watch(balancer->ways, balancer->fleet, error);
	if (rc < 0)
		return rc;
	rc = make_release(balancer, balancer->fleet, balancer->generation, &release);
	if (rc < 0)
		return mr_error_set(error, rc, "out of memory");
	rc = steer(balancer, &release, error);
	if (rc == 0) {
		publish(balancer, &release);
		event_add(balancer->count, &second);
	}
	release_fini(&release);
	return rc;
}

int balancer_create(const struct balancer_setup *setup, struct balancer **out,
		    struct mr_error *error)
{
	struct balancer *balancer = calloc(1, sizeof(*balancer));
	int rc;

	if (balancer == NULL) {
		config_free(setup->config);
		return mr_error_set(error, -ENOMEM, "out of memory");
	}
	balancer->dp = setup->dp;
	balancer->config = setup->config;
	balancer->state = setup->state;
	balancer->generation = 1;
	balancer->started_ms = clock_monotonic_ms();
	if (setup->path != NULL)
		balancer->path = strdup(setup->path);
	rc = make_parts(balancer, setup->base, error);
	if (rc == 0)
		rc = release_first(balancer, error);
	if (rc < 0) {
		balancer_destroy(balancer);
		return rc;
	}
	*out = balancer;
	return 0;
}

void balancer_destroy(struct balancer *balancer)
{
	if (balancer == NULL)
		return;
	health_destroy(balancer->health);
	ways_destroy(balancer->ways);
	if (balancer->refresh != NULL)
		event_free(balancer->refresh);
	if (balancer->step != NULL)
		event_free(balancer->step);
	if (balancer->count != NULL)
		event_free(balancer->count);
	pin_sweep_destroy(balancer->sweep);
	risk_destroy(balancer->risk);
	fleet_destroy(balancer->fleet);
	if (balancer->roster != NULL)
		roster_fini(balancer->roster);
	free(balancer->roster);
	config_free(balancer->config);
	free(balancer->path);
	free(balancer);
}

const struct config *balancer_config(const struct balancer *balancer)
{
	return balancer->config;
}

uint64_t balancer_generation(const struct balancer *balancer)
{
	return balancer->generation;
}

uint64_t balancer_uptime_s(const struct balancer *balancer)
{
	return (clock_monotonic_ms() - balancer->started_ms) / 1000;
}

struct balancer_use balancer_use(const struct balancer *balancer)
{
	return balancer->use;
}

struct mr_dataplane *balancer_dataplane(const struct balancer *balancer)
{
	return balancer->dp;
}

/* The encoded form has every field, so that equal parts of two configurations are equal. */
static bool part_differs(const json_t *a, const json_t *b, const char *part)
{
	return !json_equal(json_object_get(a, part), json_object_get(b, part));
}

static int refuse_fixed_parts(const struct balancer *balancer, const struct config *next,
			      struct mr_error *error)
{
	static const char *const fixed[] = {"node", "control", "workers", "sessions", "ports"};
	json_auto_t *before = config_encode(balancer->config);
	json_auto_t *after = config_encode(next);

	if (before == NULL || after == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (part_differs(before, after, fixed[i]))
			return mr_error_set(error, -EBUSY,
					    "/%s: cannot change while mailraild runs; restart it "
					    "with the new configuration",
					    fixed[i]);
	}
	return 0;
}

/* The running configuration takes over again where a change has failed half way. */
static void restore(struct balancer *balancer)
{
	struct mr_error error;

	if (ways_watch(balancer->ways, balancer->fleet, &error) < 0)
		log_write(LOG_ERR, "%s", error.text);
	schedule_refresh(balancer);
}

static int save(const struct balancer *balancer, const struct config *config,
		struct mr_error *error)
{
	return balancer->path != NULL ? config_save(balancer->path, config, error) : 0;
}

/* Makes @fleet, of @next, the one in force. On failure everything is as it was. */
static int commit(struct balancer *balancer, struct config *next, struct fleet *fleet,
		  struct mr_error *error)
{
	struct mr_error unsave_error;
	struct release release;
	int rc = ways_watch(balancer->ways, fleet, error);

	if (rc < 0)
		goto err_restore;
	rc = make_release(balancer, fleet, balancer->generation + 1, &release);
	if (rc < 0) {
		mr_error_set(error, rc, "out of memory");
		goto err_restore;
	}
	rc = save(balancer, next, error);
	if (rc < 0)
		goto err_release;
	rc = steer(balancer, &release, error);
	if (rc < 0)
		goto err_unsave;

	fleet_destroy(balancer->fleet);
	config_free(balancer->config);
	balancer->fleet = fleet;
	balancer->config = next;
	balancer->generation++;
	if (risk_follow(balancer->risk, next) < 0)
		log_write(LOG_ERR, "out of memory: sessions at risk are counted over another time");
	publish(balancer, &release);
	release_fini(&release);
	roster_release_services(balancer->roster, fleet);
	log_write(LOG_NOTICE, "configuration: generation %" PRIu64 " in force",
		  balancer->generation);
	return 0;

err_unsave:
	if (save(balancer, balancer->config, &unsave_error) < 0)
		log_write(LOG_ERR, "%s", unsave_error.text);
err_release:
	release_fini(&release);
err_restore:
	restore(balancer);
	return rc;
}

int balancer_apply(struct balancer *balancer, struct config *next, struct mr_error *error)
{
	struct fleet *fleet;
	int rc = refuse_fixed_parts(balancer, next, error);

	if (rc == 0)
		rc = fleet_create(balancer->roster, next, balancer->fleet, &fleet, error);
	if (rc != 0)
		goto err_free_config;
	rc = commit(balancer, next, fleet, error);
	if (rc < 0)
		goto err_destroy_fleet;
	return 0;

err_destroy_fleet:
	fleet_destroy(fleet);
err_free_config:
	config_free(next);
	return rc;
}

int balancer_plan(const struct balancer *balancer, const struct config *next, bool assume_up,
		  struct plan *out, struct mr_error *error)
{
	const int rc = refuse_fixed_parts(balancer, next, error);

	return rc < 0 ? rc : plan_make(balancer->fleet, next, assume_up, out, error);
}

void balancer_backend_status(const struct balancer *balancer, uint32_t pool, uint32_t backend,
			     struct backend_status *out)
{
	/* Configured members come first, in the order of the configuration. */
	const struct pool *in_pool = &balancer->fleet->pools[pool];
	const struct member *member = &in_pool->members[backend];
	const struct way_facts facts = ways_facts(balancer->ways);
	struct mr_backend compiled;
	struct way way;

	*out = (struct backend_status){
		.id = member->backend->id,
		.slots = member->slots,
		.base_slots = member->base_slots,
		.pins = member->backend->pins,
	};
	health_get(balancer->health, member->backend->id, &out->health);
	out->health.verdict = member->backend->verdict;
	way_find(balancer->config, &facts, in_pool, &member->backend->address, &way);
	compile_backend(in_pool, member, &way, &compiled);
	out->next_hop_set = way.known;
	out->next_hop = way.to.next_hop;
	out->port = way.to.port;
	out->path_set = compiled.way_set;
	out->path_mtu_bytes = way.to.mtu_bytes;
	out->packet_max_bytes = compiled.packet_max_bytes;
	out->source_set = in_pool->tunnel.source_given || way.has_source;
	out->source = in_pool->tunnel.source_given ? in_pool->tunnel.source
						   : (struct mr_prefix){way.source, 128};
	roster_backend_counters(balancer->roster, member->backend, &out->counters);
}

int balancer_find_service(const struct balancer *balancer, mr_service_id id)
{
	for (uint32_t i = 0; i < balancer->config->service_count; i++) {
		if (balancer->fleet->service_ids[i] == id)
			return (int)i;
	}
	return -ENOENT;
}

int balancer_find_backend(const struct balancer *balancer, mr_backend_id id, uint32_t *out_pool,
			  uint32_t *out_member)
{
	for (uint32_t i = 0; i < balancer->fleet->pool_count; i++) {
		const struct pool *pool = &balancer->fleet->pools[i];
		const struct member *member = pool_find_member(pool, id);

		if (member == NULL)
			continue;
		*out_pool = i;
		*out_member = (uint32_t)(member - pool->members);
		return 0;
	}
	return -ENOENT;
}

void balancer_pool_status(const struct balancer *balancer, uint32_t pool, struct pool_status *out)
{
	const struct pool *running = &balancer->fleet->pools[pool];

	*out = (struct pool_status){
		.slots = running->table_size,
		.moving_slots = running->moving_slots,
		.leaving_backends =
			running->member_count - balancer->config->pools[pool].backend_count,
	};
}

const struct pool *balancer_pool(const struct balancer *balancer, uint32_t pool)
{
	return &balancer->fleet->pools[pool];
}

struct forgotten_sessions balancer_forgotten_sessions(const struct balancer *balancer)
{
	return (struct forgotten_sessions){
		.silent = pin_sweep_silent(balancer->sweep),
		.at_risk = risk_sessions(balancer->risk),
		.none_of_late = risk_knows_all(balancer->risk),
	};
}

void balancer_service_counters(const struct balancer *balancer, uint32_t service,
			       struct mr_flow_counters *out)
{
	roster_service_counters(balancer->roster, balancer->fleet->service_ids[service], out);
}
