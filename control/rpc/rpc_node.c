/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_NODE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "balancer.h"
#include "log.h"
#include "node_fingerprint.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct node_info {
	char *name;
	char *version;
	uint32_t pid;
	uint64_t generation;
	uint64_t uptime_s;
	uint64_t hugepage_bytes;
	uint32_t *cores;
	uint32_t core_count;
	char *config_path;
	uint64_t started_ms;
	bool has_unconfirmed;
	struct unconfirmed unconfirmed;
	char *kernel;
	char *dpdk;
	uint64_t memory_bytes;
	uint64_t tsc_hz;
};

enum { INFO_CORES = 6 };

static const struct field unconfirmed_fields[] = {
	{"generation", FIELD_UINT, FIELD_AT(struct unconfirmed, generation), .required = true,
	 .text = "The generation that it has made"},
	{"left_ms", FIELD_UINT, FIELD_AT(struct unconfirmed, left_ms), .required = true,
	 .text = "Milliseconds until it is taken back"},
};
static const struct shape unconfirmed_shape =
	SHAPE("node_unconfirmed", struct unconfirmed, unconfirmed_fields,
	      "A change that waits for config.confirm");

static const struct field info_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct node_info, name), .required = true,
	 .text = "Name of the node"},
	{"version", FIELD_STRING, FIELD_AT(struct node_info, version), .required = true,
	 .text = "Version of mailraild"},
	{"pid", FIELD_UINT, FIELD_AT(struct node_info, pid), .required = true,
	 .text = "Process id of mailraild"},
	RPC_GENERATION_RESULT(struct node_info),
	{"uptime_s", FIELD_UINT, FIELD_AT(struct node_info, uptime_s), .required = true,
	 .text = "Seconds since it came up"},
	{"hugepage_bytes", FIELD_UINT, FIELD_AT(struct node_info, hugepage_bytes), .required = true,
	 .text = "Memory on hugepages; 0: ordinary pages are used"},
	[INFO_CORES] = {"cores", FIELD_UINT, FIELD_LIST_AT(struct node_info, cores, core_count),
			.required = true, .text = "CPU cores of the workers"},
	{"config_path", FIELD_STRING, FIELD_AT(struct node_info, config_path),
	 .text = "File that changes are saved to; absent: nowhere"},
	{"started_ms", FIELD_UINT, FIELD_AT(struct node_info, started_ms), .required = true,
	 .text = "When it came up, in milliseconds since 1970 (UTC)"},
	{"unconfirmed", FIELD_OBJECT, FIELD_AT(struct node_info, unconfirmed),
	 FIELD_PRESENT(struct node_info, has_unconfirmed), .shape = &unconfirmed_shape,
	 .text = "The change that waits for config.confirm; absent: none does"},
	{"kernel", FIELD_STRING, FIELD_AT(struct node_info, kernel), .required = true,
	 .text = "Release of the kernel"},
	{"dpdk", FIELD_STRING, FIELD_AT(struct node_info, dpdk), .required = true,
	 .text = "Version of DPDK"},
	{"memory_bytes", FIELD_UINT, FIELD_AT(struct node_info, memory_bytes), .required = true,
	 .text = "Memory that mailraild has in ordinary pages"},
	{"tsc_hz", FIELD_UINT, FIELD_AT(struct node_info, tsc_hz), .required = true,
	 .text = "Cycles of the time stamp counter in a second"},
};
static const struct shape info_result =
	SHAPE("node_info", struct node_info, info_fields, "What this node is");

/* Its second number, proc(5); 0: nobody tells. */
static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool fill_texts(const struct rpc_context *context, struct node_info *info)
{
	struct utsname system = {0};
	const char *path = context->config_path;

	uname(&system);
	info->name = strdup(balancer_config(context->balancer)->node.name);
	info->version = strdup(MAILRAIL_VERSION);
	info->config_path = path ? strdup(path) : NULL;
	info->kernel = strdup(system.release);
	info->dpdk = strdup(mr_dataplane_library());
	return info->name && info->version && (!path || info->config_path) && info->kernel &&
	       info->dpdk;
}

