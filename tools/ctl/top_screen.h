/* SPDX-License-Identifier: BSD-3-Clause */
/* The screen of mailrailctl top. */
#ifndef MAILRAIL_TOOLS_TOP_SCREEN_H
#define MAILRAIL_TOOLS_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "top_model.h"

enum top_view {
	TOP_VIEW_ALL,
	TOP_VIEW_SERVICES,
	TOP_VIEW_POOLS,
	TOP_VIEW_BACKENDS,
};

struct top_screen {
	enum top_view view;
	enum top_sort sort;
	bool reverse;
	uint32_t first; /* of the lines that fit not all, the one on top */
};

/* -ENOTTY: standard output is no terminal that can be drawn on. */
int top_screen_open(bool colour);
void top_screen_close(void);

/* @trouble: why nothing new comes; NULL: it does. Sorts the model's rows. */
void top_screen_draw(struct top_screen *screen, struct top_model *model, const char *trouble);

/* Does what the keys that were pressed say. True: that was to quit. */
bool top_screen_keys(struct top_screen *screen);

#endif
