/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A target is idle until its timer fires, then waits for one of the PROBES_MAX places, then is
 * probed, then is idle again. What a probe found goes into its verdict; changes are told to the
 * balancer from an event of their own, so that it may call back into here.
 *
 * A probe that could not be sent (no interface, no descriptor left) says nothing about the
 * backend: it is logged and tried again, and the verdict stays.
 */
#define LOG_TOPIC LOG_TOPIC_HEALTH

#include "health.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "probe_netns.h"
#include "probe_ports.h"
#include "smtp_probe.h"

#define PROBES_MAX     64   /* at the same time */
#define FAST_MS	       1000 /* the first probe ever, and retries before a verdict of "down" */
#define TIDY_MS	       5000 /* a source address outlives its last probe, for the FINs */
#define PORT_TRIES_MAX 8

enum target_phase {
	TARGET_IDLE,
	TARGET_WAITING,
	TARGET_PROBING,
};

/* A health_target that owns its strings, which follow it in the same allocation. */
struct plan {
	struct health_target target;
	char strings[];
};

struct target {
	struct health *health;
	struct plan *plan;
	struct health_status status;
	struct dialogues dialogues;
	struct dialogue *dialogue; /* of the probe under way; NULL: none, or no memory */
	bool changed;		   /* not told yet */
	enum target_phase phase;
	struct event *timer;
	uint64_t due_ms; /* next probe, while one is still closing */
	struct smtp_probe *probe;
	uint16_t port;
	TAILQ_ENTRY(target) waiting;
};

struct health {
	struct event_base *base;
	health_changed_fn *changed;
	void *context;
	health_probed_fn *probed; /* NULL: nobody asks */
	void *probed_context;
	struct event *notify;
	struct event *tidy;
	struct probe_netns *netns;
	struct probe_ports *ports;
	struct target **targets; /* sorted by id */
	uint32_t target_count;
	uint32_t probing;
	bool cannot_send; /* and that has been logged */
	TAILQ_HEAD(, target) waiting;
};

const char *health_verdict_name(enum health_verdict verdict)
{
	switch (verdict) {
	case HEALTH_UNKNOWN:
		return "unknown";
	case HEALTH_UP:
		return "up";
	case HEALTH_DOWN:
		return "down";
	}
	return "";
}

/* Evenly in [0, @bound). */
static uint32_t random_below(uint32_t bound)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return (uint32_t)((uint64_t)random * bound >> 32);
}

/* @mean +- 20 %, so that probes of many balancers and backends spread. */
static uint64_t jittered(uint32_t mean_ms)
{
	return (uint64_t)mean_ms * (800 + random_below(401)) / 1000;
}

