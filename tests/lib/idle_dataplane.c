/* SPDX-License-Identifier: BSD-3-Clause */
#include "idle_dataplane.h"

#include <sched.h>
#include <unistd.h>

#include "netns.h"

#define PINS 1024

static void enter_own_netns(void)
{
	const int netns = netns_make();

	netns_enter(netns);
	close(netns);
}

static uint16_t last_allowed_core(void)
{
	uint16_t last = 0;
	cpu_set_t allowed;

	netns_check(sched_getaffinity(0, sizeof(allowed), &allowed), "sched_getaffinity");
	for (uint16_t core = 0; core < CPU_SETSIZE; core++) {
		if (CPU_ISSET(core, &allowed))
			last = core;
	}
	return last;
}

void idle_dataplane_init(struct idle_dataplane *idle, const char *port_name)
{
	const struct mr_port_config port = {
		.name = port_name, .device = "net_null0", .kind = MR_DEVICE_VDEV};
	struct mr_dataplane_config config = {
		.ports = &port,
		.port_count = 1,
		.cores = &idle->core,
		.worker_count = 1,
	};
	struct mr_error error = {""};

	enter_own_netns();
	idle->core = last_allowed_core();
	idle->pins = mr_pin_table_create(PINS);
	idle->base = event_base_new();
	config.pins = idle->pins;
	netns_check(mr_dataplane_create(&config, NULL, &idle->dp, &error), error.text);
}

void idle_dataplane_fini(struct idle_dataplane *idle)
{
	mr_dataplane_destroy(idle->dp);
	mr_pin_table_destroy(idle->pins);
	event_base_free(idle->base);
}
