/* SPDX-License-Identifier: BSD-3-Clause */
#include "poll_measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "path_world.h"
#include "stamp.h"

#define IN_PORT 0

/* Between two arrivals that are to find an idle worker; at random, so that it is anywhere in it. */
#define PAUSE_MIN_US 200
#define PAUSE_MAX_US 400

/* How long packets keep coming once they do, and how long a rate must hold to be the full one. */
#define RUN_US	  1000
#define HELD_US	  20
#define FULL_RATE 0.8

#define LOST_AFTER_S 2

struct departure {
	uint64_t at; /* cycles after the first arrival */
	uint32_t packets;
};

/* The sender looks at every burst that leaves: no more often than each 50 ns. */
#define DEPARTURES_MAX (RUN_US * 20)

struct run {
	struct departure departures[DEPARTURES_MAX];
	uint32_t count;
};

int poll_measure_init(struct poll_measure *measure, struct rig *rig, struct path_traffic *traffic)
{
	*measure = (struct poll_measure){
		.rig = rig,
		.traffic = traffic,
		.mbuf_count = POLL_MBUFS,
	};
	return rte_pktmbuf_alloc_bulk(rig->mbufs, measure->mbufs, POLL_MBUFS);
}

void poll_measure_fini(struct poll_measure *measure)
{
	rte_pktmbuf_free_bulk(measure->mbufs, measure->mbuf_count);
}

static uint64_t us_to_cycles(uint64_t us)
{
	return us * rte_get_tsc_hz() / US_PER_S;
}

static double cycles_to_us(double cycles)
{
	return cycles * US_PER_S / (double)rte_get_tsc_hz();
}

/* Up to @max packets; returns how many there was room for. */
static uint32_t offer(struct poll_measure *measure, uint32_t max)
{
	const uint32_t wanted = RTE_MIN(max, measure->mbuf_count);
	struct rte_mbuf **mbufs = &measure->mbufs[measure->mbuf_count - wanted];
	uint32_t sent;

	path_traffic_write(measure->traffic, mbufs, wanted);
	sent = rte_ring_enqueue_burst(measure->rig->in[IN_PORT], (void **)mbufs, wanted, NULL);
	memmove(mbufs, &mbufs[sent], (wanted - sent) * sizeof(mbufs[0]));
	measure->mbuf_count -= sent;
	return sent;
}

static uint32_t collect(struct poll_measure *measure)
{
	const uint32_t count = rte_ring_dequeue_burst(
		measure->rig->out[PATH_TX_PORT], (void **)&measure->mbufs[measure->mbuf_count],
		RTE_MIN((uint32_t)BURST_SIZE, POLL_MBUFS - measure->mbuf_count), NULL);

	measure->mbuf_count += count;
	return count;
}

/* False: they do not all come back. */
static bool collect_all(struct poll_measure *measure)
{
	const uint64_t deadline = rte_rdtsc() + LOST_AFTER_S * rte_get_tsc_hz();

	while (measure->mbuf_count < POLL_MBUFS) {
		if (rte_rdtsc() > deadline) {
			fputs("poll: a packet got lost\n", stderr);
			return false;
		}
		collect(measure);
		rte_pause();
	}
	return true;
}

