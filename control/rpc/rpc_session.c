/* SPDX-License-Identifier: BSD-3-Clause */
/* One session: every step of the way that its packets would take now. */
#include "rpc_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/explain.h>

#include "address_text.h"
#include "balancer.h"
#include "config_tables.h"
#include "rpc_backend.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct explain_params {
	struct mr_addr client;
	uint16_t client_port;
	struct mr_addr service;
	uint16_t service_port;
};

static const struct field params_fields[] = {
	{"client", FIELD_ADDRESS, FIELD_AT(struct explain_params, client), .required = true,
	 .text = "Address that the session comes from"},
	{"client_port", FIELD_UINT, FIELD_AT(struct explain_params, client_port), .required = true,
	 .min = 1, .text = "TCP port that it comes from"},
	{"service", FIELD_ADDRESS, FIELD_AT(struct explain_params, service), .required = true,
	 .text = "Address that it goes to"},
	{"service_port", FIELD_UINT, FIELD_AT(struct explain_params, service_port),
	 .required = true, .min = 1, .text = "TCP port that it goes to"},
};
static const struct shape explain_params =
	SHAPE("session_explain_params", struct explain_params, params_fields,
	      "A session, named by its addresses and ports");

const char *const rpc_pin_states[] = {
	[RPC_PIN_EMBRYONIC] = "embryonic",
	[RPC_PIN_ESTABLISHED] = "established",
	[RPC_PIN_CLOSING] = "closing",
	NULL,
};

struct pin_row {
	char *backend;
	enum rpc_pin_state state;
	uint64_t silent_ms;
};

static const struct field pin_fields[] = {
	{"backend", FIELD_STRING, FIELD_AT(struct pin_row, backend), .required = true,
	 .text = "Backend that the session is pinned to, as POOL/BACKEND"},
	{"state", FIELD_ENUM, FIELD_AT(struct pin_row, state), .required = true,
	 .choices = rpc_pin_states,
	 .text = "embryonic: only a SYN was seen; closing: a FIN or RST of the client's was"},
	{"silent_ms", FIELD_UINT, FIELD_AT(struct pin_row, silent_ms), .required = true,
	 .text = "How long ago its last packet came, in milliseconds, counted by seconds"},
};
static const struct shape pin_shape =
	SHAPE("session_pin", struct pin_row, pin_fields, "What is remembered of the session");

static const char *const reasons[] = {
#define REASON_WORD(id, name, sentence) [MR_##id] = (name),
	MR_PICK_REASONS(REASON_WORD)
#undef REASON_WORD
		NULL,
};

static const char *const sentences[] = {
#define REASON_SENTENCE(id, name, sentence) [MR_##id] = (sentence),
	MR_PICK_REASONS(REASON_SENTENCE)
#undef REASON_SENTENCE
};

struct pick_row {
	char *backend;
	enum mr_pick_reason reason;
	char *message;
};

static const struct field pick_fields[] = {
	{"backend", FIELD_STRING, FIELD_AT(struct pick_row, backend),
	 .text = "Backend that it would go to, as POOL/BACKEND; absent: none"},
	{"reason", FIELD_ENUM, FIELD_AT(struct pick_row, reason), .required = true,
	 .choices = reasons, .text = "Why there, as a word"},
	{"message", FIELD_STRING, FIELD_AT(struct pick_row, message), .required = true,
	 .text = "Why there"},
};
static const struct shape pick_shape =
	SHAPE("session_pick", struct pick_row, pick_fields, "Where a packet would go");

struct target_row {
	char *name;
	enum config_backend_state state;
	bool leaving;
	enum health_verdict health;
	enum mr_forwarding forwarding;
	struct backend_status status;
	char *port;
	char *problem;
};

