/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_CONFIG

#include "balancer_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* Pieces of one pass over the pins follow each other at once; passes are this far apart. */
#define PASS_INTERVAL_MS 500
#define STEP_INTERVAL_MS 2

void balancer_schedule_refresh(struct balancer *balancer)
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

int balancer_make_release(const struct balancer *balancer, const struct fleet *fleet,
			  uint64_t generation, struct release *out)
{
	const struct way_facts facts = ways_facts(balancer->ways);

	return release_make(fleet, &facts, generation, out);
}

int balancer_steer(const struct balancer *balancer, const struct release *release,
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
		log_write_about(LOG_TOPIC_SESSIONS, NULL, LOG_ERR, "sessions: %s", error.text);
}

/* From here on workers see the snapshot; nothing can fail any more. */
void balancer_publish(struct balancer *balancer, struct release *release)
{
	save_sessions(balancer);
	mr_dataplane_publish(balancer->dp, release->snapshot);
	release->snapshot = NULL;
	alarms_look_at_services(balancer->alarms, balancer->fleet);
	balancer->use = (struct balancer_use){
		.probe_sources = release->plan.source_count,
		.nat_sources = release->nat_source_count,
	};
	if (health_set_targets(balancer->health, release->plan.targets,
			       release->plan.target_count) < 0)
		log_write(LOG_ERR, "out of memory: health checks go on with the former backends");
	if (pin_sweep_restart(balancer->sweep, balancer->fleet) < 0)
		log_write_about(LOG_TOPIC_SESSIONS, NULL, LOG_ERR,
				"out of memory: pins are not cleaned up for now");
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
	if (balancer_make_release(balancer, balancer->fleet, balancer_generation(balancer),
				  &release) < 0) {
		log_write(LOG_ERR, "out of memory: workers go on with the former snapshot");
		return;
	}
	if (balancer_steer(balancer, &release, &error) < 0)
		log_write(LOG_ERR, "%s", error.text);
	balancer_publish(balancer, &release);
	release_fini(&release);
}

static void log_health(const struct backend *backend, const struct health_status *status)
{
	const struct log_subject about = {.pool = backend->pool, .backend = backend->name};

	log_write_about(LOG_TOPIC_HEALTH, &about,
			status->verdict == HEALTH_DOWN ? LOG_WARNING : LOG_NOTICE,
			"backend %s/%s: %s, was %s: %s", backend->pool, backend->name,
			health_verdict_name(status->verdict), health_verdict_name(backend->verdict),
			status->reason);
}

/* That one who was trusted is up indeed is no news. */
static void tell_health(struct balancer *balancer, const struct backend *backend,
			const struct health_status *status)
{
	const bool was_trusted = backend->verdict == HEALTH_UNKNOWN && backend->trusted;

	if (was_trusted && status->verdict == HEALTH_UP)
		return;
	events_emit(balancer->events,
		    status->verdict == HEALTH_DOWN ? EVENT_BACKEND_DOWN : EVENT_BACKEND_UP,
		    json_pack("{s:s, s:s, s:s}", "pool", backend->pool, "backend", backend->name,
			      "reason", status->reason));
}

static void on_probed(void *context, const char *pool, uint32_t latency_ms)
{
	struct balancer *balancer = context;

	probe_times_add(balancer->probe_times, pool, (uint64_t)latency_ms * 1000);
}

static void on_health(void *context, mr_backend_id id, const struct health_status *status)
{
	struct balancer *balancer = context;
	struct backend *backend = balancer->roster->backends[id];

	if (backend == NULL || backend->verdict == status->verdict)
		return;
	log_health(backend, status);
	tell_health(balancer, backend, status);
	backend->verdict = status->verdict;
	balancer_schedule_refresh(balancer);
}

static void on_ways(void *context)
{
	balancer_schedule_refresh(context);
}

static bool member_has_sessions(const struct member *member)
{
	return member->slots > 0 || member->base_slots > 0 || member->backend->pins > 0;
}

static void log_end(const struct backend *backend, const char *what)
{
	const struct log_subject about = {.pool = backend->pool, .backend = backend->name};

	log_write_about(LOG_TOPIC_SESSIONS, &about, LOG_NOTICE,
			"backend %s/%s: %s, no session remains", backend->pool, backend->name,
			what);
}

/* True: some member has left for good. */
static bool let_members_leave(const struct balancer *balancer, struct pool *pool)
{
	bool left = false;

	for (uint32_t i = pool->member_count; i-- > 0;) {
		struct member *member = &pool->members[i];

		if (!member->leaving || member_has_sessions(member))
			continue;
		log_end(member->backend, "has left");
		events_emit(balancer->events, EVENT_BACKEND_LEFT,
			    json_pack("{s:s, s:s}", "pool", member->backend->pool, "backend",
				      member->backend->name));
		fleet_remove_member(pool, member);
		left = true;
	}
	return left;
}

static bool awaits_end_of_drain(const struct member *member)
{
	return member->state == CONFIG_BACKEND_DRAIN && !member->leaving &&
	       !member->backend->drained;
}

