/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/limits.h>
#include <mailrail/telemetry.h>
#include <mailrail/verdict.h>

#include "metric_samples.h"

struct telemetry {
	const struct rpc_context *context;
	struct event *asked;
};

/* A command tells of one group: a list of its subjects, or all numbers of one of them. */
struct command {
	const char *name, *help;
	enum metric_group_id group;
	const char *prefix; /* of the group's families, which members go without */
};

static const struct command commands[] = {
	{"/mailrail/node", "Shows what is known of the node as a whole. Takes no parameters",
	 METRICS_OF_NODE, "mailrail_"},
	{"/mailrail/stats", "Shows packets by their verdict, of all workers. Takes no parameters",
	 METRICS_OF_VERDICTS, NULL},
	{"/mailrail/workers", "Lists workers, or shows one. Parameters: none, or worker",
	 METRICS_OF_WORKERS, "mailrail_worker_"},
	{"/mailrail/ports", "Lists ports, or shows one. Parameters: none, or port",
	 METRICS_OF_PORTS, "mailrail_port_"},
	{"/mailrail/services", "Lists services, or shows one. Parameters: none, or service",
	 METRICS_OF_SERVICES, "mailrail_service_"},
	{"/mailrail/pools", "Lists pools, or shows one. Parameters: none, or pool",
	 METRICS_OF_POOLS, "mailrail_pool_"},
	{"/mailrail/backends",
	 "Lists a pool's backends, or shows one. Parameters: pool, or pool,backend",
	 METRICS_OF_BACKENDS, "mailrail_backend_"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* There are whole numbers only: what is counted in thousandths is told in those. */
static void add_number(struct mr_telemetry_answer *answer, const char *name, uint32_t divisor,
		       uint64_t number)
{
	static const struct {
		const char *suffix, *of_thousandths;
	} units[] = {{"_seconds", "_ms"}, {"_ratio", "_permille"}};
	char changed[64];

	for (size_t i = 0; divisor == 1000 && i < sizeof(units) / sizeof(units[0]); i++) {
		const char *suffix = strstr(name, units[i].suffix);

		if (suffix == NULL)
			continue;
		snprintf(changed, sizeof(changed), "%.*s%s", (int)(suffix - name), name,
			 units[i].of_thousandths);
		name = changed;
		break;
	}
	mr_telemetry_add_number(answer, name, number);
}

static void add_member(struct mr_telemetry_answer *answer, const struct command *command,
		       const struct metric_family *family, const struct metric_subject *subject)
{
	const size_t prefix_length = strlen(command->prefix);
	const char *name = family->name;

	if (strncmp(name, command->prefix, prefix_length) == 0)
		name += prefix_length;
	switch (family->type) {
	case METRIC_COUNTER:
	case METRIC_GAUGE:
		if (metric_number(subject, family) != METRIC_ABSENT)
			add_number(answer, name, family->divisor, metric_number(subject, family));
		break;
	case METRIC_TEXT:
		mr_telemetry_add_text(answer, family->label, metric_text(subject, family));
		break;
	case METRIC_HISTOGRAM:
		break;
	}
}

static void add_members(struct mr_telemetry_answer *answer, const struct command *command,
			const struct metric_subject *subject)
{
	const struct metric_group *group = &metric_groups[command->group];

	mr_telemetry_begin_object(answer);
	for (uint32_t i = 0; i < group->family_count; i++)
		add_member(answer, command, &group->families[i], subject);
}

/* Sums over workers; the verdicts of each follow each other, in one order. */
static void add_verdicts(struct mr_telemetry_answer *answer, const struct metric_samples *samples)
{
	const struct metric_family *family = metric_groups[METRICS_OF_VERDICTS].families;
	const uint32_t count = samples->sets[METRICS_OF_VERDICTS].count;

	mr_telemetry_begin_object(answer);
	for (uint32_t verdict = 0; verdict < MR_VERDICT_COUNT; verdict++) {
		uint64_t sum = 0;

		for (uint32_t i = verdict; i < count; i += MR_VERDICT_COUNT)
			sum += metric_number(metric_subject_of(samples, METRICS_OF_VERDICTS, i),
					     family);
		mr_telemetry_add_number(answer, mr_verdict_name(verdict), sum);
	}
}

/* @first: of the first of two labels; NULL: of all. */
static void add_items(struct mr_telemetry_answer *answer, const struct metric_samples *samples,
		      enum metric_group_id group, uint32_t label, const char *first)
{
	mr_telemetry_begin_list(answer);
	for (uint32_t i = 0; i < samples->sets[group].count; i++) {
		const struct metric_subject *subject = metric_subject_of(samples, group, i);

		if (first == NULL || strcmp(subject->labels[0], first) == 0)
			mr_telemetry_add_item(answer, subject->labels[label]);
	}
}

/* NULL as @second: whichever. */
static const struct metric_subject *find_subject(const struct metric_samples *samples,
						 enum metric_group_id group, const char *first,
						 const char *second)
{
	for (uint32_t i = 0; i < samples->sets[group].count; i++) {
		const struct metric_subject *subject = metric_subject_of(samples, group, i);

		if (strcmp(subject->labels[0], first) == 0 &&
		    (second == NULL || strcmp(subject->labels[1], second) == 0))
			return subject;
	}
	return NULL;
}

/* @argument: "POOL" or "POOL,BACKEND". */
static int answer_backends(const struct metric_samples *samples, const struct command *command,
			   const char *argument, struct mr_telemetry_answer *answer)
{
	const struct metric_subject *subject;
	char pool[MR_NAME_MAX];
	const char *comma;

	if (argument == NULL)
		return -EINVAL;
	comma = strchrnul(argument, ',');
	if (comma - argument >= MR_NAME_MAX)
		return -ENOENT;
	memcpy(pool, argument, (size_t)(comma - argument));
	pool[comma - argument] = '\0';
	if (find_subject(samples, METRICS_OF_POOLS, pool, NULL) == NULL)
		return -ENOENT;
	if (*comma == '\0') {
		add_items(answer, samples, METRICS_OF_BACKENDS, 1, pool);
		return 0;
	}
	subject = find_subject(samples, METRICS_OF_BACKENDS, pool, comma + 1);
	if (subject == NULL)
		return -ENOENT;
	add_members(answer, command, subject);
	return 0;
}

static int answer_named(const struct metric_samples *samples, const struct command *command,
			const char *argument, struct mr_telemetry_answer *answer)
{
	const struct metric_subject *subject;

	if (argument == NULL) {
		add_items(answer, samples, command->group, 0, NULL);
		return 0;
	}
	subject = find_subject(samples, command->group, argument, NULL);
	if (subject == NULL)
		return -ENOENT;
	add_members(answer, command, subject);
	return 0;
}

static int answer_command(const struct metric_samples *samples, const struct command *command,
			  const char *argument, struct mr_telemetry_answer *answer)
{
	switch (command->group) {
	case METRICS_OF_NODE:
		add_members(answer, command, metric_subject_of(samples, METRICS_OF_NODE, 0));
		return 0;
	case METRICS_OF_VERDICTS:
		add_verdicts(answer, samples);
		return 0;
	case METRICS_OF_BACKENDS:
		return answer_backends(samples, command, argument, answer);
	case METRICS_OF_WORKERS:
	case METRICS_OF_PORTS:
	case METRICS_OF_SERVICES:
	case METRICS_OF_POOLS:
		return answer_named(samples, command, argument, answer);
	case METRICS_OF_PROCESS:
	case METRICS_OF_DOORS:
	case METRICS_OF_EVENTS:
	case METRICS_OF_LIMITS:
	case METRICS_GROUP_COUNT:
		break;
	}
	return -ENOENT;
}

static int answer_question(void *context, const char *name, const char *argument,
			   struct mr_telemetry_answer *answer)
{
	const struct telemetry *telemetry = context;
	const struct command *command = find_command(name);
	struct metric_samples samples;
	int rc;

	if (command == NULL)
		return -ENOENT;
	rc = metric_samples_take(telemetry->context, &samples);
	if (rc < 0)
		return rc;
	rc = answer_command(&samples, command, argument, answer);
	metric_samples_fini(&samples);
	return rc;
}

static void on_asked(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	mr_telemetry_serve(answer_question, context);
}

int telemetry_create(struct event_base *base, const struct rpc_context *context,
		     struct telemetry **out)
{
	struct mr_telemetry_command wanted[COMMAND_COUNT];
	struct telemetry *telemetry = calloc(1, sizeof(*telemetry));
	int rc, fd;

	if (telemetry == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		wanted[i] = (struct mr_telemetry_command){commands[i].name, commands[i].help};
	rc = mr_telemetry_open(wanted, COMMAND_COUNT, &fd);
	if (rc < 0)
		goto err_free;
	telemetry->context = context;
	telemetry->asked = event_new(base, fd, EV_READ | EV_PERSIST, on_asked, telemetry);
	if (telemetry->asked == NULL || event_add(telemetry->asked, NULL) < 0) {
		rc = -ENOMEM;
		goto err_close;
	}
	*out = telemetry;
	return 0;

err_close:
	if (telemetry->asked != NULL)
		event_free(telemetry->asked);
	mr_telemetry_close();
err_free:
	free(telemetry);
	return rc;
}

void telemetry_destroy(struct telemetry *telemetry)
{
	if (telemetry == NULL)
		return;
	event_free(telemetry->asked);
	mr_telemetry_close();
	free(telemetry);
}
