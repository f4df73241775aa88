/* SPDX-License-Identifier: BSD-3-Clause */
/* mailrail-pktgen: see mailrail-pktgen(8). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "builtin_profiles.h"
#include "highest_rate.h"
#include "pcap_output.h"
#include "pktgen_options.h"
#include "report.h"
#include "setup.h"
#include "stage.h"

static int fail(const struct mr_error *error)
{
	fprintf(stderr, "mailrail-pktgen: %s\n", error->text);
	return 1;
}

/* EAL's options stand before "--"; without one, all are ours. */
static int split(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i;
	return 0;
}

static int write_json(const char *path, json_t *json)
{
	FILE *stream;
	int rc;

	if (!path)
		return 0;
	stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	rc = stream ? json_dumpf(json, stream, JSON_INDENT(2)) : -1;
	if (stream)
		rc |= fputc('\n', stream) == EOF;
	if (stream && stream != stdout)
		rc |= fclose(stream);
	if (rc != 0)
		fprintf(stderr, "mailrail-pktgen: %s: %s\n", path, strerror(errno));
	return rc != 0;
}

static int run_search(struct stage *stage, const struct pktgen_options *options,
		      const json_t *profile)
{
	struct mr_error error = {.text = ""};
	json_t *results;
	const int rc = highest_rates_find(stage, options, profile, &results, &error);
	int status = write_json(options->json, results);

	json_decref(results);
	if (rc < 0)
		status = fail(&error);
	return status;
}

static int run_once(struct stage *stage, const struct pktgen_options *options,
		    const struct setup *setup)
{
	const struct witness *witness = stage->receiver.witness;
	const struct trial_config config = {
		.plan = &setup->plan,
		.wire = &setup->wire,
		.tx = stage->tx,
		.receiver = witness ? &stage->receiver : NULL,
		.sender_count = stage->sender_count,
		.pace = options->pace,
		.packets_per_second = options->rate,
		.seconds = options->seconds,
		.drain_seconds = options->drain_seconds,
	};
	/* Standard output belongs to JSON, if that is where it goes. */
	FILE *stream = options->json && strcmp(options->json, "-") == 0 ? stderr : stdout;
	struct trial_counts counts;
	struct mr_error error = {.text = ""};
	json_t *json;
	int status;

	if (trial_run(&config, report_progress, stream, &counts, &error) < 0)
		return fail(&error);
	report_summary(stream, &counts, witness, stage->tx != NULL);
	json = report_json(setup->profile.name, &counts, witness, stage->tx != NULL);
	status = write_json(options->json, json);
	json_decref(json);
	return status;
}

static int run_on_stage(struct stage *stage, const struct pktgen_options *options,
			const json_t *profile)
{
	const struct rte_ether_addr from = stage_mac(stage, options);
	struct mr_error error = {.text = ""};
	struct setup *setup;
	int status;

	if (stage_wait_for_links(stage, &error) < 0)
		return fail(&error);
	if (options->action == PKTGEN_SEARCH)
		return run_search(stage, options, profile);
	setup = setup_create(profile, options, &from);
	if (!setup)
		return 1;
	status = run_once(stage, options, setup);
	setup_destroy(setup);
	return status;
}

/* A setup first, so that a wrong profile is told before ports are touched. */
static int run(const struct pktgen_options *options, const json_t *profile)
{
	struct setup *setup = setup_create(profile, options, &options->from);
	struct mr_error error = {.text = ""};
	struct stage stage;
	int status;

	if (!setup)
		return 1;
	status = stage_open(&stage, options, setup_frame_bytes_max(setup), &error);
	setup_destroy(setup);
	if (status < 0)
		return fail(&error);
	status = run_on_stage(&stage, options, profile);
	stage_close(&stage);
	return status;
}

static int run_on_ports(int argc, char **argv, const struct pktgen_options *options,
			const json_t *profile)
{
	int status;

	if (argc == 0) {
		fprintf(stderr, "mailrail-pktgen: EAL's options and \"--\" are missing; try "
				"--help\n");
		return 2;
	}
	argv[argc] = NULL;
	if (rte_eal_init(argc, argv) < 0) {
		fprintf(stderr, "mailrail-pktgen: DPDK does not start: %s\n",
			rte_strerror(rte_errno));
		return 1;
	}
	trial_stop_on_signals();
	status = run(options, profile);
	rte_eal_cleanup();
	return status;
}

static int run_pcap(const struct pktgen_options *options, const json_t *profile)
{
	struct setup *setup = setup_create(profile, options, &options->from);
	struct traffic traffic;
	struct mr_error error = {.text = ""};
	int rc;

	if (!setup)
		return 1;
	rc = traffic_create(&traffic, &setup->plan, 0, 1);
	if (rc < 0)
		mr_error_set(&error, rc, "no memory for sessions");
	else
		rc = pcap_output(options->pcap, &traffic, &setup->wire, options->packets,
				 options->seconds, &error);
	traffic_destroy(&traffic);
	setup_destroy(setup);
	return rc < 0 ? fail(&error) : 0;
}

static int with_profile(int eal_argc, char **argv, struct pktgen_options *options)
{
	json_t *profile;
	int status = 1;

	if (!options->profile)
		options->profile = "flood64";
	profile = setup_read(options);
	if (!profile)
		return 1;
	switch (options->action) {
	case PKTGEN_PCAP:
		status = run_pcap(options, profile);
		break;
	case PKTGEN_SHOW:
		status = write_json("-", profile);
		break;
	case PKTGEN_RUN:
	case PKTGEN_SEARCH:
	case PKTGEN_SCHEMA:
	case PKTGEN_LIST:
	case PKTGEN_EXIT:
		status = run_on_ports(eal_argc, argv, options, profile);
		break;
	}
	json_decref(profile);
	return status;
}

static int print_schema(void)
{
	json_t *schema = profile_schema();
	const int status = schema ? write_json("-", schema) : 1;

	json_decref(schema);
	return status;
}

static int print_list(void)
{
	const char *name;

	for (uint32_t i = 0; (name = builtin_profile_name(i)) != NULL; i++)
		puts(name);
	return 0;
}

int main(int argc, char **argv)
{
	const int eal_argc = split(argc, argv);
	struct pktgen_options options;
	char *program = argv[eal_argc];
	int status = 0;

	argv[eal_argc] = argv[0];
	pktgen_options_parse(argc - eal_argc, &argv[eal_argc], &options);
	argv[eal_argc] = program;
	switch (options.action) {
	case PKTGEN_EXIT:
		status = options.exit_status;
		break;
	case PKTGEN_SCHEMA:
		status = print_schema();
		break;
	case PKTGEN_LIST:
		status = print_list();
		break;
	case PKTGEN_RUN:
	case PKTGEN_SEARCH:
	case PKTGEN_PCAP:
	case PKTGEN_SHOW:
		status = with_profile(eal_argc, argv, &options);
		break;
	}
	pktgen_options_fini(&options);
	return status;
}
