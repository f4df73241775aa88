/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remembered sessions, a page at a time. A pin holds its session's hash, not its addresses: these
 * cannot be told from it. Who asks for clients is answered the other way round: every session that
 * they could have with the services in question is hashed and looked up.
 *
 * A cursor is a place: in the table, where pins stay while they live, so that each that lives
 * through all pages is on one of them; or in the row of possible sessions, which is the same as
 * long as the services are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/pins.h>
#include <mailrail/session.h>

#include "balancer.h"
#include "rpc_change.h"
#include "rpc_find.h"
#include "rpc_methods.h"
#include "rpc_session.h"

#define LIMIT_MAX     1000
#define LIMIT_DEFAULT 100

/* The work of one call, some milliseconds. */
#define ENTRIES_MAX 262144
#define TUPLES_MAX  65536
#define BATCH	    64

/* As many addresses as a prefix of clients has at most, of either family. */
#define CLIENTS_LENGTH_MIN 120

struct list_params {
	char *service;
	char *pool;
	char *backend;
	bool client_given;
	struct mr_prefix client;
	bool client_port_given;
	uint16_t client_port;
	uint32_t limit;
	uint64_t cursor;
};

static const struct field params_fields[] = {
	{"service", FIELD_NAME, FIELD_AT(struct list_params, service),
	 .text = "Only sessions of this service; without client, of all services of its pool"},
	{"pool", FIELD_NAME, FIELD_AT(struct list_params, pool),
	 .text = "Only sessions of this pool's backends"},
	{"backend", FIELD_NAME, FIELD_AT(struct list_params, backend),
	 .text = "Only sessions of this backend of the pool, which may have been removed already"},
	{"client", FIELD_PREFIX, FIELD_AT(struct list_params, client),
	 FIELD_PRESENT(struct list_params, client_given),
	 .text = "Only sessions from these addresses, 256 at most; with service, or with few "
		 "services, it takes fewer pages"},
	{"client_port", FIELD_UINT, FIELD_AT(struct list_params, client_port),
	 FIELD_PRESENT(struct list_params, client_port_given), .min = 1,
	 .text = "Only sessions from this TCP port of theirs"},
	{"limit", FIELD_UINT, FIELD_AT(struct list_params, limit), .min = 1, .max = LIMIT_MAX,
	 .fallback = LIMIT_DEFAULT, .text = "How many sessions an answer may have"},
	{"cursor", FIELD_UINT, FIELD_AT(struct list_params, cursor),
	 .text = "Where to go on: the cursor of the answer before, with the same other "
		 "parameters; 0: at the beginning"},
};
static const struct shape list_params =
	SHAPE("session_list_params", struct list_params, params_fields, "Which sessions to show");

struct session_row {
	char *pool;
	char *backend;
	char *service;
	char *hash;
	enum rpc_pin_state state;
	uint64_t silent_ms;
	bool addressed;
	struct mr_addr client;
	uint16_t client_port;
	struct mr_addr service_address;
	uint16_t service_port;
};

static const struct field row_fields[] = {
	{"pool", FIELD_NAME, FIELD_AT(struct session_row, pool),
	 .text = "Pool of its backend; absent: that has left, and the session is about to be "
		 "forgotten"},
	{"backend", FIELD_NAME, FIELD_AT(struct session_row, backend),
	 .text = "Backend that it is pinned to"},
	{"service", FIELD_NAME, FIELD_AT(struct session_row, service),
	 .text = "Its service; absent where several have the pool, and client was not asked for"},
	{"hash", FIELD_STRING, FIELD_AT(struct session_row, hash), .required = true,
	 .text = "Keyed hash of the session, 16 hexadecimal digits, as session.explain tells it"},
	{"state", FIELD_ENUM, FIELD_AT(struct session_row, state), .required = true,
	 .choices = rpc_pin_states,
	 .text = "embryonic: only a SYN was seen; closing: a FIN or RST of the client's was"},
	{"silent_ms", FIELD_UINT, FIELD_AT(struct session_row, silent_ms), .required = true,
	 .text = "How long ago its last packet came, in milliseconds, counted by seconds"},
	{"client", FIELD_ADDRESS, FIELD_AT(struct session_row, client),
	 FIELD_PRESENT(struct session_row, addressed),
	 .text = "Address that it comes from; this and the rest only if client was asked for"},
	{"client_port", FIELD_UINT, FIELD_AT(struct session_row, client_port),
	 FIELD_PRESENT(struct session_row, addressed), .text = "TCP port that it comes from"},
	{"service_address", FIELD_ADDRESS, FIELD_AT(struct session_row, service_address),
	 FIELD_PRESENT(struct session_row, addressed), .text = "Address that it goes to"},
	{"service_port", FIELD_UINT, FIELD_AT(struct session_row, service_port),
	 FIELD_PRESENT(struct session_row, addressed), .text = "TCP port that it goes to"},
};
static const struct shape row_shape =
	SHAPE("session_row", struct session_row, row_fields, "A remembered session");