static void pause_at_random(void)
{
	const uint64_t us = PAUSE_MIN_US + (uint64_t)lrand48() % (PAUSE_MAX_US - PAUSE_MIN_US);
	const uint64_t until = rte_rdtsc() + us_to_cycles(us);

	while (rte_rdtsc() < until)
		rte_pause();
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. */
static json_t *spread_to_json(double *values, uint32_t count)
{
	qsort(values, count, sizeof(values[0]), compare);
	return json_pack("{s:i s:f s:f s:f s:f}", "count", (int)count, "p50", values[count / 2],
			 "p90", values[count - 1 - count / 10], "p99",
			 values[count - 1 - count / 100], "max", values[count - 1]);
}

/* The kernel's account of the worker's thread. */
static double cpu_seconds(const struct rig *rig)
{
	struct timespec time = {0};
	clockid_t clock;

	if (pthread_getcpuclockid(rig->thread, &clock) == 0)
		clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / NS_PER_S;
}

static void measure_idle(const struct rig *rig, unsigned int ms, json_t *out)
{
	const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
	const uint64_t sleeps = MR_COUNTER_READ(rig->worker.counters->sleeps);
	const uint64_t began = rte_rdtsc();
	const double cpu_before = cpu_seconds(rig);
	double seconds;

	nanosleep(&pause, NULL);
	seconds = cycles_to_us((double)(rte_rdtsc() - began)) / US_PER_S;
	json_object_set_new(out, "idle_cpu", json_real((cpu_seconds(rig) - cpu_before) / seconds));
	json_object_set_new(
		out, "idle_sleeps_per_s",
		json_real((double)(MR_COUNTER_READ(rig->worker.counters->sleeps) - sleeps) /
			  seconds));
}

/* From a packet's arrival at an idle worker to its departure. */
static bool measure_wake_ups(struct poll_measure *measure, uint32_t count, json_t *out)
{
	double *us = calloc(count, sizeof(*us));
	bool is_well = us != NULL;

	for (uint32_t i = 0; is_well && i < count; i++) {
		uint64_t arrived;

		pause_at_random();
		arrived = stamp();
		offer(measure, 1);
		is_well = collect_all(measure);
		us[i] = cycles_to_us((double)(stamp() - arrived));
	}
	if (is_well)
		json_object_set_new(out, "wake_us", spread_to_json(us, count));
	free(us);
	return is_well;
}

/* As many packets as the rings take, for RUN_US. */
static void send_for_a_while(struct poll_measure *measure, struct run *run)
{
	const uint64_t began = rte_rdtsc(), cycles = us_to_cycles(RUN_US);
	uint64_t now = 0;

	run->count = 0;
	while (now < cycles && run->count < DEPARTURES_MAX) {
		const uint32_t packets = collect(measure);

		now = rte_rdtsc() - began;
		if (packets > 0)
			run->departures[run->count++] = (struct departure){now, packets};
		offer(measure, BURST_SIZE);
	}
}

/* Packets per cycle in the second half. */
static double steady_rate(const struct run *run)
{
	const uint64_t half = us_to_cycles(RUN_US) / 2;
	uint64_t packets = 0;

	for (uint32_t i = 0; i < run->count; i++)
		packets += run->departures[i].at >= half ? run->departures[i].packets : 0;
	return (double)packets / (double)half;
}

/* When packets began to leave at FULL_RATE of @rate, for HELD_US at least; cycles. */
static uint64_t full_since(const struct run *run, double rate)
{
	const uint64_t held = us_to_cycles(HELD_US);
	uint64_t packets = 0;
	uint32_t end = 0;

	for (uint32_t i = 0; i < run->count; i++) {
		while (end < run->count && run->departures[end].at < run->departures[i].at + held)
			packets += run->departures[end++].packets;
		if ((double)packets >= FULL_RATE * rate * (double)held)
			return run->departures[i].at;
		packets -= run->departures[i].packets;
	}
	return us_to_cycles(RUN_US);
}

/* From the first packet's arrival at an idle worker until it is as fast as it gets. */
static bool measure_starts(struct poll_measure *measure, uint32_t count, json_t *out)
{
	struct run *run = malloc(sizeof(*run));
	double *us = calloc(count, sizeof(*us)), *mpps = calloc(count, sizeof(*mpps));
	bool is_well = run != NULL && us != NULL && mpps != NULL;

	for (uint32_t i = 0; is_well && i < count; i++) {
		double rate;

		pause_at_random();
		send_for_a_while(measure, run);
		rate = steady_rate(run);
		mpps[i] = rate * (double)rte_get_tsc_hz() / 1e6;
		us[i] = cycles_to_us((double)full_since(run, rate));
		is_well = collect_all(measure);
	}
	if (is_well) {
		json_object_set_new(out, "full_rate_us", spread_to_json(us, count));
		json_object_set_new(out, "rate_mpps", spread_to_json(mpps, count));
	}
	free(mpps);
	free(us);
	free(run);
	return is_well;
}

static bool start_on(struct rig *rig, unsigned int core)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(core, &cpus);
	if (rig_start(rig) == 0) {
		if (pthread_setaffinity_np(rig->thread, sizeof(cpus), &cpus) == 0)
			return true;
		rig_stop(rig);
	}
	fprintf(stderr, "poll: no worker can run on core %u\n", core);
	return false;
}

json_t *poll_measure_run(struct poll_measure *measure, enum mr_poll poll, unsigned int core,
			 const struct poll_extent *extent)
{
	json_t *out = json_object();
	bool is_well;

	measure->rig->worker.poll = poll;
	if (!start_on(measure->rig, core)) {
		json_decref(out);
		return NULL;
	}
	measure_idle(measure->rig, extent->idle_ms, out);
	is_well = measure_wake_ups(measure, extent->wake_ups, out) &&
		  measure_starts(measure, extent->starts, out);
	rig_stop(measure->rig);
	if (is_well)
		return out;
	json_decref(out);
	return NULL;
}
