/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is mailrail's on all kernel ports at once: their programs' maps change together, and the
 * guards take their places when the maps are full for the first time. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_STEER_H
#define MAILRAIL_DATAPLANE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/dataplane.h>
#include <mailrail/error.h>

#include "kernel_side.h"
#include "port.h"
#include "steering.h"

/* Zeroed but for what it borrows: nothing is steered yet. */
struct steer {
	mr_log_fn *log;
	struct port *ports;
	uint32_t port_count;
	const struct kernel_side *kernel_side;

	struct steering_keys keys; /* in the maps of all ports */
	bool has_begun;		   /* guards are in place, as far as they can be */
	bool holds;		   /* they stay there */
	/* What was told once. */
	bool settings_seen_v4;
	bool settings_seen_v6;
	bool width_told;
};

/* See mr_dataplane_steer(), mr_dataplane_hold_sessions(). */
int steer_set(struct steer *steer, const struct mr_steering *wanted, struct mr_error *error);
void steer_hold(struct steer *steer);

/* Frees what @steer holds; the programs are their ports'. */
void steer_fini(struct steer *steer);

#endif
