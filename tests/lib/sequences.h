/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests by random sequences, each with a seed of its own: PROGRAM SEED runs them from SEED on,
 * PROGRAM SEED COUNT so many of them. What fails says how to run that sequence alone.
 */
#ifndef MAILRAIL_TESTS_SEQUENCES_H
#define MAILRAIL_TESTS_SEQUENCES_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct sequences {
	unsigned int seed;
	unsigned int count;
	unsigned int current; /* seed of the sequence that runs, or was the last to */
};

/* With sanitizers a sequence takes several times as long. */
#ifdef __SANITIZE_ADDRESS__
#define SEQUENCES_SHARE 5
#else
#define SEQUENCES_SHARE 1
#endif

static inline struct sequences sequences_of(int argc, char **argv, unsigned int count)
{
	struct sequences sequences = {
		.seed = (unsigned int)time(NULL),
		.count = count / SEQUENCES_SHARE,
	};

	if (argc > 1)
		sequences.seed = (unsigned int)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		sequences.count = (unsigned int)strtoul(argv[2], NULL, 10);
	return sequences;
}

static inline void sequences_run(struct sequences *sequences, void (*run)(void))
{
	printf("[seed %u, %u sequences] ", sequences->seed, sequences->count);
	fflush(stdout);
	for (unsigned int i = 0; i < sequences->count; i++) {
		sequences->current = sequences->seed + i;
		srandom(sequences->current);
		run();
	}
}

/* After the tests; @status of unit_run(). */
static inline void sequences_report(const struct sequences *sequences, const char *program,
				    int status)
{
	if (status != 0)
		printf("the last sequence alone: %s %u 1\n", program, sequences->current);
}

#endif
