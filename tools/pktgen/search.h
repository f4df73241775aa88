/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The highest rate without loss (RFC 2544, section 26.1), found by halving the interval between
 * the highest rate that passed and the lowest that did not. Pure: whoever asks runs the trials.
 */
#ifndef MAILRAIL_PKTGEN_SEARCH_H
#define MAILRAIL_PKTGEN_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct search {
	double passed; /* packets/s; 0: none yet */
	double failed; /* 0: none yet */
	double next;
	double resolution; /* done when the interval is this part of its upper end */
	uint32_t trials;
	bool as_fast_as_it_goes; /* so the next trial is */
	bool done;
};

/* The first trial is as fast as it goes. */
void search_begin(struct search *search, double resolution);

/* @achieved: the rate that was really sent, which may be less than what was asked for. */
void search_trial(struct search *search, double achieved, bool passed);

#endif