static const struct field target_fields[] = {
	{"name", FIELD_STRING, FIELD_AT(struct target_row, name), .required = true,
	 .text = "The backend, as POOL/BACKEND"},
	{"state", FIELD_ENUM, FIELD_AT(struct target_row, state), .required = true,
	 .choices = config_backend_states, .text = "What the administrator wants of it"},
	{"leaving", FIELD_BOOL, FIELD_AT(struct target_row, leaving), .required = true,
	 .text = "Whether it is no longer configured, and only keeps its sessions"},
	{"health", FIELD_ENUM, FIELD_AT(struct target_row, health), .required = true,
	 .choices = rpc_health_verdicts, .text = "What its probes say"},
	{"forwarding", FIELD_ENUM, FIELD_AT(struct target_row, forwarding), .required = true,
	 .choices = config_forwardings, .text = "How packets reach it"},
	{"port", FIELD_NAME, FIELD_AT(struct target_row, port),
	 .text = "Port that they leave by; absent while the next hop is not known"},
	{"next_hop", FIELD_MAC, FIELD_AT(struct target_row, status.next_hop),
	 FIELD_PRESENT(struct target_row, status.next_hop_set),
	 .text = "Ethernet address that they are sent to; absent while it is not known"},
	{"path_mtu_bytes", FIELD_UINT, FIELD_AT(struct target_row, status.path_mtu_bytes),
	 FIELD_PRESENT(struct target_row, status.next_hop_set),
	 .text = "Largest IP packet that the path to it takes, outer headers included; absent "
		 "while the next hop is not known"},
	{"problem", FIELD_STRING, FIELD_AT(struct target_row, problem),
	 .text = "Why nothing can be sent to it; absent: something can"},
};
static const struct shape target_shape = SHAPE("session_target", struct target_row, target_fields,
					       "A backend that packets of the session may go to");

enum access_word {
	ACCESS_ADMITTED,
	ACCESS_REJECTED,
	ACCESS_DROPPED,
};

static const char *const access_words[] = {
	[ACCESS_ADMITTED] = "admitted",
	[ACCESS_REJECTED] = "rejected",
	[ACCESS_DROPPED] = "dropped",
	NULL,
};

struct explain_result {
	uint64_t generation;
	bool has_service;
	char *service;
	enum access_word access;
	char *exclusion;
	char *hash;
	char *pool;
	uint32_t slot, slots;
	bool moving;
	char *current, *base;
	bool has_pin;
	struct pin_row pin;
	struct pick_row syn, segment;
	struct target_row *targets;
	uint32_t target_count;
	char *outcome;
};

enum { RESULT_TARGETS = 1 };

static const struct field result_fields[] = {
	RPC_GENERATION_RESULT(struct explain_result),
	[RESULT_TARGETS] = {"backends", FIELD_OBJECT,
			    FIELD_LIST_AT(struct explain_result, targets, target_count),
			    .required = true, .shape = &target_shape,
			    .text = "Where a SYN would go, then where other segments would if "
				    "that is elsewhere"},
	{"outcome", FIELD_STRING, FIELD_AT(struct explain_result, outcome), .required = true,
	 .text = "What becomes of the session, in a sentence"},
	{"service", FIELD_STRING, FIELD_AT(struct explain_result, service),
	 .text = "Service that listens there; absent, with all that follows: none"},
	{"access", FIELD_ENUM, FIELD_AT(struct explain_result, access),
	 FIELD_PRESENT(struct explain_result, has_service), .choices = access_words,
	 .text = "What the service's access rule says; what follows is as if it admitted "
		 "everybody"},
	{"exclusion", FIELD_STRING, FIELD_AT(struct explain_result, exclusion),
	 .text = "First and last address of the excluded range that the client is in"},
	{"hash", FIELD_STRING, FIELD_AT(struct explain_result, hash),
	 .text = "Keyed hash of the session, 16 hexadecimal digits"},
	{"pool", FIELD_STRING, FIELD_AT(struct explain_result, pool),
	 .text = "Pool of the service"},
	{"slot", FIELD_UINT, FIELD_AT(struct explain_result, slot),
	 FIELD_PRESENT(struct explain_result, has_service),
	 .text = "Entry of the pool's table that the hash falls on, counted from 0"},
	{"slots", FIELD_UINT, FIELD_AT(struct explain_result, slots),
	 FIELD_PRESENT(struct explain_result, has_service), .text = "How many entries it has"},
	{"moving", FIELD_BOOL, FIELD_AT(struct explain_result, moving),
	 FIELD_PRESENT(struct explain_result, has_service),
	 .text = "Whether sessions may be elsewhere than the entry says, and pins are asked for"},
	{"current", FIELD_STRING, FIELD_AT(struct explain_result, current),
	 .text = "Backend that the entry gives new sessions, as POOL/BACKEND; absent: none"},
	{"base", FIELD_STRING, FIELD_AT(struct explain_result, base),
	 .text = "Backend that its older sessions belong to, as POOL/BACKEND; absent: none"},
	{"pin", FIELD_OBJECT, FIELD_AT(struct explain_result, pin),
	 FIELD_PRESENT(struct explain_result, has_pin), .shape = &pin_shape,
	 .text = "What is remembered of the session; absent: nothing, or nobody asks"},
	{"syn", FIELD_OBJECT, FIELD_AT(struct explain_result, syn),
	 FIELD_PRESENT(struct explain_result, has_service), .shape = &pick_shape,
	 .text = "Where a SYN, which opens a session, would go"},
	{"segment", FIELD_OBJECT, FIELD_AT(struct explain_result, segment),
	 FIELD_PRESENT(struct explain_result, has_service), .shape = &pick_shape,
	 .text = "Where any other segment would go"},
};
static const struct shape explain_result = SHAPE("session_explain_result", struct explain_result,
						 result_fields, "The way of a session's packets");

