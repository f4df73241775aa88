/* SPDX-License-Identifier: BSD-3-Clause */
/* What the process takes of the machine, as procfs tells (proc(5)). Any thread. */
#ifndef MAILRAIL_CONTROL_PROCESS_STATS_H
#define MAILRAIL_CONTROL_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
	uint64_t cpu_ms;   /* of all threads, workers too, in user and system mode */
	uint64_t start_ms; /* CLOCK_REALTIME */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t threads;
	uint64_t open_fds;
	uint64_t max_fds;
};

/* What cannot be read is 0. */
void process_stats_read(struct process_stats *out);

#endif
