/* SPDX-License-Identifier: BSD-3-Clause */
#include "load.h"

#include <stdlib.h>

#include "clock.h"

struct note {
	uint64_t time_ms;
	uint64_t cycles, busy_cycles, busy_rounds, packets;
};

/* The notes at the ends of LOAD_SECONDS seconds. */
#define NOTES (LOAD_SECONDS + 1)

struct load {
	const struct mr_dataplane *dp;
	struct event *timer;
	uint32_t latest; /* index of the last notes */
	uint32_t count;	 /* of them, NOTES at most */
	uint32_t worker_count;
	struct note notes[][NOTES]; /* by worker */
};

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	load_step(context, clock_monotonic_ms());
}

struct load *load_create(struct event_base *base, const struct mr_dataplane *dp)
{
	static const struct timeval second = {.tv_sec = 1};
	const uint32_t workers = mr_dataplane_worker_count(dp);
	struct load *load = calloc(1, sizeof(*load) + workers * sizeof(load->notes[0]));

	if (load == NULL)
		return NULL;
	load->dp = dp;
	load->worker_count = workers;
	load->timer = event_new(base, -1, EV_PERSIST, on_timer, load);
	if (load->timer == NULL || event_add(load->timer, &second) < 0) {
		load_destroy(load);
		return NULL;
	}
	load_step(load, clock_monotonic_ms());
	return load;
}

void load_destroy(struct load *load)
{
	if (load == NULL)
		return;
	if (load->timer != NULL)
		event_free(load->timer);
	free(load);
}

void load_step(struct load *load, uint64_t now_ms)
{
	load->latest = (load->latest + 1) % NOTES;
	if (load->count < NOTES)
		load->count++;
	for (uint32_t i = 0; i < load->worker_count; i++) {
		const struct mr_worker_counters *counters = mr_dataplane_counters(load->dp, i);

		load->notes[i][load->latest] = (struct note){
			.time_ms = now_ms,
			.cycles = MR_COUNTER_READ(counters->cycles),
			.busy_cycles = MR_COUNTER_READ(counters->busy_cycles),
			.busy_rounds = MR_COUNTER_READ(counters->busy_rounds),
			.packets = MR_COUNTER_READ(counters->rx_packets),
		};
	}
}

static uint64_t share(uint64_t part, uint64_t factor, uint64_t whole)
{
	return whole > 0 ? (uint64_t)((unsigned __int128)part * factor / whole) : 0;
}

struct load_figures load_get(const struct load *load, uint32_t worker, uint32_t seconds)
{
	const uint32_t back = seconds < load->count ? seconds : load->count - 1;
	const struct note *to = &load->notes[worker][load->latest];
	const struct note *from = &load->notes[worker][(load->latest + NOTES - back) % NOTES];
	const uint64_t packets = to->packets - from->packets;
	const uint64_t busy_cycles = to->busy_cycles - from->busy_cycles;

	if (to->time_ms == from->time_ms)
		return (struct load_figures){.known = false};
	return (struct load_figures){
		.known = true,
		.busy_permille = (uint32_t)share(busy_cycles, 1000, to->cycles - from->cycles),
		.packets_per_s = share(packets, 1000, to->time_ms - from->time_ms),
		.packet_cycles = share(busy_cycles, 1, packets),
		.packets_per_100_rounds = share(packets, 100, to->busy_rounds - from->busy_rounds),
	};
}
