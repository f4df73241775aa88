/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "field_errors.h"

#define TCP_OPTIONS_MAX 20 /* those that wire.c writes */
/* With two VLAN tags. */
#define HEADERS_MAX                                                                       \
	(sizeof(struct rte_ether_hdr) + 2 * RTE_VLAN_HLEN + sizeof(struct rte_ipv6_hdr) + \
	 sizeof(struct rte_tcp_hdr) + TCP_OPTIONS_MAX)

json_t *setup_read(const struct pktgen_options *options)
{
	struct field_errors errors = {0};
	json_t *json = profile_read(options->profile, &errors);

	if (json_is_object(json))
		json_object_update(json, options->overrides);
	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	return json;
}

static bool decode(const json_t *json, const char *source, struct profile *out)
{
	struct field_errors errors = {0};
	const bool ok = profile_decode(json, out, &errors);

	errors.source = strdup(source);
	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	return ok;
}

struct setup *setup_create(const json_t *json, const struct pktgen_options *options,
			   const struct rte_ether_addr *from)
{
	const double rate = options->pace == PACE_SESSIONS ? options->rate : 0;
	struct setup *setup = calloc(1, sizeof(*setup));
	struct wire_config wire;

	if (!setup)
		return NULL;
	if (!decode(json, options->profile, &setup->profile))
		goto err_free_profile;
	if (setup->profile.has_flood && options->pace == PACE_SESSIONS) {
		fprintf(stderr, "mailrail-pktgen: a flood begins no sessions: use "
				"--packets-per-second\n");
		goto err_free_profile;
	}
	if (traffic_plan_create(&setup->plan, &setup->profile, options->seed, options->open_max,
				rate) < 0) {
		fprintf(stderr, "mailrail-pktgen: no memory for the profile\n");
		goto err_free_profile;
	}
	wire = (struct wire_config){
		.to = options->to,
		.from = *from,
		.vlan = setup->profile.vlan,
		.vlan_count = setup->profile.vlan_count,
		.timestamps = setup->profile.timestamps,
	};
	wire_init(&setup->wire, &wire);
	return setup;

err_free_profile:
	profile_fini(&setup->profile);
	free(setup);
	return NULL;
}

void setup_destroy(struct setup *setup)
{
	traffic_plan_destroy(&setup->plan);
	profile_fini(&setup->profile);
	free(setup);
}

static uint32_t payload_max(const struct profile_steps *steps, uint32_t max)
{
	for (uint32_t i = 0; i < steps->count; i++)
		max = RTE_MAX(max, steps->list[i].payload_bytes);
	return max;
}

uint16_t setup_frame_bytes_max(const struct setup *setup)
{
	const struct profile *profile = &setup->profile;
	uint32_t max = 0;

	for (uint32_t i = 0; i < profile->kind_count; i++) {
		max = payload_max(&profile->kinds[i].open, max);
		max = payload_max(&profile->kinds[i].message, max);
		max = payload_max(&profile->kinds[i].close, max);
	}
	for (uint32_t i = 0; i < profile->flood.frame_count; i++)
		max = RTE_MAX(max, profile->flood.frames[i].bytes);
	return (uint16_t)(max + HEADERS_MAX);
}
