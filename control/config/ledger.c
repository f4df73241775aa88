/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_CONFIG

#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config_diff.h"
#include "duration.h"
#include "log.h"

/* A change that could not be taken back is tried again. */
#define RETRY_MS 1000

struct ledger {
	char *path;   /* NULL: nothing is saved */
	char *edited; /* PATH.edited */
	bool kept_edit;
	bool digest_known;
	struct config_digest digest; /* of the file as it was last read or written */
	bool stamp_known;
	struct config_stamp stamp; /* of the file as it was last written */
	struct history *history;
	struct events *events;
	/* A change that waits: what was in force before it, else NULL. */
	struct config *former;
	uint64_t deadline_ms; /* clock_monotonic_ms() */
	struct event *timer;
	void (*expired)(void *context);
	void *context;
};

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	const struct timeval retry = clock_timeval(RETRY_MS);
	struct ledger *ledger = context;

	(void)fd;
	(void)what;
	event_add(ledger->timer, &retry); /* until it is taken back */
	ledger->expired(ledger->context);
}

/* Somebody may have edited the file since it was read: then it is not what is in force. */
static void read_digest(struct ledger *ledger, const struct config *config)
{
	struct field_errors errors = {0};
	struct config *read = config_reload(ledger->path, config, &ledger->digest, &errors);

	ledger->digest_known = read && config_equal(read, config);
	config_free(read);
	field_errors_fini(&errors);
}

static int set_paths(struct ledger *ledger, const char *path)
{
	ledger->path = strdup(path);
	if (asprintf(&ledger->edited, "%s.edited", path) < 0)
		ledger->edited = NULL;
	return ledger->path && ledger->edited ? 0 : -ENOMEM;
}

int ledger_create(const struct ledger_setup *setup, struct ledger **out)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	int rc = 0;

	if (!ledger)
		return -ENOMEM;
	ledger->events = setup->events;
	ledger->expired = setup->expired;
	ledger->context = setup->context;
	ledger->timer = event_new(setup->base, -1, 0, on_timer, ledger);
	if (setup->path)
		rc = set_paths(ledger, setup->path);
	if (!ledger->timer)
		rc = -ENOMEM;
	if (rc == 0)
		rc = history_create(setup->path, setup->config, &ledger->history);
	if (rc < 0) {
		ledger_destroy(ledger);
		return rc;
	}
	if (ledger->path)
		read_digest(ledger, setup->config);
	*out = ledger;
	return 0;
}

void ledger_destroy(struct ledger *ledger)
{
	if (!ledger)
		return;
	if (ledger->timer)
		event_free(ledger->timer);
	history_destroy(ledger->history);
	config_free(ledger->former);
	free(ledger->path);
	free(ledger->edited);
	free(ledger);
}

void ledger_begin(struct ledger *ledger, const struct config *config)
{
	history_save(ledger->history, config);
}

uint64_t ledger_generation(const struct ledger *ledger)
{
	return history_generation(ledger->history);
}

const struct history *ledger_history(const struct ledger *ledger)
{
	return ledger->history;
}

bool ledger_unconfirmed(const struct ledger *ledger, struct unconfirmed *out)
{
	const uint64_t now_ms = clock_monotonic_ms();

	if (!ledger->former)
		return false;
	*out = (struct unconfirmed){
		.generation = ledger_generation(ledger),
		.left_ms = ledger->deadline_ms > now_ms ? ledger->deadline_ms - now_ms : 0,
	};
	return true;
}

const struct config *ledger_former(const struct ledger *ledger)
{
	return ledger->former;
}

const char *ledger_edited(const struct ledger *ledger)
{
	return ledger->kept_edit ? ledger->edited : NULL;
}

int ledger_admit(const struct ledger *ledger, const struct change *change, struct mr_error *error)
{
	struct unconfirmed waiting;

	if (change->kind == CHANGE_ROLLBACK || !ledger_unconfirmed(ledger, &waiting))
		return 0;
	return mr_error_set(
		error, -EBUSY,
		"generation %" PRIu64 " waits for config.confirm for another %" PRIu64
		" s; until then nothing but config.confirm and config.rollback is taken",
		waiting.generation, (waiting.left_ms + 999) / 1000);
}

/* Nobody has touched the file since it was last written: it need not be read. */
static bool is_untouched(const struct ledger *ledger)
{
	struct config_stamp now;

	return ledger->stamp_known && config_file_stamp(ledger->path, &now) == 0 &&
	       config_stamp_equal(&now, &ledger->stamp);
}

