/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds of one case: the same packets' worth of work for each subject, in turn. */
#ifndef MAILRAIL_BENCH_PATH_MEASURE_H
#define MAILRAIL_BENCH_PATH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "path_traffic.h"
#include "path_world.h"
#include "series.h"
#include "subject.h"

#define PATH_ROUND_PACKETS 1024
#define PATH_SUBJECTS_MAX  3

/* Cycles per packet. */
struct path_figures {
	struct series path;  /* from parse to rewrite, each burst by itself */
	struct series whole; /* from receive to transmit, over ports that are rings */
	struct series steps[SUBJECT_STEPS_MAX];
};

/* A case that is ready to be measured. */
struct path_site {
	struct path_case settings;
	struct path_world world;
	struct path_traffic traffic;
	struct subject subjects[PATH_SUBJECTS_MAX];
	uint32_t subject_count;
	struct path_figures figures[PATH_SUBJECTS_MAX];
};

struct path_measure {
	struct rig *rig;
	struct rte_mbuf *mbufs[PATH_ROUND_PACKETS];
	uint64_t stamp_cycles; /* taken off wherever a stamp was within */
	bool by_steps;
};

/* On the rig's mbufs. -ENOMEM. */
int path_measure_init(struct path_measure *measure, struct rig *rig, bool by_steps);
void path_measure_fini(struct path_measure *measure);

/*
 * @warm_up rounds that do not count, then @rounds that do. False, after a message on standard
 * error: a packet did not go the way that the case is about.
 */
bool path_measure_visit(struct path_measure *measure, struct path_site *site, uint32_t warm_up,
			uint32_t rounds);

#endif