struct list_result {
	uint64_t generation;
	uint32_t pins;
	struct session_row *sessions;
	uint32_t session_count;
	bool has_more;
	uint64_t cursor;
};

enum { RESULT_SESSIONS = 2 };

static const struct field result_fields[] = {
	RPC_GENERATION_RESULT(struct list_result),
	{"pins", FIELD_UINT, FIELD_AT(struct list_result, pins), .required = true,
	 .text = "Sessions remembered now, whoever's"},
	[RESULT_SESSIONS] = {"sessions", FIELD_OBJECT,
			     FIELD_LIST_AT(struct list_result, sessions, session_count),
			     .required = true, .shape = &row_shape,
			     .text = "In no order that means anything; there may be more of them "
				     "even if there is none here"},
	{"cursor", FIELD_UINT, FIELD_AT(struct list_result, cursor),
	 FIELD_PRESENT(struct list_result, has_more),
	 .text = "Where the next page begins; absent: this was the last"},
};
static const struct shape list_result =
	SHAPE("session_list_result", struct list_result, result_fields, "Remembered sessions");

/* Whose pins name a backend by its id. */
struct owner {
	const struct pool *pool; /* NULL: nobody's any more */
	const struct backend *backend;
	uint32_t pool_index;
	bool service_known;  /* or found out that there is no single one */
	const char *service; /* the pool's only one */
};

/* What is wanted, and what has been found. */
struct listing {
	const struct balancer *balancer;
	const struct mr_pin_table *pins;
	const struct list_params *params;
	struct list_result *result;
	uint32_t now_s;
	struct owner *owners; /* by id */
	bool failed;	      /* no memory */
	int pool;	      /* index; -1: any */
	int service;	      /* likewise */
};

/* Where a service listens. */
struct place {
	uint32_t service;
	struct mr_addr address;
	uint16_t port;
};

/* The only service that has @pool; NULL: there are none, or several. */
static const char *only_service(const struct config *config, const char *pool)
{
	const char *found = NULL;

	for (uint32_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].pool, pool) != 0)
			continue;
		if (found)
			return NULL;
		found = config->services[i].name;
	}
	return found;
}

static struct owner *find_owners(const struct balancer *balancer)
{
	struct owner *owners = calloc(MR_BACKEND_NONE + 1, sizeof(*owners));

	for (uint32_t p = 0; owners && p < balancer_config(balancer)->pool_count; p++) {
		const struct pool *pool = balancer_pool(balancer, p);

		for (uint32_t m = 0; m < pool->member_count; m++) {
			const struct backend *backend = pool->members[m].backend;

			owners[backend->id] = (struct owner){pool, backend, p, false, NULL};
		}
	}
	return owners;
}

static bool is_wanted(const struct listing *listing, const struct owner *owner)
{
	const char *name = listing->params->backend;

	if (listing->pool < 0)
		return true;
	return owner->pool && owner->pool_index == (uint32_t)listing->pool &&
	       (!name || strcmp(owner->backend->name, name) == 0);
}

