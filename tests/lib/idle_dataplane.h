/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real dataplane whose one port leads nowhere, and what a balancer wants beside it. Only root
 * can have one; failures end the program.
 */
#ifndef MAILRAIL_TESTS_IDLE_DATAPLANE_H
#define MAILRAIL_TESTS_IDLE_DATAPLANE_H

#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>
#include <mailrail/pins.h>

struct idle_dataplane {
	struct mr_dataplane *dp;
	struct mr_pin_table *pins; /* the dataplane's */
	struct event_base *base;
	uint16_t core; /* of its one worker: configurations must name the same */
};

/*
 * Takes the calling thread into a network namespace of its own, for the prober's interface.
 * @idle stays where it is. Once per process, as EAL.
 */
void idle_dataplane_init(struct idle_dataplane *idle, const char *port_name);
void idle_dataplane_fini(struct idle_dataplane *idle);

#endif
