/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_SESSIONS

#include "session_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "log.h"
#include "saved_tables.h"
#include "state_directory.h"

#define PINS_NAME "pins"

/*
 * Why a kill at any moment costs no session:
 * - The configuration is saved, its tables are not: the next start finds the tables that workers
 *   had, and makes of the configuration a change like any other.
 * - Tables are saved, but not published: workers were still sending by the tables before. Every
 *   session of theirs is where the saved ones look for it: with the base, which is the former
 *   current of a slot that had no other, or pinned. The same holds between two tables.
 * - A slot settled, and that is saved but not published: what workers adopt on it meanwhile has
 *   been silent for longer than session_idle, as in the same moment without a kill.
 * - A backend's id is given to another one only after a table without the former has been
 *   published, hence saved, and a whole pass has found no pin of it. What names the id in a file
 *   is therefore the present holder's; a pin of a holder that was not saved yet cannot be, since
 *   workers did not know it.
 * - A pool was removed, and its file with it: its pins name ids of no table and are removed at
 *   the next start before ids are given. The same holds where a table could not be written.
 * - Within a write: the old file is there until the new one is whole.
 */
struct session_state {
	struct state_directory directory;
	uint64_t key_check;
	uint8_t maglev_key[MAGLEV_KEY_BYTES];
	struct mr_pin_table *pins;
	struct saved_tables tables;
};

static uint64_t key_check_of(const struct config_node *node)
{
	static const unsigned char purpose[] = "mailrail session state";
	uint8_t mac[EVP_MAX_MD_SIZE] = {0};
	uint64_t check;

	HMAC(EVP_sha256(), node->key, sizeof(node->key), purpose, sizeof(purpose) - 1, mac, NULL);
	memcpy(&check, mac, sizeof(check));
	return check;
}

/* The pins were there before any table was. */
static int check_pins_are_there(const struct session_state *state, bool had_pins,
				struct mr_error *error)
{
	if (had_pins || state->tables.count == 0)
		return 0;
	return mr_error_set(error, -EBADMSG, "%s/" PINS_NAME ": it is missing beside tables",
			    state->directory.path);
}

/* Everything but the path and the key. */
static void let_go(struct session_state *state)
{
	saved_tables_fini(&state->tables);
	state->tables = (struct saved_tables){0};
	mr_pin_table_destroy(state->pins);
	state->pins = NULL;
	state_directory_unlock(&state->directory);
}

