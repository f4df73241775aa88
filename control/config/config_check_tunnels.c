/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_check_parts.h"

#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "config_tables.h"

/* Enough to spread sessions over any number of receive queues. */
#define SOURCE_BITS_MAX 16

static const struct field_path pools_path = {.key = "pools"};

struct static_hops {
	struct mr_addr *addresses; /* of all static neighbours, sorted */
	uint32_t count;
};

static bool static_hops_init(const struct config *config, struct static_hops *hops)
{
	size_t count = 0;

	for (uint32_t i = 0; i < config->port_count; i++)
		count += config->ports[i].neighbour_count;
	*hops = (struct static_hops){.addresses = calloc(count + 1, sizeof(*hops->addresses))};
	if (!hops->addresses)
		return false;
	for (uint32_t i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		for (uint32_t j = 0; j < port->neighbour_count; j++)
			hops->addresses[hops->count++] = port->neighbours[j].address;
	}
	qsort(hops->addresses, hops->count, sizeof(*hops->addresses), mr_addr_order);
	return true;
}

static const char *family_of(const struct mr_addr *address)
{
	return mr_addr_is_v4(address) ? "IPv4" : "IPv6";
}

static const char *name_of(const struct config_backend *backend)
{
	return backend->name ? backend->name : "";
}

/* The kernel is not asked about a static next hop, hence not where to send from either. */
static void check_default_source(const struct config_pool *pool, const struct static_hops *hops,
				 const struct field_path *path, struct field_errors *errors)
{
	for (uint32_t i = 0; i < pool->backend_count; i++) {
		const struct config_backend *backend = &pool->backends[i];

		if (!bsearch(&backend->address, hops->addresses, hops->count,
			     sizeof(*hops->addresses), mr_addr_order))
			continue;
		field_errors_add(errors, path,
				 "missing, which the static next hop of backend \"%s\" calls for",
				 name_of(backend));
		return;
	}
}

static void check_source_form(const struct mr_prefix *source, const struct field_path *path,
			      struct field_errors *errors)
{
	char text[MR_ADDR_TEXT_MAX];

	prefix_format(source, text);
	if (!address_is_host(&source->addr))
		field_errors_add(errors, path, "\"%s\" is not the address of a host", text);
	else if (128 - source->length > SOURCE_BITS_MAX)
		field_errors_add(
			errors, path,
			"\"%s\" leaves %d bits to vary; at most %d allowed (/%d or longer)", text,
			128 - source->length, SOURCE_BITS_MAX,
			mr_addr_is_v4(&source->addr) ? 32 - SOURCE_BITS_MAX
						     : 128 - SOURCE_BITS_MAX);
}

static bool prefix_has(const struct mr_prefix *prefix, const struct mr_addr *address)
{
	const uint8_t bytes = prefix->length / 8, bits = prefix->length % 8;

	if (memcmp(prefix->addr.bytes, address->bytes, bytes) != 0)
		return false;
	return bits == 0 || (prefix->addr.bytes[bytes] ^ address->bytes[bytes]) >> (8 - bits) == 0;
}

/* A host drops what seems to come from itself. */
static void refuse_own_address(const struct mr_addr *address, const char *whose, const char *name,
			       const struct field_path *path, struct field_errors *errors)
{
	char text[MR_ADDR_TEXT_MAX];

	address_format(address, text);
	field_errors_add(errors, path,
			 "includes %s, the address of %s \"%s\": a server drops packets that seem "
			 "to come from itself",
			 text, whose, name);
}

static void check_source_backends(const struct config_pool *pool, const struct field_path *path,
				  struct field_errors *errors)
{
	const struct mr_prefix *source = &pool->tunnel.source;

	for (uint32_t i = 0; i < pool->backend_count; i++) {
		const struct config_backend *backend = &pool->backends[i];

		if (!address_is_host(&backend->address))
			continue;
		if (mr_addr_is_v4(&backend->address) != mr_addr_is_v4(&source->addr)) {
			field_errors_add(errors, path,
					 "is %s, but backend \"%s\" has an %s address",
					 family_of(&source->addr), name_of(backend),
					 family_of(&backend->address));
			return;
		}
		if (prefix_has(source, &backend->address)) {
			refuse_own_address(&backend->address, "backend", name_of(backend), path,
					   errors);
			return;
		}
	}
}

static void check_source_services(const struct config *config, const struct config_pool *pool,
				  const struct field_path *path, struct field_errors *errors)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		if (!service->pool || !pool->name || strcmp(service->pool, pool->name) != 0)
			continue;
		for (uint32_t a = 0; a < service->address_count; a++) {
			if (!prefix_has(&pool->tunnel.source, &service->addresses[a]))
				continue;
			refuse_own_address(&service->addresses[a], "service",
					   service->name ? service->name : "", path, errors);
			return;
		}
	}
}

static void check_tunnel(const struct config *config, const struct config_pool *pool,
			 const struct static_hops *hops, const struct field_path *path,
			 struct field_errors *errors)
{
	const bool is_tunnel =
		pool->forwarding == MR_FORWARDING_IPIP || pool->forwarding == MR_FORWARDING_GUE;
	const char *mode = config_forwardings[pool->forwarding];
	struct field_path tunnel = {path, "tunnel", 0};
	struct field_path source = {&tunnel, "source", 0};
	struct field_path port = {&tunnel, "port", 0};

	if (pool->tunnel.source_given && !is_tunnel)
		field_errors_add(errors, &source, "%s has no outer headers", mode);
	if (pool->tunnel.port_given && pool->forwarding != MR_FORWARDING_GUE)
		field_errors_add(errors, &port, "%s has no UDP port", mode);
	if (!is_tunnel)
		return;
	if (!pool->tunnel.source_given) {
		check_default_source(pool, hops, &source, errors);
		return;
	}
	check_source_form(&pool->tunnel.source, &source, errors);
	check_source_backends(pool, &source, errors);
	check_source_services(config, pool, &source, errors);
}

bool config_check_tunnels(const struct config *config, struct field_errors *errors)
{
	struct static_hops hops;

	if (!static_hops_init(config, &hops))
		return false;
	for (uint32_t i = 0; i < config->pool_count; i++)
		check_tunnel(config, &config->pools[i], &hops,
			     &(struct field_path){&pools_path, NULL, i}, errors);
	free(hops.addresses);
	return true;
}