static enum rpc_error node_info(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	const struct config *config = balancer_config(balancer);
	struct mr_dataplane *dp = balancer_dataplane(balancer);
	struct node_info *info = call->result;

	info->pid = (uint32_t)getpid();
	info->generation = balancer_generation(balancer);
	info->uptime_s = balancer_uptime_s(balancer);
	info->started_ms = balancer_started_ms(balancer);
	info->hugepage_bytes = mr_dataplane_hugepage_bytes(dp);
	info->memory_bytes = resident_bytes();
	info->tsc_hz = mr_dataplane_tsc_hz(dp);
	info->has_unconfirmed = ledger_unconfirmed(balancer_ledger(balancer), &info->unconfirmed);
	if (!fill_texts(call->context, info) ||
	    !field_list_alloc(&info_fields[INFO_CORES], info, config->workers.core_count))
		return RPC_INTERNAL_ERROR;
	memcpy(info->cores, config->workers.cores,
	       config->workers.core_count * sizeof(*info->cores));
	return RPC_OK;
}

struct pool_fingerprint {
	char *name;
	uint8_t fingerprint[FINGERPRINT_BYTES];
};

static const struct field pool_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct pool_fingerprint, name), .required = true,
	 .text = "Name of the pool"},
	{"fingerprint", FIELD_HEX, FIELD_AT(struct pool_fingerprint, fingerprint), .required = true,
	 .text = "As pool.fingerprint tells it"},
};
static const struct shape pool_shape = SHAPE("node_pool_fingerprint", struct pool_fingerprint,
					     pool_fields, "The fingerprint of a pool");

struct fingerprint_result {
	uint64_t generation;
	struct node_fingerprint whole;
	struct pool_fingerprint *pools;
	uint32_t pool_count;
};

enum { FINGERPRINT_POOLS = 3 };

static const struct field fingerprint_fields[] = {
	RPC_GENERATION_RESULT(struct fingerprint_result),
	{"fingerprint", FIELD_HEX, FIELD_AT(struct fingerprint_result, whole.node),
	 .required = true,
	 .text = "The same on nodes that agree about services, pools and their health: all steady "
		 "slots have the same backend"},
	{"configuration", FIELD_HEX, FIELD_AT(struct fingerprint_result, whole.configuration),
	 .required = true,
	 .text = "The same on nodes whose services and pools are configured alike; where these "
		 "agree and fingerprint does not, health does not"},
	[FINGERPRINT_POOLS] = {"pools", FIELD_OBJECT,
			       FIELD_LIST_AT(struct fingerprint_result, pools, pool_count),
			       .required = true, .shape = &pool_shape, .text = "Each pool's"},
};
static const struct shape fingerprint_result =
	SHAPE("node_fingerprint_result", struct fingerprint_result, fingerprint_fields,
	      "What tells whether nodes agree");

/* *@out belongs to the caller, and has one for each pool; NULL: no memory. */
static uint8_t (*fingerprint_pools(const struct balancer *balancer))[FINGERPRINT_BYTES]
{
	const struct config *config = balancer_config(balancer);
	uint8_t(*pools)[FINGERPRINT_BYTES] = calloc(config->pool_count + 1, sizeof(*pools));

	for (uint32_t i = 0; pools && i < config->pool_count; i++) {
		if (fingerprint_make(balancer_pool(balancer, i), config->node.key, pools[i]) < 0) {
			free(pools);
			pools = NULL;
		}
	}
	return pools;
}

static bool fill_fingerprints(const struct balancer *balancer,
			      const uint8_t (*pools)[FINGERPRINT_BYTES],
			      struct fingerprint_result *result)
{
	const struct config *config = balancer_config(balancer);

	if (node_fingerprint_make(config, pools, &result->whole) < 0 ||
	    !field_list_alloc(&fingerprint_fields[FINGERPRINT_POOLS], result, config->pool_count))
		return false;
	for (uint32_t i = 0; i < config->pool_count; i++) {
		result->pools[i].name = strdup(config->pools[i].name);
		if (!result->pools[i].name)
			return false;
		memcpy(result->pools[i].fingerprint, pools[i], FINGERPRINT_BYTES);
	}
	return true;
}

