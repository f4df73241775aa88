/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The balancer that textbooks describe, written as well as that goes: a connection table of this
 * worker alone (DPDK's rte_hash, without locks) in front of the Maglev table. IPv4 and l2dsr.
 */
#ifndef MAILRAIL_BENCH_SUBJECT_TEXTBOOK_H
#define MAILRAIL_BENCH_SUBJECT_TEXTBOOK_H

#include <stdint.h>

#include "path_case.h"
#include "subject.h"

/* DPDK's memory that textbook_create() takes at most. */
uint64_t textbook_memory_bytes(const struct path_case *settings);

/*
 * It has met all sessions of the case already; those of a flood are new to it, and there is room
 * for the first four millions. Ends the program when there is no memory.
 */
struct subject textbook_create(struct rig *rig, const struct mr_snapshot *snapshot,
			       const struct path_case *settings);
void textbook_destroy(struct subject *subject);

#endif