static uint32_t shorter(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void target_schedule(struct target *target, uint64_t delay_ms)
{
	struct timeval delay = clock_timeval(delay_ms);

	target->due_ms = clock_monotonic_ms() + delay_ms;
	if (target->phase == TARGET_IDLE)
		event_add(target->timer, &delay);
}

/* The verdict after @target's streak has grown by one. */
static enum health_verdict next_verdict(const struct target *target)
{
	const struct health_target *want = &target->plan->target;

	switch (target->status.verdict) {
	case HEALTH_UNKNOWN: /* the first probe decides: there is no good record to set against it
			      */
		return target->status.good ? HEALTH_UP : HEALTH_DOWN;
	case HEALTH_UP:
		return !target->status.good && target->status.streak >= want->fall ? HEALTH_DOWN
										   : HEALTH_UP;
	case HEALTH_DOWN:
		return target->status.good && target->status.streak >= want->rise ? HEALTH_UP
										  : HEALTH_DOWN;
	}
	return target->status.verdict;
}

static void target_judge(struct target *target)
{
	enum health_verdict verdict = next_verdict(target);

	if (verdict == target->status.verdict)
		return;
	target->status.verdict = verdict;
	target->status.changed_ms = clock_wall_ms();
	target->changed = true;
	event_active(target->health->notify, EV_TIMEOUT, 0);
}

static uint64_t next_delay_ms(const struct target *target)
{
	uint32_t interval_ms = target->plan->target.interval_ms;

	if (!target->status.good && target->status.verdict != HEALTH_DOWN)
		interval_ms = shorter(interval_ms, FAST_MS);
	return jittered(interval_ms);
}

static void tell_latency(const struct target *target, uint32_t latency_ms)
{
	const struct health *health = target->health;

	if (health->probed != NULL)
		health->probed(health->probed_context, target->plan->target.pool, latency_ms);
}

static void on_verdict(void *context, const struct smtp_probe_result *result)
{
	struct target *target = context;
	struct health_status *status = &target->status;

	status->probes++;
	if (result->good) {
		status->latency_ms = result->latency_ms;
		tell_latency(target, result->latency_ms);
	} else {
		status->failures++;
	}
	snprintf(status->reason, sizeof(status->reason), "%s", result->reason);
	if (result->good != target->status.good)
		target->status.streak = 0;
	target->status.good = result->good;
	target->status.streak++;
	target_judge(target);
	target_schedule(target, next_delay_ms(target));
}

static void start_waiting(struct health *health);

/* Frees the target's place and port; the probe itself is gone or about to go. */
static void target_end_probe(struct target *target)
{
	target->probe = NULL;
	dialogues_keep(&target->dialogues, target->dialogue);
	target->dialogue = NULL;
	target->phase = TARGET_IDLE;
	target->health->probing--;
	probe_ports_release(target->health->ports, target->port);
}

static void on_closed(void *context)
{
	struct target *target = context;
	uint64_t now = clock_monotonic_ms();

	target_end_probe(target);
	target_schedule(target, target->due_ms > now ? target->due_ms - now : 0);
	start_waiting(target->health);
}

static int connect_to(int socket, const struct mr_addr *addr, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int result;

	if (mr_addr_is_v4(addr)) {
		memcpy(&v4.sin_addr, &addr->bytes[12], sizeof(v4.sin_addr));
		result = connect(socket, (struct sockaddr *)&v4, sizeof(v4));
	} else {
		memcpy(&v6.sin6_addr, addr->bytes, sizeof(v6.sin6_addr));
		result = connect(socket, (struct sockaddr *)&v6, sizeof(v6));
	}
	return result < 0 && errno != EINPROGRESS ? -errno : 0;
}

/* A socket on a fresh port that the dataplane leads to the target's backend. */
static int target_socket(struct target *target, struct mr_error *error)
{
	const struct health_target *want = &target->plan->target;
	struct health *health = target->health;
	int socket = -EADDRINUSE;

	for (int tries = 0; tries < PORT_TRIES_MAX && socket == -EADDRINUSE; tries++) {
		int err = probe_ports_take(health->ports, want->id, &target->port);

		if (err < 0)
			return mr_error_set(error, err, "no free source port");
		socket = probe_netns_socket(health->netns, &want->source, target->port, error);
		if (socket < 0)
			probe_ports_release(health->ports, target->port);
	}
	return socket;
}

static int target_start_probe(struct target *target, struct mr_error *error)
{
	const struct health_target *want = &target->plan->target;
	struct smtp_probe_config config = {
		.helo_name = want->helo_name,
		.timeout_ms = want->timeout_ms,
		.verdict = on_verdict,
		.closed = on_closed,
		.context = target,
	};
	int socket = target_socket(target, error), err;

	if (socket < 0)
		return socket;
	config.dialogue = target->dialogue = dialogue_create();
	err = connect_to(socket, &want->service, want->service_port);
	if (err == 0)
		err = smtp_probe_start(target->health->base, &config, socket, &target->probe);
	if (err < 0) {
		close(socket);
		dialogue_free(target->dialogue);
		target->dialogue = NULL;
		probe_ports_release(target->health->ports, target->port);
		return mr_error_set(error, err, "probe socket: %s", strerror(-err));
	}
	return 0;
}

static void target_probe(struct target *target)
{
	const struct health_target *want = &target->plan->target;
	struct health *health = target->health;
	struct mr_error error;

	if (target_start_probe(target, &error) == 0) {
		target->phase = TARGET_PROBING;
		health->probing++;
		health->cannot_send = false;
		return;
	}
	if (!health->cannot_send) {
		const struct log_subject about = {.pool = want->pool, .backend = want->name};

		log_write_about(LOG_TOPIC, &about, LOG_WARNING,
				"pool %s, backend %s: cannot probe: %s", want->pool, want->name,
				error.text);
	}
	health->cannot_send = true;
	snprintf(target->status.reason, sizeof(target->status.reason), "not probed: %.*s", 200,
		 error.text);
	target->phase = TARGET_IDLE;
	target_schedule(target, jittered(shorter(want->interval_ms, FAST_MS)));
}

static void start_waiting(struct health *health)
{
	struct target *target;

	while (health->probing < PROBES_MAX && (target = TAILQ_FIRST(&health->waiting))) {
		TAILQ_REMOVE(&health->waiting, target, waiting);
		target_probe(target);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct target *target = context;

	(void)fd;
	(void)what;
	target->phase = TARGET_WAITING;
	TAILQ_INSERT_TAIL(&target->health->waiting, target, waiting);
	start_waiting(target->health);
}

/* Whatever the target is doing, it is idle afterwards, with no timer set. */
static void target_stop(struct target *target)
{
	switch (target->phase) {
	case TARGET_IDLE:
		event_del(target->timer);
		break;
	case TARGET_WAITING:
		TAILQ_REMOVE(&target->health->waiting, target, waiting);
		target->phase = TARGET_IDLE;
		break;
	case TARGET_PROBING:
		smtp_probe_destroy(target->probe);
		target_end_probe(target);
		break;
	}
}

static void target_destroy(struct target *target)
{
	if (!target)
		return;
	if (target->timer) {
		target_stop(target);
		event_free(target->timer);
	}
	dialogues_fini(&target->dialogues);
	free(target->plan);
	free(target);
}

static struct target *target_create(struct health *health)
{
	struct target *target = calloc(1, sizeof(*target));

	if (!target)
		return NULL;
	target->health = health;
	target->timer = event_new(health->base, -1, 0, on_timer, target);
	if (!target->timer) {
		free(target);
		return NULL;
	}
	return target;
}

static char *append_string(char **next, const char *string)
{
	size_t bytes = strlen(string) + 1;
	char *copy = memcpy(*next, string, bytes);

	*next += bytes;
	return copy;
}

static struct plan *plan_create(const struct health_target *wanted)
{
	size_t bytes = strlen(wanted->pool) + strlen(wanted->name) + strlen(wanted->helo_name) + 3;
	struct plan *plan = malloc(sizeof(*plan) + bytes);
	char *next;

	if (!plan)
		return NULL;
	next = plan->strings;
	plan->target = *wanted;
	plan->target.pool = append_string(&next, wanted->pool);
	plan->target.name = append_string(&next, wanted->name);
	plan->target.helo_name = append_string(&next, wanted->helo_name);
	return plan;
}

static bool same_connection(const struct health_target *a, const struct health_target *b)
{
	return mr_addr_equal(&a->service, &b->service) && a->service_port == b->service_port &&
	       mr_addr_equal(&a->source, &b->source) && strcmp(a->helo_name, b->helo_name) == 0;
}

/* The first target whose id is not below @id: an index, possibly behind the last. */
static uint32_t lower_bound(const struct health *health, uint32_t id)
{
	uint32_t low = 0, high = health->target_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (health->targets[middle]->plan->target.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct target *find_target(const struct health *health, mr_backend_id id)
{
	uint32_t index = lower_bound(health, id);

	if (index == health->target_count || health->targets[index]->plan->target.id != id)
		return NULL;
	return health->targets[index];
}

/* By id, not by pointer: each call may change the set. */
static void on_notify(evutil_socket_t fd, short what, void *context)
{
	struct health *health = context;
	uint32_t next_id = 0, index;

	(void)fd;
	(void)what;
	while ((index = lower_bound(health, next_id)) < health->target_count) {
		struct target *target = health->targets[index];
		struct health_status status = target->status;
		mr_backend_id id = target->plan->target.id;

		next_id = (uint32_t)id + 1;
		if (!target->changed)
			continue;
		target->changed = false;
		health->changed(health->context, id, &status);
	}
}

static bool source_wanted(const void *context, const struct mr_addr *source)
{
	const struct health *health = context;

	for (uint32_t i = 0; i < health->target_count; i++) {
		if (mr_addr_equal(&health->targets[i]->plan->target.source, source))
			return true;
	}
	return false;
}

static void on_tidy(evutil_socket_t fd, short what, void *context)
{
	struct health *health = context;

	(void)fd;
	(void)what;
	probe_netns_keep(health->netns, source_wanted, health);
}

int health_create(struct event_base *base, struct mr_dataplane *dp, health_changed_fn *changed,
		  void *context, struct health **out, struct mr_error *error)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return mr_error_set(error, -ENOMEM, "health: no memory");
	health->base = base;
	health->changed = changed;
	health->context = context;
	TAILQ_INIT(&health->waiting);
	health->notify = event_new(base, -1, 0, on_notify, health);
	health->tidy = event_new(base, -1, 0, on_tidy, health);
	health->netns = probe_netns_create(mr_dataplane_probe_netns(dp), MR_PROBE_INTERFACE);
	health->ports = probe_ports_create(base, dp);
	if (!health->notify || !health->tidy || !health->netns || !health->ports) {
		health_destroy(health);
		return mr_error_set(error, -ENOMEM, "health: no memory");
	}
	*out = health;
	return 0;
}

void health_watch_probes(struct health *health, health_probed_fn *probed, void *context)
{
	health->probed = probed;
	health->probed_context = context;
}

void health_destroy(struct health *health)
{
	if (!health)
		return;
	for (uint32_t i = 0; i < health->target_count; i++)
		target_destroy(health->targets[i]);
	free(health->targets);
	probe_ports_destroy(health->ports);
	probe_netns_destroy(health->netns);
	if (health->notify)
		event_free(health->notify);
	if (health->tidy)
		event_free(health->tidy);
	free(health);
}

/* What health_set_targets() has ready before it changes anything. */
struct staged {
	struct plan *plan;
	struct target *target; /* there before, or new: then without a plan */
};

static int staged_compare(const void *a, const void *b)
{
	const struct staged *first = a, *second = b;

	return (int)first->plan->target.id - (int)second->plan->target.id;
}

static void unstage(struct staged *staged, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		free(staged[i].plan);
		if (staged[i].target && !staged[i].target->plan)
			target_destroy(staged[i].target);
	}
	free(staged);
}

static struct staged *stage(struct health *health, const struct health_target *targets,
			    uint32_t count)
{
	struct staged *staged = calloc(count ? count : 1, sizeof(*staged));

	if (!staged)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		staged[i].plan = plan_create(&targets[i]);
		staged[i].target = find_target(health, targets[i].id);
		if (!staged[i].target)
			staged[i].target = target_create(health);
		if (!staged[i].plan || !staged[i].target) {
			unstage(staged, count);
			return NULL;
		}
	}
	qsort(staged, count, sizeof(*staged), staged_compare);
	for (uint32_t i = 1; i < count; i++)
		assert(staged[i - 1].plan->target.id != staged[i].plan->target.id);
	return staged;
}

/* Gives @target its new plan and starts, keeps or restarts its schedule accordingly. */
static void target_follow(struct target *target, struct plan *plan)
{
	struct plan *old = target->plan;

	target->plan = plan;
	if (!old) {
		uint32_t spread_ms = shorter(plan->target.interval_ms, FAST_MS);

		target->status.verdict = plan->target.verdict;
		target_schedule(target, random_below(spread_ms));
	} else if (!same_connection(&old->target, &plan->target)) {
		target_stop(target);
		target->status.streak = 0;
		target_schedule(target, 0);
	} else if (target->phase == TARGET_IDLE &&
		   plan->target.interval_ms < old->target.interval_ms) {
		target_schedule(target, jittered(plan->target.interval_ms));
	}
	free(old);
}

int health_set_targets(struct health *health, const struct health_target *targets, uint32_t count)
{
	struct target **next = calloc(count ? count : 1, sizeof(struct target *));
	struct staged *staged = stage(health, targets, count);
	struct timeval tidy_after = clock_timeval(TIDY_MS);
	uint32_t kept = 0;

	if (!next || !staged) {
		if (staged)
			unstage(staged, count);
		free(next);
		return -ENOMEM;
	}
	/* Both sets are sorted: what is in the old one only goes. */
	for (uint32_t i = 0; i < health->target_count; i++) {
		struct target *old = health->targets[i];

		while (kept < count && staged[kept].plan->target.id < old->plan->target.id)
			kept++;
		if (kept == count || staged[kept].target != old)
			target_destroy(old);
	}
	free(health->targets);
	for (uint32_t i = 0; i < count; i++) {
		next[i] = staged[i].target;
		target_follow(staged[i].target, staged[i].plan);
	}
	free(staged);
	health->targets = next;
	health->target_count = count;
	event_add(health->tidy, &tidy_after);
	start_waiting(health);
	return 0;
}

static uint32_t ms_until_probe(const struct target *target)
{
	const uint64_t now_ms = clock_monotonic_ms();

	if (target->phase != TARGET_IDLE || target->due_ms <= now_ms)
		return 0;
	return (uint32_t)(target->due_ms - now_ms);
}

void health_get(const struct health *health, mr_backend_id id, struct health_status *out)
{
	const struct target *target = find_target(health, id);

	if (!target) {
		*out = (struct health_status){.verdict = HEALTH_UNKNOWN};
		return;
	}
	*out = target->status;
	out->checked = true;
	out->next_ms = ms_until_probe(target);
}

const struct health_target *health_get_target(const struct health *health, mr_backend_id id)
{
	const struct target *target = find_target(health, id);

	return target ? &target->plan->target : NULL;
}

const struct dialogues *health_get_dialogues(const struct health *health, mr_backend_id id)
{
	const struct target *target = find_target(health, id);

	return target ? &target->dialogues : NULL;
}

int health_check(struct health *health, mr_backend_id id)
{
	struct target *target = find_target(health, id);

	if (!target)
		return -ENOENT;
	if (ms_until_probe(target) == 0)
		return -EALREADY;
	target_schedule(target, 0);
	return 0;
}
