/* SPDX-License-Identifier: BSD-3-Clause */
/* Where views write to, and how. */
#ifndef MAILRAIL_TOOLS_CTL_OUTPUT_H
#define MAILRAIL_TOOLS_CTL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct ctl_output {
	FILE *stream;
	bool colour; /* the stream is a terminal that shows colours */
};

#endif
