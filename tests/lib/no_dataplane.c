/* SPDX-License-Identifier: BSD-3-Clause */
#include "no_dataplane.h"

struct mr_dataplane *no_dataplane_handle(struct no_dataplane *dataplane)
{
	return (struct mr_dataplane *)dataplane;
}

static const struct no_dataplane *no_dataplane_of(const struct mr_dataplane *dp)
{
	return (const struct no_dataplane *)dp;
}

uint32_t mr_dataplane_worker_count(const struct mr_dataplane *dp)
{
	(void)dp;
	return 1;
}

const struct mr_worker_counters *mr_dataplane_counters(const struct mr_dataplane *dp,
						       uint32_t worker)
{
	(void)worker;
	return &no_dataplane_of(dp)->counters;
}

uint32_t mr_dataplane_clock_s(const struct mr_dataplane *dp)
{
	return no_dataplane_of(dp)->now_s;
}
