/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench `path`: cycles per packet of a worker's own steps, in many settings, beside a bare
 * loop and a textbook's balancer. Packets are in memory, bursts are full.
 *
 *	bench_path [--short] [--steps] [--core N] [CASE...]
 *	bench_path --list
 *
 * Prints JSON: settings, and for every case what each subject took. Packets of a round are
 * written anew before it, outside of the measured time. Rounds of one case's subjects take turns,
 * and so do all cases, in several passes.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "bench_eal.h"
#include "case_names.h"
#include "path_measure.h"
#include "subject_textbook.h"

/* For the rig. */
#define RIG_BYTES (UINT64_C(96) << 20)

struct extent {
	uint32_t passes;
	uint32_t warm_up; /* rounds of each visit */
	uint32_t rounds;
};

static const struct extent extents[] = {
	{.passes = 7, .warm_up = 30, .rounds = 100},
	{.passes = 3, .warm_up = 20, .rounds = 40},
};

struct options {
	bool is_short;
	bool by_steps;
	bool only_list;
	unsigned int core;
	struct case_names names;
};

static void usage(FILE *to)
{
	fputs("usage: bench_path [--short] [--steps] [--core N] [CASE...]\n"
	      "       bench_path --list\n",
	      to);
}

/* The last core that we may run on: interrupts tend to go to the first. */
static unsigned int last_core(void)
{
	cpu_set_t cpus;
	unsigned int last = 0;

	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (unsigned int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &cpus))
			last = i;
	}
	return last;
}

static int read_options(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"short", no_argument, NULL, 's'},	{"steps", no_argument, NULL, 'S'},
		{"core", required_argument, NULL, 'c'}, {"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},	{0},
	};
	int option;

	*out = (struct options){.core = last_core()};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			out->is_short = true;
		else if (option == 'S')
			out->by_steps = true;
		else if (option == 'c')
			out->core = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			out->only_list = true;
		else {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? 1 : -EINVAL;
		}
	}
	out->names = (struct case_names){&argv[optind], (uint32_t)(argc - optind)};
	return 0;
}

static const char *name_at(uint32_t number)
{
	return path_case_at(number).name;
}

static void list_cases(void)
{
	for (uint32_t i = 0; i < path_case_count(); i++)
		puts(path_case_at(i).name);
}

static uint64_t memory_bytes(const struct options *options)
{
	uint64_t bytes = RIG_BYTES;

	for (uint32_t i = 0; i < path_case_count(); i++) {
		const struct path_case settings = path_case_at(i);

		if (settings.has_textbook && case_names_have(&options->names, settings.name))
			bytes += textbook_memory_bytes(&settings);
	}
	return bytes;
}

static int site_init(struct path_site *site, struct rig *rig, const struct path_case *settings)
{
	site->settings = *settings;
	if (path_world_init(&site->world, &site->settings) < 0)
		return -ENOMEM;
	path_traffic_init(&site->traffic, &site->settings);
	site->subjects[site->subject_count++] = mailrail_create(rig, site->world.snapshot);
	site->subjects[site->subject_count++] = bare_create(rig);
	if (settings->has_textbook)
		site->subjects[site->subject_count++] =
			textbook_create(rig, site->world.snapshot, &site->settings);
	return 0;
}

static void site_fini(struct path_site *site)
{
	mailrail_destroy(&site->subjects[0]);
	bare_destroy(&site->subjects[1]);
	textbook_destroy(&site->subjects[2]);
	path_world_fini(&site->world);
	for (uint32_t i = 0; i < PATH_SUBJECTS_MAX; i++) {
		series_fini(&site->figures[i].path);
		series_fini(&site->figures[i].whole);
		for (uint32_t j = 0; j < SUBJECT_STEPS_MAX; j++)
			series_fini(&site->figures[i].steps[j]);
	}
}