/* NULL: not known. */
static const char *service_of(const struct listing *listing, struct owner *owner)
{
	if (!owner->service_known && owner->pool)
		owner->service =
			only_service(balancer_config(listing->balancer), owner->pool->name);
	owner->service_known = true;
	return owner->service;
}

static void put_text(struct listing *listing, char **out, const char *text)
{
	if (!text)
		return;
	*out = strdup(text);
	listing->failed |= *out == NULL;
}

/* NULL: it is not wanted. */
static struct session_row *add_row(struct listing *listing, uint64_t hash, const struct mr_pin *pin)
{
	struct owner *owner = &listing->owners[pin->backend & MR_BACKEND_NONE];
	struct session_row *row = &listing->result->sessions[listing->result->session_count];
	char digits[17];

	if (!is_wanted(listing, owner))
		return NULL;
	listing->result->session_count++;
	snprintf(digits, sizeof(digits), "%016" PRIx64, hash);
	put_text(listing, &row->hash, digits);
	row->state = (enum rpc_pin_state)(pin->state - MR_PIN_EMBRYONIC);
	/* A worker's clock may be a moment ahead. */
	if (listing->now_s > pin->seen_s)
		row->silent_ms = (uint64_t)(listing->now_s - pin->seen_s) * 1000;
	put_text(listing, &row->pool, owner->pool ? owner->pool->name : NULL);
	put_text(listing, &row->backend, owner->pool ? owner->backend->name : NULL);
	return row;
}

static void add_pin(struct listing *listing, uint64_t hash, const struct mr_pin *pin)
{
	struct session_row *row = add_row(listing, hash, pin);
	struct owner *owner = &listing->owners[pin->backend & MR_BACKEND_NONE];

	if (row)
		put_text(listing, &row->service, service_of(listing, owner));
}

static void add_tuple(struct listing *listing, uint64_t hash, const struct mr_pin *pin,
		      const struct place *place, const struct mr_tuple *tuple)
{
	const struct config *config = balancer_config(listing->balancer);
	struct session_row *row = add_row(listing, hash, pin);

	if (!row)
		return;
	put_text(listing, &row->service, config->services[place->service].name);
	row->addressed = true;
	row->client = tuple->client;
	row->client_port = rte_be_to_cpu_16(tuple->client_port);
	row->service_address = place->address;
	row->service_port = place->port;
}

static bool has_room(const struct listing *listing)
{
	return !listing->failed && listing->result->session_count < listing->params->limit;
}

static void go_on_at(struct list_result *result, uint64_t cursor, uint64_t end)
{
	result->has_more = cursor < end;
	result->cursor = cursor;
}

static void list_pins(struct listing *listing)
{
	const uint64_t entries = mr_pin_table_entries(listing->pins);
	const uint64_t first = listing->params->cursor;
	uint64_t entry = first;

	for (; entry < entries && entry - first < ENTRIES_MAX && has_room(listing); entry++) {
		struct mr_pin pin;
		uint64_t hash;

		if (mr_pin_table_read(listing->pins, (uint32_t)entry, &hash, &pin))
			add_pin(listing, hash, &pin);
	}
	go_on_at(listing->result, entry, entries);
}

static bool service_is_wanted(const struct listing *listing, uint32_t service)
{
	const struct config *config = balancer_config(listing->balancer);

	if (listing->service >= 0 && (uint32_t)listing->service != service)
		return false;
	return listing->pool < 0 ||
	       strcmp(config->services[service].pool, config->pools[listing->pool].name) == 0;
}

/* Where the clients' sessions may go. NULL: no memory. */
static struct place *find_places(const struct listing *listing, uint32_t *out_count)
{
	const struct config *config = balancer_config(listing->balancer);
	struct place *places = calloc(config_count_endpoints(config) + 1, sizeof(*places));
	uint32_t count = 0;

