/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_drain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_call.h"
#include "ctl_exit.h"
#include "ctl_result.h"
#include "rpc_client.h"

/* How long mailraild may take to start again. */
#define PATIENCE_S 60

struct watch {
	const struct drain *drain;
	json_t *former;	    /* the backend's row as it was printed last; NULL: not yet */
	uint32_t absence_s; /* since when no balancer answers */
};

/* What an answer means. */
enum step {
	STEP_WAIT,
	STEP_DONE,
	STEP_CALLED_OFF,
};

static enum step call_off(const struct watch *watch, const char *why)
{
	fprintf(stderr, "mailrailctl: %s/%s: %s\n", watch->drain->pool, watch->drain->backend, why);
	return STEP_CALLED_OFF;
}

/*
 * The row of the backend under its name; once one has been seen, only that server's: a new one
 * may have got the name meanwhile.
 */
static json_t *find_row(const struct watch *watch, const json_t *pool)
{
	json_t *row, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(pool, "backends"), i, row) {
		if (strcmp(text(row, "name"), watch->drain->backend) != 0)
			continue;
		if (watch->former &&
		    strcmp(text(row, "address"), text(watch->former, "address")) != 0)
			continue;
		/* Configured ones come first. */
		if (!found)
			found = row;
	}
	return found;
}

/* @former: NULL if there is none. */
static bool differs(const json_t *row, const json_t *former)
{
	static const char *const shown[] = {"state", "health", "pins", "base_slots", "exact"};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (!json_equal(json_object_get(row, shown[i]), json_object_get(former, shown[i])))
			return true;
	return false;
}

static void print_progress(const struct watch *watch, const json_t *row)
{
	const uint64_t pins = number(row, "pins"), base_slots = number(row, "base_slots");

	if (watch->drain->json) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	printf("%s/%s: %" PRIu64 " session%s", watch->drain->pool, watch->drain->backend, pins,
	       pins == 1 ? "" : "s");
	if (!json_is_true(json_object_get(row, "exact")))
		printf(" known, %" PRIu64 " slot%s may have more", base_slots,
		       base_slots == 1 ? "" : "s");
	if (strcmp(text(row, "health"), "down") == 0)
		printf(", it is down");
	printf(", %s to go\n", time_text(number(row, "quiet_in_ms")).text);
}

static enum step look_at_row(struct watch *watch, json_t *row)
{
	const char *state = text(row, "state");
	const json_t *quiet_in = json_object_get(row, "quiet_in_ms");
	const bool done = quiet_in && json_integer_value(quiet_in) == 0;

	if (strcmp(state, "enabled") == 0)
		return call_off(watch, "has been enabled again");
	if (strcmp(state, "disabled") == 0)
		return call_off(watch, "has been disabled: its sessions are lost");
	/* People read the end in words of its own. */
	if (differs(row, watch->former) && (!done || watch->drain->json))
		print_progress(watch, row);
	json_decref(watch->former);
	watch->former = json_incref(row);
	return done ? STEP_DONE : STEP_WAIT;
}

static enum step look(struct watch *watch, const json_t *response)
{
	const json_t *error = json_object_get(response, "error");
	const json_t *reason = json_array_get(json_object_get(error, "data"), 0);
	json_t *row;

	if (error)
		return call_off(watch, text(reason ? reason : error, "message"));
	row = find_row(watch, json_object_get(response, "result"));
	/* Removed from the configuration as well, and forgotten after its last session. */
	return row ? look_at_row(watch, row) : STEP_DONE;
}

/* False: patience is at its end. */
static bool bear_absence(struct watch *watch, const struct mr_error *error)
{
	if (watch->absence_s == 0)
		fprintf(stderr, "mailrailctl: %s; waiting for it to come back\n", error->text);
	if (++watch->absence_s <= PATIENCE_S)
		return true;
	fprintf(stderr, "mailrailctl: %s; not back after %d seconds\n", error->text, PATIENCE_S);
	return false;
}

static void welcome_back(struct watch *watch)
{
	if (watch->absence_s > 0)
		fputs("mailrailctl: the balancer answers again\n", stderr);
	watch->absence_s = 0;
}

static enum drain_end finish(struct watch *watch, enum step step)
{
	json_decref(watch->former);
	if (step == STEP_CALLED_OFF)
		return DRAIN_CALLED_OFF;
	if (!watch->drain->json)
		printf("%s/%s: no session is left\n", watch->drain->pool, watch->drain->backend);
	return DRAIN_DONE;
}

enum drain_end drain_wait(const struct drain *drain)
{
	struct watch watch = {.drain = drain};

	for (;; sleep(1)) {
		json_t *response, *params = json_pack("{s:s}", "pool", drain->pool);
		struct mr_error error;
		enum step step;

		if (rpc_client_call(&drain->target, "pool.show", params, &response, &error) < 0) {
			if (bear_absence(&watch, &error))
				continue;
			json_decref(watch.former);
			return DRAIN_UNREACHABLE;
		}
		welcome_back(&watch);
		step = look(&watch, response);
		json_decref(response);
		fflush(stdout);
		if (step != STEP_WAIT)
			return finish(&watch, step);
	}
}

static int wait_for(const struct ctl_line *line)
{
	char *pool = strdup(line->args[0]), *slash = pool ? strchr(pool, '/') : NULL;
	enum drain_end end = DRAIN_CALLED_OFF;

	if (slash) {
		*slash = '\0';
		end = drain_wait(&(struct drain){
			.target = ctl_options_target(line->options),
			.pool = pool,
			.backend = slash + 1,
			.json = ctl_option_given(line->options, CTL_OPTION_JSON),
		});
	}
	free(pool);
	switch (end) {
	case DRAIN_DONE:
		return CTL_DONE;
	case DRAIN_CALLED_OFF:
		return CTL_REFUSED;
	case DRAIN_UNREACHABLE:
		return CTL_UNREACHABLE;
	}
	return CTL_REFUSED;
}

int ctl_drain(const struct ctl_line *line)
{
	const int status = ctl_call_run(line);

	if (status != CTL_DONE || !ctl_option_given(line->options, CTL_OPTION_WAIT))
		return status;
	return wait_for(line);
}