/* NULL: no memory. */
__attribute__((format(printf, 1, 2))) static char *written(const char *format, ...)
{
	char *text;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

/* Everything that an explanation is written from. */
struct telling {
	const struct balancer *balancer;
	const struct explain_params *asked;
	struct mr_explanation told;
	struct explain_result *result;
};

/* A backend's name as operators write it. It may have left while its pins have not ended yet. */
static bool put_backend(const struct telling *telling, mr_backend_id id, char **out)
{
	uint32_t pool, member;

	*out = NULL;
	if (id == MR_BACKEND_NONE)
		return true;
	if (balancer_find_backend(telling->balancer, id, &pool, &member) < 0) {
		*out = written("one that has left");
	} else {
		const struct pool *in_pool = balancer_pool(telling->balancer, pool);

		*out = written("%s/%s", in_pool->name, in_pool->members[member].backend->name);
	}
	return *out != NULL;
}

static bool put_pick(const struct telling *telling, const struct mr_pick *pick,
		     struct pick_row *out)
{
	out->reason = pick->reason;
	out->message = strdup(sentences[pick->reason]);
	return put_backend(telling, pick->backend, &out->backend) && out->message;
}

static bool put_access(const struct telling *telling)
{
	const struct mr_explanation *told = &telling->told;
	struct explain_result *result = telling->result;
	char first[MR_ADDR_TEXT_MAX], last[MR_ADDR_TEXT_MAX];

	result->access = ACCESS_ADMITTED;
	if (!told->excluded)
		return true;
	result->access = told->exclude_action == MR_EXCLUDE_DROP ? ACCESS_DROPPED : ACCESS_REJECTED;
	address_format(&told->exclusion.first, first);
	address_format(&told->exclusion.last, last);
	result->exclusion = mr_addr_equal(&told->exclusion.first, &told->exclusion.last)
				    ? strdup(first)
				    : written("%s-%s", first, last);
	return result->exclusion;
}

static bool put_service(const struct telling *telling)
{
	const struct config *config = balancer_config(telling->balancer);
	const int index = balancer_find_service(telling->balancer, telling->told.service);
	const struct config_service *service;
	struct explain_result *result = telling->result;

	if (index < 0)
		return false;
	service = &config->services[index];
	result->service = strdup(service->name);
	result->pool = strdup(service->pool);
	result->slots = config->pools[config_find_pool(config, service->pool)].table_size;
	return result->service && result->pool;
}

static bool put_slot(const struct telling *telling)
{
	const struct mr_explanation *told = &telling->told;
	struct explain_result *result = telling->result;

	result->hash = written("%016" PRIx64, told->hash);
	result->slot = told->slot;
	result->moving = mr_slot_moving(told->word);
	return put_backend(telling, mr_slot_current(told->word), &result->current) &&
	       put_backend(telling, mr_slot_base(told->word), &result->base) && result->hash;
}

static bool put_pin(const struct telling *telling)
{
	const struct mr_explanation *told = &telling->told;
	const struct mr_pin *pin = &told->pin;
	struct pin_row *out = &telling->result->pin;

	telling->result->has_pin = told->has_pin;
	if (!told->has_pin)
		return true;
	out->state = (enum rpc_pin_state)(pin->state - MR_PIN_EMBRYONIC);
	/* A worker's clock may be a moment ahead. */
	if (told->now_s > pin->seen_s)
		out->silent_ms = (uint64_t)(told->now_s - pin->seen_s) * 1000;
	return put_backend(telling, pin->backend, &out->backend);
}

/* *@out: why nothing can be sent; NULL: something can. False: no memory. */
static bool put_problem(const struct telling *telling, const struct pool *pool,
			const struct backend *backend, const struct backend_status *status,
			char **out)
{
	const bool same_family =
		mr_addr_is_v4(&backend->address) == mr_addr_is_v4(&telling->asked->service);

	*out = NULL;
	if (!status->next_hop_set)
		*out = written("its Ethernet address is not known: no route, or no answer");
	else if (!status->path_set)
		*out = written("its path takes %u bytes, too few for %s", status->path_mtu_bytes,
			       config_forwardings[pool->forwarding]);
	else if (pool->forwarding == MR_FORWARDING_NAT && !same_family)
		*out = written("its address is of the other family, which nat cannot translate");
	else
		return true;
	return *out;
}

static bool add_target(const struct telling *telling, mr_backend_id id)
{
	struct explain_result *result = telling->result;
	struct target_row *row = &result->targets[result->target_count];
	const struct config *config = balancer_config(telling->balancer);
	const struct member *member;
	const struct pool *pool;
	uint32_t pool_index, index;

	if (balancer_find_backend(telling->balancer, id, &pool_index, &index) < 0)
		return true;
	pool = balancer_pool(telling->balancer, pool_index);
	member = &pool->members[index];
	result->target_count++;
	balancer_backend_status(telling->balancer, pool_index, index, &row->status);
	row->state = member->state;
	row->leaving = member->leaving;
	row->health = member->backend->verdict;
	row->forwarding = pool->forwarding;
	if (row->status.next_hop_set) {
		row->port = strdup(config->ports[row->status.port].name);
		if (!row->port)
			return false;
	}
	return put_backend(telling, id, &row->name) &&
	       put_problem(telling, pool, member->backend, &row->status, &row->problem);
}

static bool put_targets(const struct telling *telling)
{
	const mr_backend_id syn = telling->told.syn.backend;
	const mr_backend_id segment = telling->told.segment.backend;
	struct explain_result *result = telling->result;

	if (!field_list_alloc(&result_fields[RESULT_TARGETS], result, 2))
		return false;
	result->target_count = 0;
	return add_target(telling, syn) && (segment == syn || add_target(telling, segment));
}

/* The ports of a service that has the address, for those who have mistaken one; NULL: none. */
static const struct config_service *find_at_address(const struct telling *telling)
{
	const struct config *config = balancer_config(telling->balancer);

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		for (uint32_t j = 0; j < service->address_count; j++) {
			if (mr_addr_equal(&service->addresses[j], &telling->asked->service))
				return service;
		}
	}
	return NULL;
}

