/* SPDX-License-Identifier: BSD-3-Clause */
/* The search for the highest rate without loss, for one size of frames after another. */
#ifndef MAILRAIL_PKTGEN_HIGHEST_RATE_H
#define MAILRAIL_PKTGEN_HIGHEST_RATE_H

#include <mailrail/error.h>

#include "pktgen_options.h"
#include "stage.h"

/*
 * @profile: from which addresses are taken. Progress goes to standard error, the table to standard
 * output. @out: a new reference, also of what was found before something went wrong.
 */
int highest_rates_find(struct stage *stage, const struct pktgen_options *options,
		       const json_t *profile, json_t **out, struct mr_error *error);

#endif
