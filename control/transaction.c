/* SPDX-License-Identifier: BSD-3-Clause */
/* Another configuration comes into force: whole, or not at all. */
#define LOG_TOPIC LOG_TOPIC_CONFIG

#include "balancer_parts.h"

#include <errno.h>
#include <inttypes.h>

#include "clock.h"
#include "config_diff.h"
#include "log.h"

static int refuse_fixed_parts(const struct balancer *balancer, const struct config *next,
			      struct mr_error *error)
{
	static const char *const fixed[] = {"node", "workers", "sessions", "ports"};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!config_part_equal(balancer->config, next, fixed[i]))
			return mr_error_set(error, -EBUSY,
					    "/%s: cannot change while mailraild runs; restart it "
					    "with the new configuration",
					    fixed[i]);
	}
	return 0;
}

static int prepare_follower(const struct balancer *balancer, const struct config *next,
			    struct mr_error *error)
{
	const struct balancer_follower *follower = &balancer->follower;

	return follower->prepare ? follower->prepare(follower->context, next, error) : 0;
}

static void settle_follower(const struct balancer *balancer, bool in_force)
{
	if (balancer->follower.settle)
		balancer->follower.settle(balancer->follower.context, in_force);
}

/* The running configuration takes over again where a change has failed half way. */
static void restore(struct balancer *balancer)
{
	struct mr_error error;

	if (ways_watch(balancer->ways, balancer->fleet, &error) < 0)
		log_write(LOG_ERR, "%s", error.text);
	balancer_schedule_refresh(balancer);
}

/* Who is to take sessions again may be drained again. */
static void forget_drains(const struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];

		for (uint32_t m = 0; m < pool->member_count; m++) {
			if (pool->members[m].state != CONFIG_BACKEND_DRAIN)
				pool->members[m].backend->drained = false;
		}
	}
}

/* Makes @fleet, of @next, the one in force. On failure everything is as it was. */
static int commit(struct balancer *balancer, struct config *next, struct fleet *fleet,
		  const struct change *change, struct mr_error *error)
{
	struct config *former = balancer->config;
	struct release release;
	int rc = ways_watch(balancer->ways, fleet, error);

	if (rc < 0)
		goto err_restore;
	rc = balancer_make_release(balancer, fleet, balancer_generation(balancer) + 1, &release);
	if (rc < 0) {
		mr_error_set(error, rc, "out of memory");
		goto err_restore;
	}
	rc = ledger_save(balancer->ledger, next, change, error);
	if (rc < 0)
		goto err_release;
	rc = balancer_steer(balancer, &release, error);
	if (rc < 0)
		goto err_unsave;

	fleet_destroy(balancer->fleet);
	balancer->fleet = fleet;
	forget_drains(fleet);
	balancer->config = next;
	log_follow(&next->log);
	if (probe_times_follow(balancer->probe_times, next) < 0)
		log_write(LOG_ERR, "out of memory: probes are timed for the former pools");
	if (risk_follow(balancer->risk, next) < 0)
		log_write(LOG_ERR, "out of memory: sessions at risk are counted over another time");
	balancer_publish(balancer, &release);
	release_fini(&release);
	roster_release_services(balancer->roster, fleet);
	ledger_record(balancer->ledger, former, next, change);
	config_free(former);
	return 0;

err_unsave:
	ledger_unsave(balancer->ledger, former, change);
err_release:
	release_fini(&release);
err_restore:
	restore(balancer);
	return rc;
}

/* It is in force already: then there is nothing to do. */
static void apply_same(struct balancer *balancer, const struct change *change)
{
	if (change->kind == CHANGE_RELOAD)
		ledger_file_read(balancer->ledger, change->digest);
}

int balancer_apply(struct balancer *balancer, struct config *next, const struct change *change,
		   struct mr_error *error)
{
	const uint64_t began_us = clock_monotonic_us();
	struct fleet *fleet;
	int rc = ledger_admit(balancer->ledger, change, error);

	if (rc == 0)
		rc = refuse_fixed_parts(balancer, next, error);
	if (rc < 0)
		goto err_free_config;
	if (config_equal(balancer->config, next)) {
		apply_same(balancer, change);
		config_free(next);
		return 0;
	}
	config_order_ports(next, balancer->config); /* the dataplane's order */
	rc = prepare_follower(balancer, next, error);
	if (rc < 0)
		goto err_free_config;
	rc = fleet_create(balancer->roster, next, balancer->fleet, &fleet, error);
	if (rc < 0)
		goto err_settle;
	rc = commit(balancer, next, fleet, change, error);
	if (rc < 0)
		goto err_destroy_fleet;
	settle_follower(balancer, true);
	histogram_add(&balancer->apply_times, clock_monotonic_us() - began_us);
	return 0;

err_destroy_fleet:
	fleet_destroy(fleet);
err_settle:
	settle_follower(balancer, false);
err_free_config:
	config_free(next);
	return rc;
}

int balancer_plan(const struct balancer *balancer, const struct config *next, bool assume_up,
		  struct plan *out, struct mr_error *error)
{
	int rc = refuse_fixed_parts(balancer, next, error);

	if (rc == 0)
		rc = prepare_follower(balancer, next, error);
	settle_follower(balancer, false);
	return rc < 0 ? rc : plan_make(balancer->fleet, next, assume_up, out, error);
}

int balancer_confirm(struct balancer *balancer, struct mr_error *error)
{
	return ledger_confirm(balancer->ledger, balancer->config, error);
}

/* Nobody has confirmed the generation in force: the one before it is the next. */
void balancer_take_back(void *context)
{
	static const struct change change = {
		.author = {.name = "mailraild", .reason = "not confirmed in time"},
		.kind = CHANGE_ROLLBACK,
	};
	struct balancer *balancer = context;
	const uint64_t generation = balancer_generation(balancer);
	struct config *former = config_copy(ledger_former(balancer->ledger));
	struct mr_error error = {"out of memory"};

	if (former == NULL || balancer_apply(balancer, former, &change, &error) < 0) {
		log_write(LOG_ERR, "generation %" PRIu64 " cannot be taken back: %s", generation,
			  error.text);
		return;
	}
	log_write(LOG_WARNING,
		  "generation %" PRIu64 " was not confirmed in time, and has been taken back",
		  generation);
	events_emit(balancer->events, EVENT_CONFIG_UNCONFIRMED,
		    json_pack("{s:I}", "generation", (json_int_t)generation));
}