	if (!places)
		return NULL;
	for (uint32_t s = 0; s < config->service_count; s++) {
		const struct config_service *service = &config->services[s];

		for (uint32_t i = 0; i < service->address_count && service_is_wanted(listing, s);
		     i++) {
			if (mr_addr_is_v4(&service->addresses[i]) !=
			    mr_addr_is_v4(&listing->params->client.addr))
				continue;
			for (uint32_t p = 0; p < service->port_count; p++)
				places[count++] =
					(struct place){s, service->addresses[i], service->ports[p]};
		}
	}
	*out_count = count;
	return places;
}

/* The possible sessions in a row: by client, then by place, then by client port. */
struct row_of_tuples {
	const struct place *places;
	uint32_t place_count;
	uint32_t first_port, port_count;
	uint64_t count;
};

static const struct place *tuple_at(const struct list_params *params,
				    const struct row_of_tuples *row, uint64_t index,
				    struct mr_tuple *out)
{
	const uint64_t place = index / row->port_count % row->place_count;
	const uint64_t client = index / row->port_count / row->place_count;

	*out = (struct mr_tuple){
		.client = params->client.addr,
		.client_port =
			rte_cpu_to_be_16((uint16_t)(row->first_port + index % row->port_count)),
		.service = row->places[place].address,
		.service_port = rte_cpu_to_be_16(row->places[place].port),
	};
	/* Behind the prefix there are zeros. */
	out->client.bytes[sizeof(out->client.bytes) - 1] |= (uint8_t)client;
	return &row->places[place];
}

/* Hashed together: that is sooner than one by one. */
struct batch {
	uint32_t count;
	struct mr_tuple tuples[BATCH];
	const struct mr_tuple *pointers[BATCH];
	const struct place *places[BATCH];
	uint64_t hashes[BATCH];
};

static void fill_batch(const struct list_params *params, const struct row_of_tuples *row,
		       const struct mr_hash_key *key, uint64_t first, struct batch *batch)
{
	for (batch->count = 0; batch->count < BATCH && first + batch->count < row->count;
	     batch->count++) {
		const uint32_t i = batch->count;

		batch->places[i] = tuple_at(params, row, first + i, &batch->tuples[i]);
		batch->pointers[i] = &batch->tuples[i];
	}
	mr_session_hash_many(key, batch->pointers, batch->count, batch->hashes);
}

/* How many of @batch were looked up before there was no more room. */
static uint32_t look_up(struct listing *listing, const struct batch *batch)
{
	uint32_t i = 0;

	for (; i < batch->count && has_room(listing); i++) {
		struct mr_pin pin;

		if (mr_pin_table_find(listing->pins, batch->hashes[i], &pin))
			add_tuple(listing, batch->hashes[i], &pin, batch->places[i],
				  &batch->tuples[i]);
	}
	return i;
}

static void list_tuples(struct listing *listing, const struct row_of_tuples *row)
{
	const struct list_params *params = listing->params;
	uint64_t index = params->cursor;
	struct mr_hash_key key;
	struct batch batch;

	mr_hash_key_init(&key, balancer_config(listing->balancer)->node.key);
	while (index < row->count && index - params->cursor < TUPLES_MAX && has_room(listing)) {
		fill_batch(params, row, &key, index, &batch);
		index += look_up(listing, &batch);
	}
	go_on_at(listing->result, index, row->count);
}

static void list_clients(struct listing *listing)
{
	const struct list_params *params = listing->params;
	struct row_of_tuples row = {.first_port = 1, .port_count = UINT16_MAX};
	struct place *places = find_places(listing, &row.place_count);

	if (!places) {
		listing->failed = true;
		return;
	}
	if (params->client_port_given) {
		row.first_port = params->client_port;
		row.port_count = 1;
	}
	row.places = places;
	row.count = ((uint64_t)row.place_count * row.port_count) << (128 - params->client.length);
	list_tuples(listing, &row);
	free(places);
}

static enum rpc_error refuse(struct rpc_call *call, const char *field, const char *why)
{
	field_errors_add(&call->errors, &(struct field_path){NULL, field, 0}, "%s", why);
	return RPC_INVALID_PARAMS;
}

