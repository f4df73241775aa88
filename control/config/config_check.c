/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/limits.h>

#include "address_text.h"
#include "config_check_parts.h"
#include "suggestion.h"

/* What every host takes without an MSS option, in IPv4 (RFC 9293, section 3.7.1). */
#define MSS_MIN_BYTES 536

static const struct field_path pools_path = {.key = "pools"};
static const struct field_path services_path = {.key = "services"};

static bool is_prime(uint32_t n)
{
	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (uint32_t i = 3; (uint64_t)i * i <= n; i += 2)
		if (n % i == 0)
			return false;
	return true;
}

static uint32_t next_prime(uint32_t n)
{
	while (!is_prime(n))
		n++;
	return n;
}

static void check_pool(const struct config_pool *pool, const struct field_path *path,
		       struct field_errors *errors)
{
	struct field_path table_size = {path, "table_size", 0};
	struct field_path mss = {path, "mss", 0};

	if (pool->mss_max_bytes > 0 && pool->mss_max_bytes < MSS_MIN_BYTES)
		field_errors_add(errors, &mss, "%u is outside %d..%d, and not 0 (not touched)",
				 pool->mss_max_bytes, MSS_MIN_BYTES, CONFIG_MSS_MAX_BYTES);
	if (pool->table_size == 0)
		return;
	if (!is_prime(pool->table_size))
		field_errors_add(errors, &table_size,
				 "%" PRIu32 " is not a prime; the next one is %" PRIu32,
				 pool->table_size, next_prime(pool->table_size));
	else if (pool->table_size < pool->backend_count)
		field_errors_add(errors, &table_size,
				 "%" PRIu32 " slots are too few for %" PRIu32 " backends",
				 pool->table_size, pool->backend_count);
}

static void check_backend_count(const struct config *config, struct field_errors *errors)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < config->pool_count; i++)
		count += config->pools[i].backend_count;
	if (count > MR_BACKENDS_MAX)
		field_errors_add(errors, &pools_path, "%" PRIu64 " backends in all; at most %d",
				 count, MR_BACKENDS_MAX);
}

/* Sorted indices make every lookup below cheap: thousands of pools and services are checked. */
struct pool_index {
	const struct config_pool *pool;
	struct mr_addr *addresses; /* of its backends, sorted */
};

static int compare_pools(const void *a, const void *b)
{
	const struct pool_index *left = a, *right = b;

	return strcmp(left->pool->name, right->pool->name);
}

static int compare_pool_name(const void *name, const void *entry)
{
	const struct pool_index *index = entry;

	return strcmp(name, index->pool->name);
}

static void free_pool_index(struct pool_index *index, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(index[i].addresses);
	free(index);
}

static bool index_pool(const struct config_pool *pool, struct pool_index *out)
{
	struct mr_addr *addresses = calloc(pool->backend_count + 1, sizeof(*addresses));

	if (!addresses)
		return false;
	for (uint32_t i = 0; i < pool->backend_count; i++)
		addresses[i] = pool->backends[i].address;
	qsort(addresses, pool->backend_count, sizeof(*addresses), mr_addr_order);
	*out = (struct pool_index){pool, addresses};
	return true;
}

/* The pools that have a name. NULL: no memory. */
static struct pool_index *create_pool_index(const struct config *config, uint32_t *out_count)
{
	struct pool_index *index = calloc(config->pool_count + 1, sizeof(*index));
	uint32_t count = 0;

	if (!index)
		return NULL;
	for (uint32_t i = 0; i < config->pool_count; i++) {
		if (!config->pools[i].name)
			continue;
		if (!index_pool(&config->pools[i], &index[count])) {
			free_pool_index(index, count);
			return NULL;
		}
		count++;
	}
	qsort(index, count, sizeof(*index), compare_pools);
	*out_count = count;
	return index;
}

static void refuse_unknown_pool(const struct config_service *service,
				const struct pool_index *pools, uint32_t pool_count,
				const struct field_path *path, struct field_errors *errors)
{
	struct suggestion nearest = {.word = service->pool};
	struct field_path member = {path, "pool", 0};
	char hint[SUGGESTION_TEXT_MAX];

	for (uint32_t i = 0; i < pool_count; i++)
		suggestion_consider(&nearest, pools[i].pool->name);
	suggestion_format(&nearest, hint);
	field_errors_add(errors, &member, "there is no pool \"%s\"%s", service->pool, hint);
}

