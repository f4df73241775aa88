/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "balancer.h"
#include "config_tables.h"
#include "rpc_change.h"
#include "rpc_counters.h"
#include "rpc_find.h"
#include "rpc_methods.h"

struct service_row {
	char *name;
	char *namespace;
	struct mr_addr *addresses;
	uint32_t address_count;
	uint16_t *ports;
	uint32_t port_count;
	char *pool;
	uint32_t backends;
	uint32_t serving;
	struct mr_flow_counters counters;
};

enum { ROW_ADDRESSES = 2, ROW_PORTS = 3 };

static const struct field row_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct service_row, name), .required = true,
	 .text = "Name of the service"},
	{"namespace", FIELD_FQDN, FIELD_AT(struct service_row, namespace), .required = true,
	 .text = "The domain name that clients resolve"},
	[ROW_ADDRESSES] = {"addresses", FIELD_ADDRESS,
			   FIELD_LIST_AT(struct service_row, addresses, address_count),
			   .required = true, .text = "Addresses at which it is reached"},
	[ROW_PORTS] = {"ports", FIELD_UINT, FIELD_LIST_AT(struct service_row, ports, port_count),
		       .required = true, .text = "TCP ports at each of them"},
	{"pool", FIELD_NAME, FIELD_AT(struct service_row, pool), .required = true,
	 .text = "Pool that gets its sessions"},
	{"backends", FIELD_UINT, FIELD_AT(struct service_row, backends), .required = true,
	 .text = "Backends of that pool"},
	{"serving", FIELD_UINT, FIELD_AT(struct service_row, serving), .required = true,
	 .text = "Those of them that get new sessions now; 0: the service is down"},
	RPC_FLOW_FIELDS(struct service_row),
};
static const struct shape row_shape =
	SHAPE("service_row", struct service_row, row_fields, "A service and what it does");

struct service_list_result {
	uint64_t generation;
	struct service_row *services;
	uint32_t service_count;
};

enum { LIST_SERVICES = 1 };

static const struct field list_fields[] = {
	RPC_GENERATION_RESULT(struct service_list_result),
	[LIST_SERVICES] = {"services", FIELD_OBJECT,
			   FIELD_LIST_AT(struct service_list_result, services, service_count),
			   .required = true, .shape = &row_shape,
			   .text = "In the order of the configuration"},
};
static const struct shape list_result =
	SHAPE("service_list_result", struct service_list_result, list_fields, "All services");

static uint32_t count_serving(const struct balancer *balancer, uint32_t pool)
{
	uint32_t backends = balancer_config(balancer)->pools[pool].backend_count;
	struct backend_status status;
	uint32_t serving = 0;

	for (uint32_t i = 0; i < backends; i++) {
		balancer_backend_status(balancer, pool, i, &status);
		serving += status.slots > 0;
	}
	return serving;
}

static bool fill_row(const struct balancer *balancer, uint32_t index, const uint32_t *serving,
		     struct service_row *row)
{
	const struct config *config = balancer_config(balancer);
	const struct config_service *service = &config->services[index];
	int pool = config_find_pool(config, service->pool);

	row->name = strdup(service->name);
	row->namespace = strdup(service->namespace);
	row->pool = strdup(service->pool);
	if (!row->name || !row->namespace || !row->pool || pool < 0 ||
	    !field_list_alloc(&row_fields[ROW_ADDRESSES], row, service->address_count) ||
	    !field_list_alloc(&row_fields[ROW_PORTS], row, service->port_count))
		return false;
	memcpy(row->addresses, service->addresses,
	       service->address_count * sizeof(*row->addresses));
	memcpy(row->ports, service->ports, service->port_count * sizeof(*row->ports));
	row->backends = config->pools[pool].backend_count;
	row->serving = serving[pool];
	balancer_service_counters(balancer, index, &row->counters);
	return true;
}

/* How many backends of each pool serve. NULL: no memory. */
static uint32_t *count_all_serving(const struct balancer *balancer)
{
	uint32_t pools = balancer_config(balancer)->pool_count;
	uint32_t *serving = calloc(pools + 1, sizeof(*serving));

	for (uint32_t i = 0; serving && i < pools; i++)
		serving[i] = count_serving(balancer, i);
	return serving;
}

