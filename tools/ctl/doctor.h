/* SPDX-License-Identifier: BSD-3-Clause */
/* What mailrailctl doctor looks at: a table of checks, each a small question to the facts. */
#ifndef MAILRAIL_TOOLS_DOCTOR_H
#define MAILRAIL_TOOLS_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* From harmless to not. */
enum doctor_verdict {
	DOCTOR_SKIP, /* does not apply here, or cannot be known */
	DOCTOR_OK,
	DOCTOR_WARN, /* works, but worse than it could, or not for long */
	DOCTOR_FAIL, /* does not work */
};

/* "skip", "ok", "warn", "fail" */
extern const char *const doctor_verdicts[];

struct doctor_finding {
	enum doctor_verdict verdict;
	char value[200];
	char advice[400]; /* what to do about it; empty when it is well */
};

enum doctor_clock {
	DOCTOR_CLOCK_UNKNOWN,
	DOCTOR_CLOCK_SYNCHRONISED,
	DOCTOR_CLOCK_FREE,
};

/* What is known. The JSON is results of methods; NULL: nobody has answered. Borrowed. */
struct doctor_facts {
	const char *root; /* before /proc and /sys; "": this machine */
	enum doctor_clock clock;
	int64_t now_s;
	const json_t *config; /* as the balancer, or a file, has it */
	const json_t *node;
	const json_t *backends; /* the array */
	const json_t *services; /* the array */
	const json_t *stats;
	const json_t *workers; /* the array */
	const json_t *diff;
	const json_t *history;
};

typedef void doctor_check(const struct doctor_facts *facts, struct doctor_finding *out);

struct doctor_row {
	const char *name;
	doctor_check *check;
	const char *text; /* what it looks at, for the manual page */
};

/* Ended by a row without a name. */
extern const struct doctor_row doctor_machine_rows[];
extern const struct doctor_row doctor_network_rows[];
extern const struct doctor_row doctor_balancer_rows[];
/* The three above, ended by NULL. */
extern const struct doctor_row *const doctor_tables[];

/* Runs one check; a check that has nothing to say says DOCTOR_SKIP. */
void doctor_run(const struct doctor_row *row, const struct doctor_facts *facts,
		struct doctor_finding *out);

/*
 * For checks: takes the value and @advice if @verdict is worse than what is there, so that a
 * check that walks over many objects shows the worst. The format is that of the value.
 */
__attribute__((format(printf, 4, 5))) void doctor_find(struct doctor_finding *out,
						       enum doctor_verdict verdict,
						       const char *advice, const char *format, ...);

#endif
