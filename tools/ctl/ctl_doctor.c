/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "config.h"
#include "ctl_exit.h"
#include "ctl_result.h"
#include "doctor.h"
#include "rpc_client.h"
#include "text_colour.h"
#include "text_wrap.h"

#define NAME_COLUMN 16

/* Owns what the facts are made of. */
struct answers {
	json_t *config, *node, *backends, *services, *stats, *workers, *diff, *history;
};

struct source {
	struct rpc_target target;
	bool is_silent; /* it did not answer, and is not asked again */
};

/* New reference to a method's result; NULL: there is none, for whatever reason. */
static json_t *ask(struct source *source, const char *method)
{
	json_t *response = NULL, *result;
	struct mr_error error;

	if (source->is_silent ||
	    rpc_client_call(&source->target, method, NULL, &response, &error) < 0) {
		source->is_silent = true;
		return NULL;
	}
	result = json_incref(json_object_get(response, "result"));
	json_decref(response);
	return result;
}

static void ask_balancer(const struct ctl_line *line, struct answers *out)
{
	struct source source = {.target = ctl_options_target(line->options)};

	out->config = ask(&source, "config.get");
	out->node = ask(&source, "node.info");
	out->backends = ask(&source, "backend.list");
	out->services = ask(&source, "service.list");
	out->stats = ask(&source, "stats.get");
	out->workers = ask(&source, "worker.list");
	out->diff = ask(&source, "config.diff");
	out->history = ask(&source, "config.history");
}

static void free_answers(struct answers *answers)
{
	json_decref(answers->config);
	json_decref(answers->node);
	json_decref(answers->backends);
	json_decref(answers->services);
	json_decref(answers->stats);
	json_decref(answers->workers);
	json_decref(answers->diff);
	json_decref(answers->history);
}

/* NULL: standard error says what is wrong. New reference, with all defaults. */
static json_t *read_file(const char *path)
{
	struct field_errors errors = {0};
	struct config *config = config_load(path, &errors);
	json_t *encoded = config ? config_encode(config) : NULL;

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	if (config)
		config_free(config);
	return encoded;
}

static enum doctor_clock look_at_clock(void)
{
	struct timex clock = {0};
	const int state = adjtimex(&clock);

	if (state < 0)
		return DOCTOR_CLOCK_UNKNOWN;
	return state == TIME_ERROR || (clock.status & STA_UNSYNC) ? DOCTOR_CLOCK_FREE
								  : DOCTOR_CLOCK_SYNCHRONISED;
}

static void print_finding(const struct doctor_row *row, const struct doctor_finding *finding,
			  bool colour)
{
	const char *verdict = doctor_verdicts[finding->verdict];
	const enum text_colour shade = colour ? text_colour_of(verdict) : TEXT_PLAIN;
	char line[512];

	printf("%s%-4s%s  %-*s  ", text_colour_begin(shade), verdict, text_colour_end(shade),
	       NAME_COLUMN, row->name);
	/* The words start behind what is there already. */
	snprintf(line, sizeof(line), "%s",
		 finding->value[0] ? finding->value : "nothing to look at");
	text_wrap_from(stdout, NAME_COLUMN + 8, NAME_COLUMN + 8, line);
	if (finding->advice[0]) {
		printf("%*s", NAME_COLUMN + 8, "");
		text_wrap_from(stdout, NAME_COLUMN + 8, NAME_COLUMN + 8, finding->advice);
	}
}

static json_t *encode_finding(const struct doctor_row *row, const struct doctor_finding *finding)
{
	json_t *object = json_pack("{s:s, s:s, s:s}", "check", row->name, "verdict",
				   doctor_verdicts[finding->verdict], "value", finding->value);

	if (finding->advice[0])
		json_object_set_new(object, "advice", json_string(finding->advice));
	return object;
}

struct report {
	const struct ctl_line *line;
	json_t *findings; /* NULL: printed one by one */
	unsigned int counts[DOCTOR_FAIL + 1];
};

static void examine(struct report *report, const struct doctor_facts *facts)
{
	const bool colour = ctl_options_colour(report->line->options);

	for (const struct doctor_row *const *table = doctor_tables; *table; table++) {
		for (const struct doctor_row *row = *table; row->name; row++) {
			struct doctor_finding finding;

			doctor_run(row, facts, &finding);
			report->counts[finding.verdict]++;
			if (report->findings)
				json_array_append_new(report->findings,
						      encode_finding(row, &finding));
			else
				print_finding(row, &finding, colour);
		}
	}
}

static void conclude(struct report *report)
{
	const unsigned int *counts = report->counts;

	if (!report->findings) {
		printf("\n%u ok, %u warnings, %u failed, %u skipped\n", counts[DOCTOR_OK],
		       counts[DOCTOR_WARN], counts[DOCTOR_FAIL], counts[DOCTOR_SKIP]);
		return;
	}
	report->findings = json_pack("{s:o}", "checks", report->findings);
	json_dumpf(report->findings, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(report->findings);
}

int ctl_doctor(const struct ctl_line *line)
{
	const bool json = ctl_option_given(line->options, CTL_OPTION_JSON);
	const char *root = line->options->value[CTL_OPTION_ROOT];
	struct report report = {.line = line, .findings = json ? json_array() : NULL};
	struct answers answers = {0};
	struct doctor_facts facts;
	json_t *file = NULL;

	if (line->args[0] && !(file = read_file(line->args[0])))
		return CTL_REFUSED;
	ask_balancer(line, &answers);
	facts = (struct doctor_facts){
		.root = root ? root : "",
		.clock = look_at_clock(),
		.now_s = time(NULL),
		.config = file ? file : json_object_get(answers.config, "config"),
		.node = answers.node,
		.backends = json_object_get(answers.backends, "backends"),
		.services = json_object_get(answers.services, "services"),
		.stats = answers.stats,
		.workers = json_object_get(answers.workers, "workers"),
		.diff = answers.diff,
		.history = answers.history,
	};
	examine(&report, &facts);
	conclude(&report);
	free_answers(&answers);
	json_decref(file);
	return report.counts[DOCTOR_FAIL] > 0 ? CTL_REFUSED : CTL_DONE;
}