static enum rpc_error check(struct rpc_call *call, const struct list_params *params)
{
	if (params->backend && !params->pool)
		return refuse(call, "backend", "wants the pool that the backend is of");
	if (params->client_port_given && !params->client_given)
		return refuse(call, "client_port", "wants client");
	if (params->client_given && params->client.length < CLIENTS_LENGTH_MIN)
		return refuse(call, "client", "has more than 256 addresses");
	return RPC_OK;
}

/* Also one that is no longer configured, but keeps its sessions. */
static bool has_member(const struct pool *pool, const char *name)
{
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (strcmp(pool->members[i].backend->name, name) == 0)
			return true;
	}
	return false;
}

static enum rpc_error find_wanted(struct rpc_call *call, struct listing *listing)
{
	const struct list_params *params = listing->params;
	enum rpc_error error = RPC_OK;
	uint32_t pool, backend, service;

	if (params->pool) {
		error = rpc_find_pool(call, params->pool, &pool);
		if (error != RPC_OK)
			return error;
		listing->pool = (int)pool;
		if (params->backend &&
		    !has_member(balancer_pool(listing->balancer, pool), params->backend))
			return rpc_find_backend(call, params->pool, params->backend, &pool,
						&backend);
	}
	if (params->service) {
		error = rpc_find_service(call, params->service, &service);
		if (error != RPC_OK)
			return error;
		listing->service = (int)service;
	}
	return error;
}

/* Without its addresses, a session's service is only known by its pool. False: there is none. */
static bool narrow_to_pool(struct listing *listing)
{
	const struct config *config = balancer_config(listing->balancer);
	int pool;

	if (listing->service < 0)
		return true;
	pool = config_find_pool(config, config->services[listing->service].pool);
	if (listing->pool >= 0 && listing->pool != pool)
		return false;
	listing->pool = pool;
	return true;
}

static enum rpc_error session_list(struct rpc_call *call)
{
	const struct list_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct list_result *result = call->result;
	struct listing listing = {
		.balancer = balancer,
		.pins = mr_dataplane_pins(dp),
		.params = params,
		.result = result,
		.now_s = mr_dataplane_clock_s(dp),
		.pool = -1,
		.service = -1,
	};
	enum rpc_error error = check(call, params);

	if (error == RPC_OK)
		error = find_wanted(call, &listing);
	if (error != RPC_OK)
		return error;
	result->generation = balancer_generation(balancer);
	result->pins = mr_pin_table_count(listing.pins);
	if (!field_list_alloc(&result_fields[RESULT_SESSIONS], result, params->limit))
		return RPC_INTERNAL_ERROR;
	result->session_count = 0;
	listing.owners = find_owners(balancer);
	if (!listing.owners)
		return RPC_INTERNAL_ERROR;
	if (params->client_given)
		list_clients(&listing);
	else if (narrow_to_pool(&listing))
		list_pins(&listing);
	free(listing.owners);
	return listing.failed ? RPC_INTERNAL_ERROR : RPC_OK;
}

const struct rpc_method rpc_session_list_methods[] = {
	{
		.name = "session.list",
		.text = "Shows remembered sessions, a page at a time. Only sessions on moving "
			"slots "
			"are remembered",
		.handler = session_list,
		.role = RPC_ROLE_READ,
		.params = &list_params,
		.result = &list_result,
		.result_text = "Remembered sessions",
		.example_params =
			"{\"client\": \"192.0.2.1\", \"service\": \"smtp\", \"limit\": 10}",
		.example_result =
			"{\"generation\": 8, \"pins\": 4711, \"sessions\": [{\"pool\": "
			"\"hub-transport\", \"backend\": \"hub1\", \"service\": \"smtp\", "
			"\"hash\": \"5fa3c09be1d27468\", \"state\": \"established\", "
			"\"silent_ms\": 3000, \"client\": \"192.0.2.1\", \"client_port\": 40000, "
			"\"service_address\": \"10.0.0.10\", \"service_port\": 25}]}",
	},
	{.name = NULL},
};