/* -EBADMSG: there is something in the directory that cannot be taken up; it is still locked. */
static int take_up(struct session_state *state, const struct config *config, struct mr_error *error)
{
	char pins[PATH_MAX + sizeof("/" PINS_NAME)];
	bool had_pins;
	int rc = state_directory_lock(&state->directory, error);

	if (rc < 0)
		return rc;
	had_pins = faccessat(state->directory.fd, PINS_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	snprintf(pins, sizeof(pins), "%s/" PINS_NAME, state->directory.path);
	rc = mr_pin_table_open(pins, config->sessions.pin_budget, state->key_check, &state->pins,
			       error);
	if (rc == 0)
		rc = saved_tables_read(&state->directory, state->key_check, config, &state->tables,
				       error);
	if (rc == 0)
		rc = check_pins_are_there(state, had_pins, error);
	return rc;
}

static int take_up_or_begin(struct session_state *state, const struct config *config,
			    struct mr_error *error)
{
	struct mr_error reason;
	int rc = take_up(state, config, error);

	if (rc != -EBADMSG)
		return rc;
	reason = *error;
	rc = state_directory_set_aside(&state->directory, reason.text, error);
	let_go(state);
	return rc < 0 ? rc : take_up(state, config, error);
}

int session_state_open(const struct config *config, struct session_state **out,
		       struct mr_error *error)
{
	struct session_state *state = calloc(1, sizeof(*state));
	struct mr_error reason = {""};
	int rc;

	if (state == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	state->key_check = key_check_of(&config->node);
	memcpy(state->maglev_key, &config->node.key[MR_HASH_KEY_BYTES], sizeof(state->maglev_key));
	rc = state_directory_make(config->sessions.state, &state->directory, &reason);
	if (rc == 0)
		rc = take_up_or_begin(state, config, &reason);
	if (rc < 0) {
		session_state_close(state);
		return mr_error_set(error, rc, "/sessions/state: %.400s", reason.text);
	}
	*out = state;
	return 0;
}

void session_state_close(struct session_state *state)
{
	if (state == NULL)
		return;
	let_go(state);
	free(state);
}

struct mr_pin_table *session_state_pins(const struct session_state *state)
{
	return state->pins;
}

static int recover_member(const struct session_state *state, struct roster *roster,
			  const struct table_member *from, struct pool *pool)
{
	const struct backend_identity identity = {
		.pool = pool->name,
		.name = from->name,
		.address = &from->address,
		.key = state->maglev_key,
	};
	struct backend *backend = roster_add(roster, from->id, &identity);

	if (backend == NULL)
		return -ENOMEM;
	backend->verdict = (enum health_verdict)from->verdict;
	backend->trusted = from->trusted;
	pool->members[pool->member_count++] = (struct member){
		.backend = backend_get(backend),
		.state = (enum config_backend_state)from->state,
	};
	return 0;
}

/* Who was heard last by a moving slot is not kept: as if it had been now. */
static void restamp(struct mr_slots *slots, uint32_t now_s)
{
	for (uint32_t i = 0; i < slots->size; i++) {
		if (!mr_slot_moving(slots->words[i]))
			continue;
		mr_slots_note_unknown(slots, i, now_s);
		if (mr_slots_moving_since_s(slots, i) > now_s)
			mr_slots_note_moving(slots, i, now_s);
	}
}

static int recover_pool(const struct session_state *state, struct roster *roster,
			const struct table *table, struct pool *out)
{
	const uint32_t now_s = mr_dataplane_clock_s(roster->dp);

	out->name = strdup(table->pool);
	out->members = calloc(table->member_count + 1U, sizeof(*out->members));
	if (out->name == NULL || out->members == NULL)
		return -ENOMEM;
	out->table_size = table->slots->size;
	out->counted_s = now_s;
	out->changed_s = table->changed_s < now_s ? table->changed_s : now_s;
	for (uint32_t i = 0; i < table->member_count; i++) {
		if (recover_member(state, roster, &table->members[i], out) < 0)
			return -ENOMEM;
	}
	restamp(table->slots, now_s);
	pool_take_slots(out, mr_slots_get(table->slots));
	return 0;
}

static bool pin_is_known(void *context, uint64_t hash, const struct mr_pin *pin)
{
	const struct roster *roster = context;

	(void)hash;
	return pin->backend < MR_BACKENDS_MAX && roster->backends[pin->backend] != NULL;
}

/* From now on ids that no table names may be given to new backends. */
static void forget_unknown_pins(const struct session_state *state, struct roster *roster)
{
	uint32_t cursor = 0;

	if (mr_pin_table_count(state->pins) > 0)
		mr_pin_table_sweep(state->pins, &cursor, UINT32_MAX, pin_is_known, roster);
}

static void log_taken_up(const struct session_state *state, const struct fleet *fleet)
{
	uint64_t moving = 0;

	for (uint32_t i = 0; i < fleet->pool_count; i++)
		moving += fleet->pools[i].moving_slots;
	log_write(LOG_NOTICE,
		  "sessions: %" PRIu32 " pins, %" PRIu64 " moving slots of %" PRIu32
		  " pools taken up from %s",
		  mr_pin_table_count(state->pins), moving, fleet->pool_count,
		  state->directory.path);
}

static int recover_pools(const struct session_state *state, struct fleet *fleet)
{
	fleet->pools = calloc(state->tables.count + 1U, sizeof(*fleet->pools));
	if (fleet->pools == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < state->tables.count; i++) {
		const int rc = recover_pool(state, fleet->roster, &state->tables.list[i].table,
					    &fleet->pools[i]);

		fleet->pool_count++;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int session_state_recover(struct session_state *state, struct roster *roster, struct fleet **out)
{
	struct fleet *fleet = NULL;

	/* Not while opening: a start that is refused says one line, and this is not its reason. */
	state_directory_warn_of_disk(&state->directory);
	if (state->tables.count > 0) {
		fleet = calloc(1, sizeof(*fleet));
		if (fleet == NULL)
			return -ENOMEM;
		fleet->roster = roster;
		if (recover_pools(state, fleet) < 0) {
			fleet_destroy(fleet);
			return -ENOMEM;
		}
	}
	forget_unknown_pins(state, roster);
	if (fleet != NULL)
		log_taken_up(state, fleet);
	*out = fleet;
	return 0;
}

int session_state_save(struct session_state *state, const struct fleet *fleet,
		       struct mr_error *error)
{
	return saved_tables_follow(&state->directory, state->key_check, fleet, &state->tables,
				   error);
}
