/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rte_ring.h>

#include "stamp.h"

/* Bursts between two stamps when all of the way is measured; they fit on the rig's rings. */
#define SECTION_BURSTS 4
static_assert(SECTION_BURSTS * BURST_SIZE < RIG_RING_SIZE, "a section fits on a ring");
static_assert(PATH_ROUND_PACKETS % (SECTION_BURSTS * BURST_SIZE) == 0, "rounds are of sections");

int path_measure_init(struct path_measure *measure, struct rig *rig, bool by_steps)
{
	*measure = (struct path_measure){.rig = rig, .by_steps = by_steps};
	if (rte_pktmbuf_alloc_bulk(rig->mbufs, measure->mbufs, PATH_ROUND_PACKETS) < 0)
		return -ENOMEM;
	measure->stamp_cycles = stamp_cost();
	return 0;
}

void path_measure_fini(struct path_measure *measure)
{
	rte_pktmbuf_free_bulk(measure->mbufs, PATH_ROUND_PACKETS);
}

/* Frames arrive, and are ours again when they have left. False: not all of them left. */
static void send_to(struct rig *rig, struct rte_mbuf **mbufs, uint32_t count)
{
	rte_ring_enqueue_bulk(rig->in[0], (void **)mbufs, count, NULL);
}

static bool take_from(struct rig *rig, struct rte_mbuf **mbufs, uint32_t count)
{
	return rte_ring_dequeue_bulk(rig->out[PATH_TX_PORT], (void **)mbufs, count, NULL) == count;
}

static inline void run_steps(const struct subject *subject, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		subject->steps[i].run(subject->self);
}

/* Each returns cycles of a whole round, or 0 when a packet was lost. */
static uint64_t round_of_path(struct path_measure *measure, const struct subject *subject)
{
	const uint32_t last = subject->step_count - 1;
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < PATH_ROUND_PACKETS; i += BURST_SIZE) {
		uint64_t begun;

		send_to(measure->rig, &measure->mbufs[i], BURST_SIZE);
		run_steps(subject, 0, 1);
		begun = stamp();
		run_steps(subject, 1, last);
		cycles += stamp() - begun - measure->stamp_cycles;
		run_steps(subject, last, last + 1);
		if (!take_from(measure->rig, &measure->mbufs[i], BURST_SIZE))
			return 0;
	}
	return cycles;
}

static uint64_t round_of_whole(struct path_measure *measure, const struct subject *subject)
{
	const uint32_t section = SECTION_BURSTS * BURST_SIZE;
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < PATH_ROUND_PACKETS; i += section) {
		uint64_t begun;

		send_to(measure->rig, &measure->mbufs[i], section);
		begun = stamp();
		for (uint32_t j = 0; j < SECTION_BURSTS; j++)
			run_steps(subject, 0, subject->step_count);
		cycles += stamp() - begun - measure->stamp_cycles;
		if (!take_from(measure->rig, &measure->mbufs[i], section))
			return 0;
	}
	return cycles;
}

/* @cycles: by step. */
static uint64_t round_of_steps(struct path_measure *measure, const struct subject *subject,
			       uint64_t cycles[SUBJECT_STEPS_MAX])
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < PATH_ROUND_PACKETS; i += BURST_SIZE) {
		send_to(measure->rig, &measure->mbufs[i], BURST_SIZE);
		for (uint32_t j = 0; j < subject->step_count; j++) {
			const uint64_t begun = stamp();
			uint64_t spent;

			subject->steps[j].run(subject->self);
			spent = stamp() - begun;
			cycles[j] += spent - RTE_MIN(spent, measure->stamp_cycles);
			all += spent;
		}
		if (!take_from(measure->rig, &measure->mbufs[i], BURST_SIZE))
			return 0;
	}
	return all;
}

/* What the worker has counted about pins. */
struct pins_counted {
	uint64_t adopted;
	uint64_t others;
};

static struct pins_counted count_pins(const struct mr_worker_counters *counters)
{
	return (struct pins_counted){
		.adopted = counters->pins_adopted,
		.others = counters->pins_created + counters->pins_refused +
			  counters->pins_deferred + counters->pins_evicted +
			  counters->pins_rehashed,
	};
}

