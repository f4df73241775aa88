/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench `poll`: what a worker takes of its core while nothing arrives, and how soon it is
 * back, for each way of polling.
 *
 *	bench_poll [--short] [--steps] [CASE...]
 *	bench_poll --list
 *
 * Prints JSON. --steps is for other benches and changes nothing. The worker has the last core
 * that the process may use, the sender the first: with one core there is nothing to measure.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>

#include "bench_eal.h"
#include "case_names.h"
#include "path_world.h"
#include "poll_measure.h"

/* For the rig. */
#define RIG_BYTES (UINT64_C(96) << 20)

static const struct {
	const char *name;
	enum mr_poll poll;
} cases[] = {
	{"busy", MR_POLL_BUSY},
	{"adaptive", MR_POLL_ADAPTIVE},
};

static const struct poll_extent extents[] = {
	{.idle_ms = 5000, .wake_ups = 20000, .starts = 3000},
	{.idle_ms = 1000, .wake_ups = 3000, .starts = 500},
};

/* Plain packets of few sessions: how they are worked on is the bench path's subject. */
static const struct path_case traffic_settings = {
	.name = "poll",
	.axis = "poll",
	.mode = MR_FORWARDING_L2DSR,
	.family = PATH_V4,
	.slots = PATH_STEADY,
	.sessions = 1000,
	.services = 1,
	.pools = 1,
	.backends = 10,
};

struct options {
	bool is_short;
	bool only_list;
	struct case_names names;
};

static const char *name_at(uint32_t number)
{
	return cases[number].name;
}

static void usage(FILE *to)
{
	fputs("usage: bench_poll [--short] [--steps] [CASE...]\n"
	      "       bench_poll --list\n",
	      to);
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"short", no_argument, NULL, 's'},
		{"steps", no_argument, NULL, 'S'},
		{"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	*out = (struct options){0};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			out->is_short = true;
		else if (option == 'l')
			out->only_list = true;
		else if (option != 'S') {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? 1 : -EINVAL;
		}
	}
	out->names = (struct case_names){&argv[optind], (uint32_t)(argc - optind)};
	return 0;
}

/* False: there is one core only. */
static bool find_cores(unsigned int *out_first, unsigned int *out_last)
{
	unsigned int first = CPU_SETSIZE, last = 0;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (unsigned int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &cpus))
			continue;
		first = RTE_MIN(first, i);
		last = i;
	}
	*out_first = first;
	*out_last = last;
	return first < last;
}

static void print(json_t *figures)
{
	json_t *root = json_pack("{s:I s:b s:i s:o}", "tsc_hz", (json_int_t)rte_get_tsc_hz(),
				 "eal_hugepages", rte_eal_has_hugepages(), "sleep_us",
				 MR_WORKER_SLEEP_US, "cases", figures);

	json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	putchar('\n');
	json_decref(root);
}

static bool measure_cases(struct poll_measure *measure, const struct options *options,
			  unsigned int core, json_t *figures)
{
	for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
		json_t *one;

		if (!case_names_have(&options->names, cases[i].name))
			continue;
		fprintf(stderr, "poll: %s\n", cases[i].name);
		one = poll_measure_run(measure, cases[i].poll, core, &extents[options->is_short]);
		if (one == NULL)
			return false;
		json_object_set_new(one, "name", json_string(cases[i].name));
		json_array_append_new(figures, one);
	}
	return true;
}

static bool run(struct rig *rig, const struct options *options, unsigned int core)
{
	json_t *figures = json_array();
	struct path_traffic traffic;
	struct poll_measure measure;
	struct path_world world;
	bool is_well = false;

	if (path_world_init(&world, &traffic_settings) < 0) {
		fputs("bench: no memory\n", stderr);
		json_decref(figures);
		return false;
	}
	path_traffic_init(&traffic, &traffic_settings);
	atomic_store(&rig->published, world.snapshot);
	if (poll_measure_init(&measure, rig, &traffic) == 0) {
		is_well = measure_cases(&measure, options, core, figures);
		poll_measure_fini(&measure);
	}
	if (is_well)
		print(json_incref(figures));
	json_decref(figures);
	path_world_fini(&world);
	return is_well;
}

int main(int argc, char **argv)
{
	unsigned int sender_core, worker_core;
	struct options options;
	struct rig *rig;
	bool is_well;
	const int rc = read_options(argc, argv, &options);

	if (rc != 0)
		return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	for (uint32_t i = 0; options.only_list && i < RTE_DIM(cases); i++)
		puts(cases[i].name);
	if (options.only_list)
		return EXIT_SUCCESS;
	if (case_names_check(&options.names, name_at, RTE_DIM(cases)) < 0)
		return EXIT_FAILURE;
	if (!find_cores(&sender_core, &worker_core)) {
		puts("{\"skipped\": \"one core only\"}");
		return EXIT_SUCCESS;
	}
	if (bench_eal_start(sender_core, RIG_BYTES) < 0)
		return EXIT_FAILURE;
	rig = rig_create();
	if (rig == NULL)
		return EXIT_FAILURE;
	is_well = run(rig, &options, worker_core);
	rig_destroy(rig);
	bench_eal_stop();
	return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
