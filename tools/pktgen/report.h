/* SPDX-License-Identifier: BSD-3-Clause */
/* What people and programs get to see of a trial. Main thread. */
#ifndef MAILRAIL_PKTGEN_REPORT_H
#define MAILRAIL_PKTGEN_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "trial.h"

/* A line of the second that has passed, headings above every 20th; @context: a FILE. */
void report_progress(void *context, const struct trial_counts *now,
		     const struct trial_counts *last);

/* @witness: NULL when nothing was received. */
void report_summary(FILE *stream, const struct trial_counts *counts, const struct witness *witness,
		    bool sent);

/* New reference; NULL: no memory. @profile is its name. */
json_t *report_json(const char *profile, const struct trial_counts *counts,
		    const struct witness *witness, bool sent);

#endif
