/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "balancer.h"
#include "rpc_change.h"
#include "rpc_counters.h"
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
	{.name = NULL},
};
