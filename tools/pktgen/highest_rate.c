/* SPDX-License-Identifier: BSD-3-Clause */
#include "highest_rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"
#include "setup.h"

#define FLOOD_SESSIONS 100000
/* A rate counts as achieved from this part of it on: the rest is in the last burst. */
#define ACHIEVED 0.995

static const char all_sizes[] = "64,128,256,512,1024,1280,1518,imix,profile";

/* Frames of one size, or the usual mix of three. NULL: not a size. */
static json_t *frames_of(const char *size)
{
	char *end;
	const long bytes = strtol(size, &end, 10);

	if (strcmp(size, "imix") == 0)
		return json_pack("[{s:i,s:i},{s:i,s:i},{s:i,s:i}]", "bytes", 64, "share", 7,
				 "bytes", 594, "share", 4, "bytes", 1518, "share", 1);
	if (end == size || *end != '\0')
		return NULL;
	return json_pack("[{s:I}]", "bytes", (json_int_t)bytes);
}

/* The profile with a flood of that size instead of its sessions; "profile" is as it is. */
static json_t *profile_of(const json_t *profile, const char *size)
{
	json_t *json = json_deep_copy(profile), *frames;

	if (strcmp(size, "profile") == 0)
		return json;
	frames = frames_of(size);
	if (!frames) {
		fprintf(stderr, "mailrail-pktgen: %s: not a frame size\n", size);
		json_decref(json);
		return NULL;
	}
	json_object_del(json, "kinds");
	json_object_set_new(json, "timestamps", json_false());
	json_object_set_new(json, "flood",
			    json_pack("{s:i, s:o}", "sessions", FLOOD_SESSIONS, "frames", frames));
	return json;
}

static double rate_of(const struct trial_counts *counts)
{
	return counts->seconds > 0 ? (double)counts->sent.packets / counts->seconds : 0;
}

static bool has_passed(const struct trial_counts *counts, double rate, double loss)
{
	const double most = (double)counts->sent.packets * loss;

	return (double)trial_lost(counts) <= most && rate_of(counts) >= rate * ACHIEVED;
}

static void print_trial(const char *size, const struct search *search,
			const struct trial_counts *counts, bool passed)
{
	fprintf(stderr, "%-8s trial %2u: ", size, search->trials + 1);
	if (search->as_fast_as_it_goes)
		fprintf(stderr, "as fast as it goes: ");
	else
		fprintf(stderr, "%.3f Mpps: ", search->next / 1e6);
	fprintf(stderr, "sent %.3f Mpps, lost %llu: %s\n", rate_of(counts) / 1e6,
		(unsigned long long)trial_lost(counts), passed ? "passed" : "not passed");
}

static int run_trials(struct stage *stage, const struct pktgen_options *options,
		      const struct setup *setup, const char *size, struct search *search,
		      struct trial_counts *out_best, struct mr_error *error)
{
	struct trial_config config = {
		.plan = &setup->plan,
		.wire = &setup->wire,
		.tx = stage->tx,
		.receiver = &stage->receiver,
		.sender_count = stage->sender_count,
		.seconds = options->seconds,
		.drain_seconds = options->drain_seconds,
	};

	search_begin(search, options->resolution);
	while (!search->done && !trial_is_stopped()) {
		struct trial_counts counts;
		bool passed;
		int rc;

		config.pace = search->as_fast_as_it_goes ? PACE_FREE : PACE_PACKETS;
		config.packets_per_second = search->next;
		rc = trial_run(&config, NULL, NULL, &counts, error);
		if (rc < 0)
			return rc;
		passed = has_passed(&counts, search->next, options->loss);
		print_trial(size, search, &counts, passed);
		if (passed)
			*out_best = counts;
		search_trial(search, rate_of(&counts), passed);
	}
	return 0;
}

static json_t *result_of(const char *size, const struct search *search,
			 const struct trial_counts *best)
{
	const double seconds = best->seconds > 0 ? best->seconds : 1;
	const double bits = ((double)best->sent.bytes + (double)best->sent.packets * 24) * 8;

	printf("%-8s %10.3f %10.3f %7u  %s\n", size, search->passed / 1e6, bits / seconds / 1e9,
	       search->trials, search->failed == 0 ? "generator" : "");
	fflush(stdout);
	return json_pack("{s:s, s:f, s:f, s:i, s:b, s:I}", "frames", size, "packets_per_second",
			 search->passed, "wire_bits_per_second", bits / seconds, "trials",
			 (int)search->trials, "limited_by_generator", search->failed == 0,
			 "broken_sessions", (json_int_t)best->seen.broken_sessions);
}

static int find_one(struct stage *stage, const struct pktgen_options *options,
		    const json_t *profile, const char *size, json_t *results,
		    struct mr_error *error)
{
	const struct rte_ether_addr from = stage_mac(stage, options);
	json_t *json = profile_of(profile, size);
	struct setup *setup = json ? setup_create(json, options, &from) : NULL;
	struct trial_counts best = {0};
	struct search search;
	int rc;

	json_decref(json);
	if (!setup)
		return mr_error_set(error, -EINVAL, "%s: cannot be sent", size);
	rc = run_trials(stage, options, setup, size, &search, &best, error);
	setup_destroy(setup);
	if (rc == 0)
		json_array_append_new(results, result_of(size, &search, &best));
	return rc;
}

int highest_rates_find(struct stage *stage, const struct pktgen_options *options,
		       const json_t *profile, json_t **out, struct mr_error *error)
{
	char *sizes = strdup(strcmp(options->sizes, "all") == 0 ? all_sizes : options->sizes);
	char *rest = NULL;
	int rc = sizes ? 0 : mr_error_set(error, -ENOMEM, "no memory");

	*out = json_array();
	if (rc == 0 && (!stage->tx || !stage->receiver.witness))
		rc = mr_error_set(error, -EINVAL, "a search has to send and to receive");
	if (rc == 0)
		printf("%-8s %10s %10s %7s  %s\n", "frames", "Mpps", "Gbit/s", "trials",
		       "limited by");
	for (char *size = strtok_r(sizes, ",", &rest); size && rc == 0 && !trial_is_stopped();
	     size = strtok_r(NULL, ",", &rest))
		rc = find_one(stage, options, profile, size, *out, error);
	free(sizes);
	return rc;
}