static enum rpc_error service_list(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	uint32_t count = balancer_config(balancer)->service_count;
	struct service_list_result *result = call->result;
	uint32_t *serving = count_all_serving(balancer);
	bool ok = serving && field_list_alloc(&list_fields[LIST_SERVICES], result, count);

	result->generation = balancer_generation(balancer);
	for (uint32_t i = 0; ok && i < count; i++)
		ok = fill_row(balancer, i, serving, &result->services[i]);
	free(serving);
	return ok ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct service_show_params {
	char *service;
};

static const struct field show_params_fields[] = {
	{"service", FIELD_NAME, FIELD_AT(struct service_show_params, service), .required = true,
	 .text = "Name of the service"},
};
static const struct shape show_params = SHAPE("service_show_params", struct service_show_params,
					      show_params_fields, "Which service to show");

struct service_show_result {
	uint64_t generation;
	struct config_service settings;
	bool healthy;
	uint32_t backends;
	uint32_t up;
	uint32_t serving;
	struct mr_flow_counters counters;
};

static const struct field show_fields[] = {
	RPC_GENERATION_RESULT(struct service_show_result),
	{"settings", FIELD_OBJECT, FIELD_AT(struct service_show_result, settings), .required = true,
	 .shape = &config_service_shape, .text = "The service, as in the configuration"},
	{"healthy", FIELD_BOOL, FIELD_AT(struct service_show_result, healthy), .required = true,
	 .text = "Whether it has a backend for new sessions"},
	{"backends", FIELD_UINT, FIELD_AT(struct service_show_result, backends), .required = true,
	 .text = "Backends of its pool"},
	{"up", FIELD_UINT, FIELD_AT(struct service_show_result, up), .required = true,
	 .text = "Those of them that are up"},
	{"serving", FIELD_UINT, FIELD_AT(struct service_show_result, serving), .required = true,
	 .text = "Those of them that get new sessions now"},
	RPC_FLOW_FIELDS(struct service_show_result),
};
static const struct shape show_result =
	SHAPE("service_show_result", struct service_show_result, show_fields,
	      "A service, its settings and what it does");

static void count_backends(const struct balancer *balancer, uint32_t pool,
			   struct service_show_result *result)
{
	struct backend_status status;

	result->backends = balancer_config(balancer)->pools[pool].backend_count;
	for (uint32_t i = 0; i < result->backends; i++) {
		balancer_backend_status(balancer, pool, i, &status);
		result->up += status.health.verdict == HEALTH_UP;
		result->serving += status.slots > 0;
	}
	result->healthy = result->serving > 0;
}

static enum rpc_error service_show(struct rpc_call *call)
{
	const struct service_show_params *params = call->params;
	const struct balancer *balancer = call->context->balancer;
	const struct config *config = balancer_config(balancer);
	struct service_show_result *result = call->result;
	uint32_t index;

	if (rpc_find_service(call, params->service, &index) != RPC_OK)
		return RPC_NOT_FOUND;
	if (shape_copy(&config_service_shape, &config->services[index], &result->settings) < 0)
		return RPC_INTERNAL_ERROR;
	result->generation = balancer_generation(balancer);
	count_backends(balancer, (uint32_t)config_find_pool(config, result->settings.pool), result);
	balancer_service_counters(balancer, index, &result->counters);
	return RPC_OK;
}

const struct rpc_method rpc_service_methods[] = {
	{
		.name = "service.list",
		.text = "Shows all services with their counters",
		.handler = service_list,
		.result = &list_result,
		.result_text = "All services",
		.example_params = "{}",
		.example_result =
			"{\"generation\": 7, \"services\": [{\"name\": \"smtp\", \"namespace\": "
			"\"mail.example.com\", \"addresses\": [\"10.0.0.10\"], \"ports\": [25, "
			"587], \"pool\": \"hub-transport\", \"backends\": 2, \"serving\": 2, "
			"\"packets\": 81234, \"bytes\": 61234567, \"sessions\": 512}]}",
	},
	{
		.name = "service.show",
		.text = "Shows one service with its settings, health and counters",
		.handler = service_show,
		.params = &show_params,
		.result = &show_result,
		.result_text = "The service",
		.example_params = "{\"service\": \"smtp\"}",
		.example_result =
			"{\"generation\": 7, \"settings\": {\"name\": \"smtp\", \"namespace\": "
			"\"mail.example.com\", \"addresses\": [\"10.0.0.10\"], \"ports\": [25, "
			"587], \"pool\": \"hub-transport\", \"exclude\": {\"sources\": [], "
			"\"action\": \"reject\"}}, \"healthy\": true, \"backends\": 2, \"up\": 2, "
			"\"serving\": 2, \"packets\": 81234, \"bytes\": 61234567, \"sessions\": "
			"512}",
	},
	{.name = NULL},
};