/* Writes over what mailrail knows, and over nothing else. */
static int keep_edit(struct ledger *ledger, struct mr_error *error)
{
	struct config_digest now;
	int rc;

	if (is_untouched(ledger))
		return 0;
	rc = config_file_digest(ledger->path, &now);
	if (rc == -ENOENT || (rc == 0 && ledger->digest_known &&
			      memcmp(now.bytes, ledger->digest.bytes, sizeof(now.bytes)) == 0))
		return 0;
	if (rc == 0)
		rc = config_file_copy(ledger->path, ledger->edited);
	if (rc < 0)
		return mr_error_set(error, rc,
				    "%s was edited by hand, and cannot be kept as %s: %s",
				    ledger->path, ledger->edited, strerror(-rc));
	ledger->kept_edit = true;
	log_write(LOG_WARNING,
		  "%s was edited by hand and not reloaded: it is kept as %s, and replaced",
		  ledger->path, ledger->edited);
	return 0;
}

static int save(struct ledger *ledger, const struct config *config, struct mr_error *error)
{
	int rc = keep_edit(ledger, error);

	if (rc == 0)
		rc = config_save_digest(ledger->path, config, &ledger->digest, error);
	if (rc < 0)
		return rc;
	ledger->digest_known = true;
	ledger->stamp_known = config_file_stamp(ledger->path, &ledger->stamp) == 0;
	return 0;
}

/* What is tried out, and what comes from the file, is not written there. */
static bool belongs_in_file(const struct ledger *ledger, const struct config *next,
			    const struct change *change)
{
	if (!ledger->path || change->kind == CHANGE_RELOAD || change->confirm_within_ms > 0)
		return false;
	return !ledger->former || !config_equal(ledger->former, next);
}

int ledger_save(struct ledger *ledger, const struct config *next, const struct change *change,
		struct mr_error *error)
{
	ledger->kept_edit = false;
	return belongs_in_file(ledger, next, change) ? save(ledger, next, error) : 0;
}

void ledger_unsave(struct ledger *ledger, const struct config *config, const struct change *change)
{
	struct mr_error error;

	if (!ledger->path || change->kind == CHANGE_RELOAD || change->confirm_within_ms > 0)
		return;
	/* The file never had what waits for confirmation. */
	if (save(ledger, ledger->former ? ledger->former : config, &error) < 0)
		log_write(LOG_ERR, "%s", error.text);
}

/* Whatever waited has been replaced. */
static void stop_waiting(struct ledger *ledger)
{
	event_del(ledger->timer);
	config_free(ledger->former);
	ledger->former = NULL;
}

static void wait_for_confirmation(struct ledger *ledger, const struct config *before,
				  uint32_t within_ms)
{
	const struct timeval delay = clock_timeval(within_ms);

	ledger->former = config_copy(before);
	if (!ledger->former) {
		log_write(LOG_ERR, "out of memory: the change cannot be taken back by itself");
		return;
	}
	ledger->deadline_ms = clock_monotonic_ms() + within_ms;
	event_add(ledger->timer, &delay);
}

static void tell(const struct ledger *ledger, const struct change *change)
{
	const uint64_t generation = ledger_generation(ledger);

	log_write(LOG_NOTICE, "configuration: generation %" PRIu64 " in force: %s by %s",
		  generation, change->author.reason, change->author.name);
	if (change->confirm_within_ms > 0) {
		char within[DURATION_TEXT_MAX];

		duration_format(change->confirm_within_ms, within);
		log_write(LOG_NOTICE,
			  "configuration: generation %" PRIu64
			  " is taken back unless it is confirmed within %s",
			  generation, within);
	}
	events_emit(ledger->events, EVENT_CONFIG_APPLIED,
		    json_pack("{s:I, s:s, s:s}", "generation", (json_int_t)generation, "author",
			      change->author.name, "reason", change->author.reason));
}

void ledger_record(struct ledger *ledger, const struct config *before, const struct config *next,
		   const struct change *change)
{
	stop_waiting(ledger);
	history_add(ledger->history, before, next, &change->author, change->confirm_within_ms > 0);
	if (change->confirm_within_ms > 0)
		wait_for_confirmation(ledger, before, change->confirm_within_ms);
	if (change->kind == CHANGE_RELOAD)
		ledger_file_read(ledger, change->digest);
	tell(ledger, change);
}

void ledger_file_read(struct ledger *ledger, const struct config_digest *digest)
{
	ledger->digest = *digest;
	ledger->digest_known = true;
}

int ledger_confirm(struct ledger *ledger, const struct config *config, struct mr_error *error)
{
	int rc;

	ledger->kept_edit = false;
	if (!ledger->former)
		return -ENOENT;
	rc = ledger->path ? save(ledger, config, error) : 0;
	if (rc < 0)
		return rc;
	stop_waiting(ledger);
	history_confirm(ledger->history, config);
	log_write(LOG_NOTICE, "configuration: generation %" PRIu64 " is confirmed",
		  ledger_generation(ledger));
	return 0;
}
