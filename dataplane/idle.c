/* SPDX-License-Identifier: BSD-3-Clause */
#include "idle.h"

#include <sys/prctl.h>
#include <time.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include <mailrail/limits.h>

/* What a sleep costs on bare metal: packets that come sooner are met awake. */
#define PATIENCE_US 5

/* Share of the latest sleep in the mean. */
#define LATE_WEIGHT 8

#define SLEEP_MAX_NS (MR_WORKER_SLEEP_US * UINT32_C(1000))

void idle_begin(struct idle *idle, enum mr_poll poll, uint64_t hz)
{
	*idle = (struct idle){
		.may_sleep = poll == MR_POLL_ADAPTIVE,
		.hz = hz,
		.patience = hz * PATIENCE_US / US_PER_S,
		.since = rte_rdtsc(),
	};
	/* Otherwise it may be 50 microseconds late, to be woken together with others. */
	if (idle->may_sleep)
		prctl(PR_SET_TIMERSLACK, 1UL);
}

uint32_t idle_sleep_ns(const struct idle *idle)
{
	return RTE_MAX(SLEEP_MAX_NS - idle->late_ns, (uint32_t)IDLE_SLEEP_MIN_NS);
}

/* Another thread that had the core for milliseconds says little about the next time. */
void idle_learn(struct idle *idle, uint32_t asked_ns, uint64_t slept_ns)
{
	const uint64_t late_ns = slept_ns > asked_ns ? slept_ns - asked_ns : 0;
	const uint32_t bounded_ns = (uint32_t)RTE_MIN(late_ns, (uint64_t)SLEEP_MAX_NS);

	idle->late_ns = (idle->late_ns * (LATE_WEIGHT - 1) + bounded_ns) / LATE_WEIGHT;
}

void idle_sleep(struct idle *idle)
{
	const uint32_t asked_ns = idle_sleep_ns(idle);
	const struct timespec asked = {.tv_nsec = asked_ns};
	const uint64_t began = rte_rdtsc();

	clock_nanosleep(CLOCK_MONOTONIC, 0, &asked, NULL);
	idle_learn(idle, asked_ns, (rte_rdtsc() - began) * NS_PER_S / idle->hz);
}
