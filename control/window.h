/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much a counter has grown of late: over the last WINDOW_STEPS steps, whose length the owner
 * chooses. Control thread.
 */
#ifndef MAILRAIL_CONTROL_WINDOW_H
#define MAILRAIL_CONTROL_WINDOW_H

#include <stdint.h>

#define WINDOW_STEPS 16

/* Zeroed: a counter that began at 0. */
struct window {
	uint64_t values[WINDOW_STEPS]; /* at the last steps, oldest at @oldest */
	uint32_t oldest;
};

/* A step has passed; the counter, which only grows, stands at @value. */
void window_step(struct window *window, uint64_t value);

/* The growth over the last WINDOW_STEPS steps and what has passed since, to @value now. */
uint64_t window_growth(const struct window *window, uint64_t value);

#endif
