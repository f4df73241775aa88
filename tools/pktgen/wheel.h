/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers of millions of sessions: a hierarchical timing wheel (Varghese and Lauck, 1987) of four
 * levels with 256 slots each, in which adding and taking cost the same however many there are.
 * The sessions are elements of an array, each beginning with a wheel_node; one element is in the
 * wheel once at most. Time is counted in ticks, which wrap, and only moves when a timer is taken.
 * One thread.
 */
#ifndef MAILRAIL_PKTGEN_WHEEL_H
#define MAILRAIL_PKTGEN_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_LEVELS 4
#define WHEEL_SLOTS  256
#define WHEEL_NONE   UINT32_MAX

struct wheel_node {
	uint32_t next;
	uint32_t due; /* tick */
};

struct wheel {
	void *elements;	     /* borrowed */
	uint32_t size_bytes; /* of an element */
	uint32_t now;	     /* tick */
	uint32_t due_first;  /* those whose time has come, in order */
	uint32_t due_last;
	uint32_t slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, void *elements, uint32_t size_bytes);

/* @due is less than 2^31 ticks ahead; in the past is now. */
void wheel_add(struct wheel *wheel, uint32_t index, uint32_t due);

/*
 * Takes out the next element whose tick is not after @until, and moves the time there; false,
 * and the time is @until, when there is none.
 */
bool wheel_take(struct wheel *wheel, uint32_t until, uint32_t *out_index);

#endif
