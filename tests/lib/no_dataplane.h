/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control thread asks a dataplane for, where there is none: dataplane.c's functions,
 * answered from what a test has put down. For fleets: no_dataplane_handle() is their roster's dp.
 */
#ifndef MAILRAIL_TESTS_NO_DATAPLANE_H
#define MAILRAIL_TESTS_NO_DATAPLANE_H

#include <stdint.h>

#include <mailrail/dataplane.h>

struct no_dataplane {
	uint32_t now_s;			    /* of its clock */
	struct mr_worker_counters counters; /* of its one worker */
};

/* Good for mr_dataplane_worker_count(), _counters() and _clock_s(). */
struct mr_dataplane *no_dataplane_handle(struct no_dataplane *dataplane);

#endif