static json_t *figures_to_json(struct path_figures *figures, const struct subject *subject,
			       bool by_steps)
{
	json_t *steps = json_object();

	for (uint32_t i = 0; by_steps && i < subject->step_count; i++)
		json_object_set_new(steps, subject->steps[i].name,
				    series_to_json(&figures->steps[i]));
	return json_pack("{s:o s:o s:o}", "path", series_to_json(&figures->path), "whole",
			 series_to_json(&figures->whole), "steps", steps);
}

static json_t *site_to_json(struct path_site *site, bool by_steps)
{
	json_t *subjects = json_object();

	for (uint32_t i = 0; i < site->subject_count; i++)
		json_object_set_new(
			subjects, site->subjects[i].name,
			figures_to_json(&site->figures[i], &site->subjects[i], by_steps));
	return json_pack("{s:s s:s s:o}", "name", site->settings.name, "axis", site->settings.axis,
			 "cycles", subjects);
}

static bool visit_all(struct path_measure *measure, struct path_site *sites, uint32_t count,
		      const struct extent *extent)
{
	for (uint32_t pass = 0; pass < extent->passes; pass++) {
		fprintf(stderr, "path: pass %u of %u\n", pass + 1, extent->passes);
		for (uint32_t i = 0; i < count; i++) {
			if (!path_measure_visit(measure, &sites[i], extent->warm_up,
						extent->rounds))
				return false;
		}
	}
	return true;
}

static void print(const struct path_measure *measure, struct path_site *sites, uint32_t count,
		  const struct extent *extent)
{
	json_t *cases = json_array();
	json_t *root;

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(cases, site_to_json(&sites[i], measure->by_steps));
	root = json_pack("{s:I s:b s:i s:i s:i s:I s:o}", "tsc_hz", (json_int_t)rte_get_tsc_hz(),
			 "eal_hugepages", rte_eal_has_hugepages(), "burst", BURST_SIZE,
			 "round_packets", PATH_ROUND_PACKETS, "rounds",
			 (int)(extent->passes * extent->rounds), "stamp_cycles",
			 (json_int_t)measure->stamp_cycles, "cases", cases);
	json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	putchar('\n');
	json_decref(root);
}

static bool measure_sites(struct rig *rig, const struct options *options, struct path_site *sites,
			  uint32_t count)
{
	const struct extent *extent = &extents[options->is_short];
	struct path_measure measure;
	bool went_well;

	if (path_measure_init(&measure, rig, options->by_steps) < 0)
		return false;
	went_well = visit_all(&measure, sites, count, extent);
	if (went_well)
		print(&measure, sites, count, extent);
	path_measure_fini(&measure);
	return went_well;
}

static bool run(struct rig *rig, const struct options *options)
{
	struct path_site *sites = calloc(path_case_count(), sizeof(*sites));
	uint32_t count = 0;
	int rc = sites != NULL ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < path_case_count(); i++) {
		const struct path_case settings = path_case_at(i);

		if (!case_names_have(&options->names, settings.name))
			continue;
		fprintf(stderr, "path: preparing %s\n", settings.name);
		rc = site_init(&sites[count], rig, &settings);
		count += rc == 0;
	}
	if (rc == 0 && !measure_sites(rig, options, sites, count))
		rc = -EIO;
	if (rc == -ENOMEM)
		fputs("bench: no memory\n", stderr);
	while (count > 0)
		site_fini(&sites[--count]);
	free(sites);
	return rc == 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct rig *rig;
	bool went_well;
	const int rc = read_options(argc, argv, &options);

	if (rc != 0)
		return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (options.only_list) {
		list_cases();
		return EXIT_SUCCESS;
	}
	if (case_names_check(&options.names, name_at, path_case_count()) < 0 ||
	    bench_eal_start(options.core, memory_bytes(&options)) < 0)
		return EXIT_FAILURE;
	rig = rig_create();
	if (rig == NULL)
		return EXIT_FAILURE;
	went_well = run(rig, &options);
	rig_destroy(rig);
	bench_eal_stop();
	return went_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