static char *outcome_without_service(const struct telling *telling)
{
	static const char where[] = "its packets are the host kernel's, and dropped on a port "
				    "without a kernel";
	const struct config_service *service = find_at_address(telling);

	if (!service)
		return written("no service has this address: %s", where);
	return written("service %s has this address, but not this port: %s", service->name, where);
}

/* Why nothing can be sent to @backend; NULL: something can. */
static const char *problem_of(const struct explain_result *result, const char *backend)
{
	for (uint32_t i = 0; i < result->target_count; i++) {
		if (strcmp(result->targets[i].name, backend) == 0)
			return result->targets[i].problem;
	}
	return NULL;
}

/* What a packet is; @backend: where it would go, NULL: nowhere. */
static char *fate_of(const struct explain_result *result, const char *backend)
{
	if (!backend)
		return written("answered with a reset: no backend may have the session");
	if (problem_of(result, backend))
		return written("dropped on the way to %s: %s", backend,
			       problem_of(result, backend));
	return written("sent to %s", backend);
}

static char *outcome_of_admitted(const struct explain_result *result)
{
	char *syn = fate_of(result, result->syn.backend);
	char *segment = fate_of(result, result->segment.backend);
	char *outcome = NULL;

	if (syn && segment && strcmp(syn, segment) == 0)
		outcome = written("its packets are %s", syn);
	else if (syn && segment)
		outcome = written("a SYN is %s; other segments are %s", syn, segment);
	free(syn);
	free(segment);
	return outcome;
}