/* Pins come from mailrail alone. */
static bool pins_are_as_meant(const struct path_site *site, const struct subject *subject,
			      struct pins_counted before, struct pins_counted after)
{
	const bool adopts = site->settings.slots == PATH_ADOPTED && subject == site->subjects;

	return after.others == before.others &&
	       after.adopted - before.adopted == (adopts ? PATH_ROUND_PACKETS : 0);
}

enum kind {
	KIND_PATH,
	KIND_WHOLE,
	KIND_STEPS,
	KIND_COUNT,
};

static void note(struct series *series, uint64_t cycles)
{
	series_add(series, (double)cycles / PATH_ROUND_PACKETS);
}

/* @figures: NULL, it does not count. */
static uint64_t run_kind(struct path_measure *measure, const struct subject *subject,
			 enum kind kind, struct path_figures *figures)
{
	uint64_t by_step[SUBJECT_STEPS_MAX] = {0};
	uint64_t cycles = 0;

	switch (kind) {
	case KIND_PATH:
		cycles = round_of_path(measure, subject);
		break;
	case KIND_WHOLE:
		cycles = round_of_whole(measure, subject);
		break;
	case KIND_STEPS:
		cycles = round_of_steps(measure, subject, by_step);
		break;
	case KIND_COUNT:
		break;
	}
	if (figures == NULL)
		return cycles;
	if (kind == KIND_PATH)
		note(&figures->path, cycles);
	if (kind == KIND_WHOLE)
		note(&figures->whole, cycles);
	for (uint32_t i = 0; kind == KIND_STEPS && i < subject->step_count; i++)
		note(&figures->steps[i], by_step[i]);
	return cycles;
}

static bool measure_round(struct path_measure *measure, struct path_site *site, uint32_t index,
			  enum kind kind, bool counts)
{
	struct worker *worker = &measure->rig->worker;
	const struct subject *subject = &site->subjects[index];
	const uint64_t before = subject->forwarded(subject->self);
	const struct pins_counted pins_before = count_pins(worker->counters);
	uint64_t cycles;

	if (site->settings.slots == PATH_REFRESHED)
		worker->now_s++;
	path_traffic_write(&site->traffic, measure->mbufs, PATH_ROUND_PACKETS);
	cycles = run_kind(measure, subject, kind, counts ? &site->figures[index] : NULL);
	if (cycles > 0 && subject->forwarded(subject->self) - before == PATH_ROUND_PACKETS &&
	    pins_are_as_meant(site, subject, pins_before, count_pins(worker->counters)))
		return true;
	fprintf(stderr, "bench: %s: %s forwarded %" PRIu64 " of %u packets, or not as it should\n",
		site->settings.name, subject->name, subject->forwarded(subject->self) - before,
		PATH_ROUND_PACKETS);
	return false;
}

/* All subjects in turn, so that what disturbs one of them disturbs the others as well. */
static bool measure_rounds(struct path_measure *measure, struct path_site *site, uint32_t rounds,
			   bool counts)
{
	for (uint32_t i = 0; i < rounds * KIND_COUNT * site->subject_count; i++) {
		const enum kind kind = i / site->subject_count % KIND_COUNT;

		if (kind == KIND_STEPS && !measure->by_steps)
			continue;
		if (!measure_round(measure, site, i % site->subject_count, kind, counts))
			return false;
	}
	return true;
}

bool path_measure_visit(struct path_measure *measure, struct path_site *site, uint32_t warm_up,
			uint32_t rounds)
{
	struct worker *worker = &measure->rig->worker;
	struct mr_pin_table *const own_pins = worker->pins;
	bool went_well;

	worker->pins = site->world.pins;
	worker->now_s = PATH_SEEN_S + (site->settings.slots == PATH_ADOPTED);
	went_well = measure_rounds(measure, site, warm_up, false) &&
		    measure_rounds(measure, site, rounds, true);
	if (site->settings.slots == PATH_ADOPTED)
		path_world_restore_pins(&site->world);
	worker->pins = own_pins;
	return went_well;
}