static enum rpc_error node_fingerprint(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	struct fingerprint_result *result = call->result;
	uint8_t(*pools)[FINGERPRINT_BYTES] = fingerprint_pools(balancer);
	bool ok;

	result->generation = balancer_generation(balancer);
	ok = pools &&
	     fill_fingerprints(balancer, (const uint8_t(*)[FINGERPRINT_BYTES])pools, result);
	free(pools);
	return ok ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct shutdown_params {
	bool hold_sessions;
};

static const struct field shutdown_fields[] = {
	{"hold_sessions", FIELD_BOOL, FIELD_AT(struct shutdown_params, hold_sessions),
	 .text = "Whether a guard stays on the interfaces that drops clients' packets until "
		 "mailraild runs again, so that the kernel resets no session, as after SIGQUIT; "
		 "else everything is taken down, as after SIGTERM"},
};
static const struct shape shutdown_params =
	SHAPE("node_shutdown_params", struct shutdown_params, shutdown_fields, "How to stop");

struct shutdown_result {
	bool stopping;
};

static const struct field shutdown_result_fields[] = {
	{"stopping", FIELD_BOOL, FIELD_AT(struct shutdown_result, stopping), .required = true,
	 .text = "True: mailraild is about to end"},
};
static const struct shape shutdown_result = SHAPE("node_shutdown_result", struct shutdown_result,
						  shutdown_result_fields, "What comes next");

static enum rpc_error node_shutdown(struct rpc_call *call)
{
	const struct shutdown_params *params = call->params;
	const struct rpc_context *context = call->context;
	struct shutdown_result *result = call->result;

	if (!context->stop) {
		field_errors_add(&call->errors, NULL, "this node cannot be stopped by a call");
		return RPC_REFUSED;
	}
	log_write(LOG_NOTICE, "stopping: node.shutdown by %s", call->peer->name);
	context->stop(context->stop_context, params->hold_sessions);
	result->stopping = true;
	return RPC_OK;
}

const struct rpc_method rpc_node_methods[] = {
	{
		.name = "node.info",
		.text = "Shows what this node is and how long it has been up",
		.handler = node_info,
		.role = RPC_ROLE_READ,
		.result = &info_result,
		.result_text = "What this node is",
		.example_params = "{}",
		.example_result =
			"{\"name\": \"lb1\", \"version\": \"" MAILRAIL_VERSION
			"\", \"pid\": 1234, \"generation\": 7, \"uptime_s\": 86400, "
			"\"hugepage_bytes\": 1073741824, \"cores\": [1], \"config_path\": "
			"\"/etc/mailrail/mailrail.json\", \"started_ms\": 1795000000000, "
			"\"unconfirmed\": {\"generation\": 7, \"left_ms\": 42000}, \"kernel\": "
			"\"6.1.0-30-amd64\", \"dpdk\": \"DPDK 22.11.11\", \"memory_bytes\": "
			"48234496, \"tsc_hz\": 2500000000}",
	},
	{
		.name = "node.fingerprint",
		.text = "Shows by two numbers whether nodes agree: about their configuration, and "
			"about what health has made of it",
		.handler = node_fingerprint,
		.role = RPC_ROLE_READ,
		.result = &fingerprint_result,
		.result_text = "What tells whether nodes agree",
		.example_params = "{}",
		.example_result = "{\"generation\": 7, \"fingerprint\": \"5fa3c09be1d27468\", "
				  "\"configuration\": \"90d1a2b3c4e5f607\", \"pools\": [{\"name\": "
				  "\"hub-transport\", \"fingerprint\": \"1b2c3d4e5f607182\"}]}",
	},
	{
		.name = "node.shutdown",
		.text = "Ends mailraild, after the answer, in the order in which a signal would",
		.handler = node_shutdown,
		.role = RPC_ROLE_ADMIN,
		.params = &shutdown_params,
		.result = &shutdown_result,
		.result_text = "What comes next",
		.example_params = "{\"hold_sessions\": true}",
		.example_result = "{\"stopping\": true}",
	},
	{.name = NULL},
};