static void tell_drained(struct balancer *balancer, const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct member *member = &pool->members[i];

		if (!awaits_end_of_drain(member) || member_has_sessions(member))
			continue;
		member->backend->drained = true;
		log_end(member->backend, "is drained");
		events_emit(balancer->events, EVENT_DRAIN_FINISHED,
			    json_pack("{s:s, s:s}", "pool", pool->name, "backend",
				      member->backend->name));
	}
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
		log_write_about(LOG_TOPIC_SESSIONS, NULL, LOG_ERR,
				"pool %s: out of memory: slots stay moving for now", pool->name);
	tell_drained(balancer, pool);
	return let_members_leave(balancer, pool) || settled;
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
		balancer_schedule_refresh(balancer);
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
			if (pool->members[m].leaving || awaits_end_of_drain(&pool->members[m]))
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
	alarms_look_at_dataplane(balancer->alarms, balancer->dp, balancer->config);
}

/* Everything that a fleet is released into, except the fleet. */
static int make_parts(struct balancer *balancer, struct event_base *base, struct mr_error *error)
{
	int rc;

	balancer->roster = calloc(1, sizeof(*balancer->roster));
	balancer->sweep = pin_sweep_create(balancer->dp);
	balancer->risk = risk_create(base, balancer->dp);
	balancer->alarms = alarms_create(balancer->events);
	balancer->probe_times = probe_times_create();
	balancer->refresh = event_new(base, -1, 0, refresh, balancer);
	balancer->step = event_new(base, -1, 0, step, balancer);
	balancer->count = event_new(base, -1, EV_PERSIST, count_sessions, balancer);
	if (balancer->roster == NULL || balancer->sweep == NULL || balancer->risk == NULL ||
	    balancer->alarms == NULL || balancer->probe_times == NULL ||
	    balancer->refresh == NULL || balancer->step == NULL || balancer->count == NULL ||
	    risk_follow(balancer->risk, balancer->config) < 0 ||
	    probe_times_follow(balancer->probe_times, balancer->config) < 0)
		return mr_error_set(error, -ENOMEM, "out of memory");
	balancer->roster->dp = balancer->dp;
	rc = ways_create(base, balancer->dp, balancer->config, on_ways, balancer, &balancer->ways,
			 error);
	if (rc < 0)
		return rc;
	rc = health_create(base, balancer->dp, on_health, balancer, &balancer->health, error);
	if (rc == 0)
		health_watch_probes(balancer->health, on_probed, balancer);
	return rc;
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
	rc = balancer_make_release(balancer, balancer->fleet, balancer_generation(balancer),
				   &release);
	if (rc < 0)
		return mr_error_set(error, rc, "out of memory");
	rc = balancer_steer(balancer, &release, error);
	if (rc == 0) {
		balancer_publish(balancer, &release);
		event_add(balancer->count, &second);
	}
	release_fini(&release);
	return rc;
}

static int open_ledger(struct balancer *balancer, const struct balancer_setup *setup,
		       struct mr_error *error)
{
	const struct ledger_setup wanted = {
		.base = setup->base,
		.path = setup->path,
		.config = setup->config,
		.events = setup->events,
		.expired = balancer_take_back,
		.context = balancer,
	};
	const int rc = ledger_create(&wanted, &balancer->ledger);

	return rc < 0 ? mr_error_set(error, rc, "out of memory") : 0;
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
	balancer->events = setup->events;
	balancer->follower = setup->follower;
	balancer->started_ms = clock_monotonic_ms();
	balancer->started_wall_ms = clock_wall_ms();
	rc = open_ledger(balancer, setup, error);
	if (rc == 0)
		rc = make_parts(balancer, setup->base, error);
	if (rc == 0)
		rc = release_first(balancer, error);
	if (rc < 0) {
		balancer_destroy(balancer);
		return rc;
	}
	ledger_begin(balancer->ledger, balancer->config);
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
	alarms_destroy(balancer->alarms);
	probe_times_destroy(balancer->probe_times);
	fleet_destroy(balancer->fleet);
	if (balancer->roster != NULL)
		roster_fini(balancer->roster);
	free(balancer->roster);
	config_free(balancer->config);
	ledger_destroy(balancer->ledger);
	free(balancer);
}

const struct config *balancer_config(const struct balancer *balancer)
{
	return balancer->config;
}

uint64_t balancer_generation(const struct balancer *balancer)
{
	return ledger_generation(balancer->ledger);
}

const struct ledger *balancer_ledger(const struct balancer *balancer)
{
	return balancer->ledger;
}

uint64_t balancer_uptime_s(const struct balancer *balancer)
{
	return (clock_monotonic_ms() - balancer->started_ms) / 1000;
}

uint64_t balancer_started_ms(const struct balancer *balancer)
{
	return balancer->started_wall_ms;
}

struct balancer_use balancer_use(const struct balancer *balancer)
{
	return balancer->use;
}

struct mr_dataplane *balancer_dataplane(const struct balancer *balancer)
{
	return balancer->dp;
}

struct health *balancer_health(const struct balancer *balancer)
{
	return balancer->health;
}
