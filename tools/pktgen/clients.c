/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"

#include <errno.h>
#include <stdlib.h>

#include "random.h"

#define PORT_FIRST 1024
#define PORT_COUNT (65536 - PORT_FIRST)
#define PORT_STEP  40507 /* has no divisor in common with PORT_COUNT */

/* One random number for each thing that is drawn. */
enum purpose { FAMILY, CLIENT, SERVICE, PREFIX, HOST };

/* @root: random_mix() of whom the thing is drawn for. */
static uint64_t random_for(uint64_t root, enum purpose purpose)
{
	return random_mix(root + purpose);
}

/* Without a choice there is nothing to draw. */
static uint32_t pick(const struct draw *draw, uint64_t root, enum purpose purpose)
{
	return draw->count > 1 ? draw_pick(draw, random_for(root, purpose)) : 0;
}

static bool is_v6(const struct clients *clients, uint64_t root)
{
	if (clients->ipv6_limit == 0)
		return false;
	return random_for(root, FAMILY) >> 32 < clients->ipv6_limit;
}

static int fill_prefixes(struct clients_family *family, const struct profile *profile, bool v4)
{
	double *weights = calloc(profile->source_count, sizeof(*weights));
	uint32_t count = 0;
	int rc = -ENOMEM;

	family->prefixes = calloc(profile->source_count, sizeof(*family->prefixes));
	if (weights && family->prefixes) {
		for (uint32_t i = 0; i < profile->source_count; i++) {
			const struct profile_source *source = &profile->sources[i];

			if (mr_addr_is_v4(&source->prefix.addr) != v4)
				continue;
			family->prefixes[count] = source->prefix;
			weights[count++] = source->share;
		}
		rc = draw_create(&family->prefix_draw, weights, count);
	}
	free(weights);
	return rc;
}

static int fill_services(struct clients_family *family, const struct profile *profile, bool v4)
{
	double *weights = calloc(profile->service_count, sizeof(*weights));
	uint32_t count = 0;
	int rc = -ENOMEM;

	family->services = calloc(profile->service_count, sizeof(*family->services));
	if (weights && family->services) {
		for (uint32_t i = 0; i < profile->service_count; i++) {
			const struct profile_service *service = &profile->services[i];

			if (mr_addr_is_v4(&service->address) != v4)
				continue;
			family->services[count] = *service;
			weights[count++] = service->share;
		}
		rc = draw_create(&family->service_draw, weights, count);
	}
	free(weights);
	return rc;
}

int clients_create(struct clients *clients, const struct profile *profile, uint64_t seed)
{
	int rc = 0;

	*clients = (struct clients){
		.seed = random_mix(seed),
		.ipv6_limit = ((uint64_t)profile->ipv6_percent << 32) / 100,
		.count = profile->clients,
	};
	if (clients->count > 0)
		rc = draw_create_zipf(&clients->client_draw, clients->count,
				      profile->clients_zipf_percent / 100.0);
	for (uint32_t v6 = 0; v6 <= 1 && rc == 0; v6++) {
		if (profile->ipv6_percent == (v6 ? 0 : 100))
			continue; /* of this family none is needed, and there may be none */
		rc = fill_prefixes(&clients->families[v6], profile, v6 == 0);
		if (rc == 0)
			rc = fill_services(&clients->families[v6], profile, v6 == 0);
	}
	if (rc < 0)
		clients_destroy(clients);
	return rc;
}

void clients_destroy(struct clients *clients)
{
	draw_destroy(&clients->client_draw);
	for (uint32_t i = 0; i < 2; i++) {
		struct clients_family *family = &clients->families[i];

		draw_destroy(&family->prefix_draw);
		draw_destroy(&family->service_draw);
		free(family->prefixes);
		free(family->services);
		*family = (struct clients_family){0};
	}
}

/* The host's bits, from @random: of IPv6, the last 64 of them at most. */
static struct mr_addr address_in(const struct mr_prefix *prefix, uint64_t random)
{
	struct mr_addr addr = prefix->addr;
	const uint32_t host_bits = 128 - prefix->length;
	uint64_t low;

	memcpy(&low, &addr.bytes[8], sizeof(low));
	if (host_bits < 64)
		random &= (UINT64_C(1) << host_bits) - 1;
	low |= rte_cpu_to_be_64(random);
	memcpy(&addr.bytes[8], &low, sizeof(low));
	return addr;
}

static uint64_t root_of(const struct clients *clients, uint64_t serial)
{
	return random_mix(clients->seed ^ serial);
}

bool clients_is_v6(const struct clients *clients, uint64_t serial)
{
	return is_v6(clients, root_of(clients, serial));
}

void clients_tuple(const struct clients *clients, uint64_t serial, struct mr_tuple *out)
{
	const uint64_t root = root_of(clients, serial);
	const struct clients_family *family = &clients->families[is_v6(clients, root)];
	const struct profile_service *service =
		&family->services[pick(&family->service_draw, root, SERVICE)];
	const uint32_t port = PORT_FIRST + (uint32_t)(serial % PORT_COUNT * PORT_STEP % PORT_COUNT);
	uint64_t client = random_for(root, CLIENT);
	const struct mr_prefix *prefix;

	if (clients->count > 0)
		client = draw_pick(&clients->client_draw, client);
	client = random_mix(clients->seed ^ ~client);
	prefix = &family->prefixes[pick(&family->prefix_draw, client, PREFIX)];
	out->client = address_in(prefix, random_for(client, HOST));
	out->client_port = rte_cpu_to_be_16((uint16_t)port);
	out->service = service->address;
	out->service_port = rte_cpu_to_be_16(service->port);
}
