/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_check_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"

static const struct field_path services_path = {.key = "services"};

/* The nat pool of each service, by the service's index; NULL: none. */
struct nat_services {
	const struct config *config;
	const struct config_pool **pools;
};

static int compare_names(const void *a, const void *b)
{
	const struct config_pool *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int compare_to_name(const void *name, const void *pool)
{
	const struct config_pool *const *candidate = pool;

	return strcmp(name, (*candidate)->name);
}

static bool nat_services_init(const struct config *config, struct nat_services *out)
{
	const struct config_pool **sorted = calloc(config->pool_count + 1, sizeof(*sorted));
	uint32_t count = 0;

	*out = (struct nat_services){
		.config = config,
		.pools = calloc(config->service_count + 1, sizeof(*out->pools)),
	};
	if (!sorted || !out->pools) {
		free(sorted);
		free(out->pools);
		return false;
	}
	for (uint32_t i = 0; i < config->pool_count; i++) {
		const struct config_pool *pool = &config->pools[i];

		if (pool->name && pool->forwarding == MR_FORWARDING_NAT)
			sorted[count++] = pool;
	}
	qsort(sorted, count, sizeof(*sorted), compare_names);
	for (uint32_t i = 0; i < config->service_count && count > 0; i++) {
		const char *name = config->services[i].pool;
		const struct config_pool *const *found =
			name ? bsearch(name, sorted, count, sizeof(*sorted), compare_to_name)
			     : NULL;

		out->pools[i] = found ? *found : NULL;
	}
	free(sorted);
	return true;
}

/* Translation stays within a family. */
static void check_families(const struct config_service *service, const struct config_pool *pool,
			   const struct field_path *path, struct field_errors *errors)
{
	struct field_path list = {path, "addresses", 0};
	struct field_path first = {&list, NULL, 0};
	const struct mr_addr *address = service->addresses;
	char text[MR_ADDR_TEXT_MAX];

	if (service->address_count == 0 || !address_is_host(address))
		return;
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		const struct config_backend *backend = &pool->backends[i];

		if (!address_is_host(&backend->address) ||
		    mr_addr_is_v4(&backend->address) == mr_addr_is_v4(address))
			continue;
		address_format(address, text);
		field_errors_add(errors, &first,
				 "\"%s\" is %s, but backend \"%s\" of nat pool \"%s\" has an %s "
				 "address",
				 text, mr_addr_is_v4(address) ? "IPv4" : "IPv6",
				 backend->name ? backend->name : "", pool->name,
				 mr_addr_is_v4(address) ? "IPv6" : "IPv4");
		return;
	}
}

static void check_service(const struct config_service *service, const struct config_pool *pool,
			  const struct field_path *path, struct field_errors *errors)
{
	struct field_path list = {path, "addresses", 0};
	struct field_path second = {&list, NULL, 1};

	if (service->address_count > 1)
		field_errors_add(errors, &second,
				 "a service of nat pool \"%s\" has one address: the answers of its "
				 "backends would not tell which of several they are for",
				 pool->name);
	check_families(service, pool, path, errors);
}

/* Where answers to one service come from. */
struct source_use {
	struct mr_addr address;
	uint16_t port;
	uint32_t service;
	uint32_t port_index;
	const struct config_backend *backend;
};

static int compare_sources(const struct source_use *a, const struct source_use *b)
{
	const int by_address = mr_addr_compare(&a->address, &b->address);

	return by_address != 0 ? by_address : (int)a->port - (int)b->port;
}

static int compare_uses(const void *a, const void *b)
{
	const struct source_use *left = a, *right = b;
	const int by_source = compare_sources(left, right);

	if (by_source != 0)
		return by_source;
	return (left->service > right->service) - (left->service < right->service);
}

static uint64_t count_sources(const struct nat_services *nat)
{
	const struct config *config = nat->config;
	uint64_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++) {
		if (nat->pools[i])
			count += (uint64_t)nat->pools[i]->backend_count *
				 config->services[i].port_count;
	}
	return count;
}

static void collect_sources(const struct nat_services *nat, struct source_use *out)
{
	for (uint32_t s = 0; s < nat->config->service_count; s++) {
		const struct config_service *service = &nat->config->services[s];

		for (uint32_t b = 0; nat->pools[s] && b < nat->pools[s]->backend_count; b++) {
			const struct config_backend *backend = &nat->pools[s]->backends[b];

			for (uint32_t p = 0; p < service->port_count; p++)
				*out++ = (struct source_use){backend->address, service->ports[p], s,
							     p, backend};
		}
	}
}

static void refuse_shared(const struct config *config, const struct source_use *first,
			  const struct source_use *second, struct field_errors *errors)
{
	struct field_path service = {&services_path, NULL, second->service};
	struct field_path ports = {&service, "ports", 0};
	struct field_path port = {&ports, NULL, second->port_index};
	const char *name = config->services[first->service].name;
	char text[MR_ADDR_TEXT_MAX];

	address_format(&second->address, text);
	field_errors_add(errors, &port,
			 "nat: answers of backend \"%s\" (%s) from port %u already belong to "
			 "service \"%s\" (/services/%" PRIu32 ")",
			 second->backend->name ? second->backend->name : "", text, second->port,
			 name ? name : "", first->service);
}

/* One error for each service is enough: two on one pool clash at every backend. */
static bool check_shared(const struct nat_services *nat, uint64_t count,
			 struct field_errors *errors)
{
	struct source_use *uses = calloc(count + 1, sizeof(*uses));
	bool *told = calloc(nat->config->service_count + 1, sizeof(*told));
	const bool fine = uses && told;

	if (fine) {
		collect_sources(nat, uses);
		qsort(uses, count, sizeof(*uses), compare_uses);
	}
	for (uint64_t i = 1; fine && i < count; i++) {
		if (uses[i].port == 0 || !address_is_host(&uses[i].address) ||
		    uses[i].service == uses[i - 1].service || told[uses[i].service] ||
		    compare_sources(&uses[i - 1], &uses[i]) != 0)
			continue;
		refuse_shared(nat->config, &uses[i - 1], &uses[i], errors);
		told[uses[i].service] = true;
	}
	free(told);
	free(uses);
	return fine;
}

bool config_check_nat(const struct config *config, struct field_errors *errors)
{
	struct nat_services nat;
	uint64_t count;
	bool fine = true;

	if (!nat_services_init(config, &nat))
		return false;
	for (uint32_t i = 0; i < config->service_count; i++) {
		if (nat.pools[i])
			check_service(&config->services[i], nat.pools[i],
				      &(struct field_path){&services_path, NULL, i}, errors);
	}
	count = count_sources(&nat);
	if (count > MR_NAT_SOURCES_MAX)
		field_errors_add(errors, &services_path,
				 "%" PRIu64 " pairs of backend and port of nat pools in all; at "
				 "most %d",
				 count, MR_NAT_SOURCES_MAX);
	else
		fine = check_shared(&nat, count, errors);
	free(nat.pools);
	return fine;
}
