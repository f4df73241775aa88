/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_NODE

#include "alarms.h"

#include <inttypes.h>
#include <stdlib.h>

#include "log.h"

/* By id, which another service may get once its holder is gone. */
struct service_state {
	uint32_t look; /* the last one in which it was there */
	bool unhealthy;
};

struct alarms {
	struct events *events;
	uint32_t look;
	struct service_state services[MR_SERVICES_MAX];
	bool has_backends[MR_POOLS_MAX]; /* of the look under way */
	bool pins_scarce;
	bool port_down[MR_PORTS_MAX];
};

struct alarms *alarms_create(struct events *events)
{
	struct alarms *alarms = calloc(1, sizeof(*alarms));

	if (alarms != NULL)
		alarms->events = events;
	return alarms;
}

void alarms_destroy(struct alarms *alarms)
{
	free(alarms);
}

static bool pool_has_backends(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (member_is_eligible(&pool->members[i]))
			return true;
	}
	return false;
}

static void tell_service(const struct alarms *alarms, const char *service, const char *pool,
			 bool unhealthy)
{
	if (unhealthy)
		log_write(LOG_ERR, "service %s: pool %s has no backend for new sessions", service,
			  pool);
	else
		log_write(LOG_NOTICE, "service %s: pool %s has backends for new sessions again",
			  service, pool);
	events_emit(alarms->events, unhealthy ? EVENT_SERVICE_UNHEALTHY : EVENT_SERVICE_HEALTHY,
		    json_pack("{s:s, s:s}", "service", service, "pool", pool));
}

void alarms_look_at_services(struct alarms *alarms, const struct fleet *fleet)
{
	const uint32_t last_look = alarms->look++;

	for (uint32_t i = 0; i < fleet->pool_count; i++)
		alarms->has_backends[i] = pool_has_backends(&fleet->pools[i]);
	for (uint32_t i = 0; i < fleet->config->service_count; i++) {
		struct service_state *state = &alarms->services[fleet->service_ids[i]];
		const uint32_t pool = fleet->service_pools[i];
		const bool unhealthy = !alarms->has_backends[pool];
		const bool was_unhealthy = state->look == last_look && state->unhealthy;

		state->look = alarms->look;
		state->unhealthy = unhealthy;
		if (unhealthy != was_unhealthy)
			tell_service(alarms, fleet->config->services[i].name,
				     fleet->pools[pool].name, unhealthy);
	}
}

void alarms_look_at_pins(struct alarms *alarms, uint32_t count, uint32_t budget)
{
	const uint64_t share = (uint64_t)count * 100;
	const bool scarce =
		share >= (uint64_t)budget * (alarms->pins_scarce ? ALARMS_AMPLE_PERCENT
								 : ALARMS_SCARCE_PERCENT);

	if (scarce == alarms->pins_scarce)
		return;
	alarms->pins_scarce = scarce;
	if (scarce)
		log_write(LOG_WARNING,
			  "pins: %" PRIu32 " of %" PRIu32 " are used: beyond them, sessions may "
			  "move at the next change; raise /sessions/pins",
			  count, budget);
	else
		log_write(LOG_NOTICE, "pins: %" PRIu32 " of %" PRIu32 " are used, enough are free",
			  count, budget);
	events_emit(
		alarms->events, scarce ? EVENT_PINS_SCARCE : EVENT_PINS_AMPLE,
		json_pack("{s:I, s:I}", "pins", (json_int_t)count, "budget", (json_int_t)budget));
}

void alarms_look_at_port(struct alarms *alarms, uint32_t port, const char *name, bool link_up)
{
	if (alarms->port_down[port] == !link_up)
		return;
	alarms->port_down[port] = !link_up;
	log_write_about(LOG_TOPIC_PORTS, NULL, link_up ? LOG_NOTICE : LOG_ERR,
			"port %s: link is %s", name, link_up ? "up" : "down");
	events_emit(alarms->events, link_up ? EVENT_PORT_UP : EVENT_PORT_DOWN,
		    json_pack("{s:s}", "port", name));
}

void alarms_look_at_dataplane(struct alarms *alarms, struct mr_dataplane *dp,
			      const struct config *config)
{
	const struct mr_pin_table *pins = mr_dataplane_pins(dp);
	struct mr_port_info info;

	alarms_look_at_pins(alarms, mr_pin_table_count(pins), mr_pin_table_budget(pins));
	for (uint32_t i = 0; i < config->port_count; i++) {
		if (mr_dataplane_port_info(dp, i, &info) == 0)
			alarms_look_at_port(alarms, i, config->ports[i].name, info.link_up);
	}
}