static char *outcome_of(const struct telling *telling)
{
	const struct explain_result *result = telling->result;

	if (!telling->told.has_service)
		return outcome_without_service(telling);
	switch (result->access) {
	case ACCESS_ADMITTED:
		return outcome_of_admitted(result);
	case ACCESS_REJECTED:
		return written("its packets are answered with a reset: the client is excluded");
	case ACCESS_DROPPED:
		return written("its packets are dropped in silence: the client is excluded");
	}
	return NULL;
}

static bool tell(const struct telling *telling)
{
	struct explain_result *result = telling->result;

	result->has_service = telling->told.has_service;
	if (result->has_service &&
	    !(put_service(telling) && put_access(telling) && put_slot(telling) &&
	      put_pin(telling) && put_pick(telling, &telling->told.syn, &result->syn) &&
	      put_pick(telling, &telling->told.segment, &result->segment) && put_targets(telling)))
		return false;
	result->outcome = outcome_of(telling);
	return result->outcome;
}

static enum rpc_error session_explain(struct rpc_call *call)
{
	const struct explain_params *params = call->params;
	const struct mr_tuple tuple = {
		.client = params->client,
		.service = params->service,
		.client_port = rte_cpu_to_be_16(params->client_port),
		.service_port = rte_cpu_to_be_16(params->service_port),
	};
	struct telling telling = {
		.balancer = call->context->balancer,
		.asked = params,
		.result = call->result,
	};

	if (mr_dataplane_explain(balancer_dataplane(telling.balancer), &tuple, &telling.told) < 0)
		return RPC_INTERNAL_ERROR;
	telling.result->generation = balancer_generation(telling.balancer);
	return tell(&telling) ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_session_methods[] = {
	{
		.name = "session.explain",
		.text = "Tells, step by step, where the packets of a session go now, and why, as "
			"the workers see it",
		.handler = session_explain,
		.params = &explain_params,
		.result = &explain_result,
		.result_text = "The steps",
		.example_params = "{\"client\": \"192.0.2.1\", \"client_port\": 40000, "
				  "\"service\": \"10.0.0.10\", \"service_port\": 25}",
		.example_result =
			"{\"generation\": 8, \"backends\": [{\"name\": \"hub-transport/hub2\", "
			"\"state\": \"enabled\", \"leaving\": false, \"health\": \"up\", "
			"\"forwarding\": \"l2dsr\", \"port\": \"wan\", \"next_hop\": "
			"\"02:00:00:00:00:12\", \"path_mtu_bytes\": 1500}, {\"name\": "
			"\"hub-transport/hub1\", \"state\": \"drain\", \"leaving\": false, "
			"\"health\": \"up\", \"forwarding\": \"l2dsr\", \"port\": \"wan\", "
			"\"next_hop\": \"02:00:00:00:00:11\", \"path_mtu_bytes\": 1500}], "
			"\"outcome\": \"a SYN is sent to hub-transport/hub2; other segments are "
			"sent "
			"to hub-transport/hub1\", \"service\": \"smtp\", \"access\": \"admitted\", "
			"\"hash\": \"5fa3c09be1d27468\", \"pool\": \"hub-transport\", \"slot\": "
			"24483, \"slots\": 65537, \"moving\": true, \"current\": "
			"\"hub-transport/hub2\", \"base\": \"hub-transport/hub1\", \"syn\": "
			"{\"backend\": \"hub-transport/hub2\", \"reason\": \"new\", \"message\": "
			"\"a new session on a moving slot goes to current and is pinned\"}, "
			"\"segment\": {\"backend\": \"hub-transport/hub1\", \"reason\": \"older\", "
			"\"message\": \"an unknown session on a moving slot is older than the "
			"change: it goes to base and is pinned\"}}",
	},
	{.name = NULL},
};
