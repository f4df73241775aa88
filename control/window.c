/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

void window_step(struct window *window, uint64_t value)
{
	window->values[window->oldest] = value;
	window->oldest = (window->oldest + 1) % WINDOW_STEPS;
}

uint64_t window_growth(const struct window *window, uint64_t value)
{
	return value - window->values[window->oldest];
}