/* A backend with the service's own address would get the packet and send it back here. */
static void check_loop(const struct config_service *service, const struct pool_index *index,
		       const struct field_path *path, struct field_errors *errors)
{
	struct field_path list = {path, "addresses", 0};
	char text[MR_ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < service->address_count; i++) {
		struct field_path element = {&list, NULL, i};

		if (!address_is_host(&service->addresses[i]) ||
		    !bsearch(&service->addresses[i], index->addresses, index->pool->backend_count,
			     sizeof(*index->addresses), mr_addr_order))
			continue;
		address_format(&service->addresses[i], text);
		field_errors_add(errors, &element,
				 "\"%s\" is also the address of a backend of pool \"%s\": packets "
				 "would go round in a loop",
				 text, service->pool);
	}
}

static bool check_service_pools(const struct config *config, struct field_errors *errors)
{
	uint32_t pool_count;
	struct pool_index *pools = create_pool_index(config, &pool_count);

	if (!pools)
		return false;
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];
		struct field_path path = {&services_path, NULL, i};
		const struct pool_index *index;

		if (!service->pool)
			continue;
		index = bsearch(service->pool, pools, pool_count, sizeof(*pools),
				compare_pool_name);
		if (index)
			check_loop(service, index, &path, errors);
		else
			refuse_unknown_pool(service, pools, pool_count, &path, errors);
	}
	free_pool_index(pools, pool_count);
	return true;
}

/* One address and port of one service. */
struct endpoint_use {
	struct mr_addr address;
	uint16_t port;
	uint32_t service;
	uint32_t port_index;
};

static int compare_endpoints(const struct endpoint_use *a, const struct endpoint_use *b)
{
	int by_address = mr_addr_compare(&a->address, &b->address);

	return by_address != 0 ? by_address : (int)a->port - (int)b->port;
}

static int compare_uses(const void *a, const void *b)
{
	const struct endpoint_use *left = a, *right = b;
	int by_endpoint = compare_endpoints(left, right);

	if (by_endpoint != 0)
		return by_endpoint;
	return (left->service > right->service) - (left->service < right->service);
}

static void collect_uses(const struct config *config, struct endpoint_use *out)
{
	for (uint32_t s = 0; s < config->service_count; s++) {
		const struct config_service *service = &config->services[s];

		for (uint32_t a = 0; a < service->address_count; a++)
			for (uint32_t p = 0; p < service->port_count; p++)
				*out++ = (struct endpoint_use){service->addresses[a],
							       service->ports[p], s, p};
	}
}

static void refuse_shared_endpoint(const struct config *config, const struct endpoint_use *first,
				   const struct endpoint_use *second, struct field_errors *errors)
{
	struct field_path service = {&services_path, NULL, second->service};
	struct field_path ports = {&service, "ports", 0};
	struct field_path port = {&ports, NULL, second->port_index};
	const char *name = config->services[first->service].name;
	char text[MR_ADDR_TEXT_MAX];

	address_format(&second->address, text);
	field_errors_add(errors, &port,
			 "%s port %u already belongs to service \"%s\" (/services/%" PRIu32 ")",
			 text, second->port, name ? name : "", first->service);
}

static bool check_endpoints(const struct config *config, struct field_errors *errors)
{
	uint64_t count = config_count_endpoints(config);
	struct endpoint_use *uses;

	if (count > MR_ENDPOINTS_MAX) {
		field_errors_add(errors, &services_path,
				 "%" PRIu64 " pairs of address and port in all; at most %d", count,
				 MR_ENDPOINTS_MAX);
		return true;
	}
	uses = calloc(count + 1, sizeof(*uses));
	if (!uses)
		return false;
	collect_uses(config, uses);
	qsort(uses, count, sizeof(*uses), compare_uses);
	for (uint64_t i = 1; i < count; i++) {
		/* Zeroes were refused as fields; a service's own repetitions too. */
		if (uses[i].port == 0 || !address_is_host(&uses[i].address) ||
		    uses[i].service == uses[i - 1].service)
			continue;
		if (compare_endpoints(&uses[i - 1], &uses[i]) == 0)
			refuse_shared_endpoint(config, &uses[i - 1], &uses[i], errors);
	}
	free(uses);
	return true;
}

static uint64_t error_count(const struct field_errors *errors)
{
	return (uint64_t)errors->count + errors->omitted;
}

bool config_check(const struct config *config, struct field_errors *errors)
{
	uint64_t before = error_count(errors);

	config_check_control(config, errors);
	config_check_ports(config, errors);
	for (uint32_t i = 0; i < config->pool_count; i++)
		check_pool(&config->pools[i], &(struct field_path){&pools_path, NULL, i}, errors);
	check_backend_count(config, errors);
	if (!config_check_tunnels(config, errors) || !check_service_pools(config, errors) ||
	    !check_endpoints(config, errors) || !config_check_nat(config, errors))
		field_errors_add(errors, NULL, "out of memory");
	return error_count(errors) == before;
}
