/* SPDX-License-Identifier: BSD-3-Clause */
/* A script that is being written, line by line. */
#ifndef MAILRAIL_CONTROL_PREPARE_SCRIPT_H
#define MAILRAIL_CONTROL_PREPARE_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

struct prepare_script {
	char **lines; /* owned, without newlines */
	uint32_t count;
	bool incomplete; /* a line is missing, for want of memory */
};

__attribute__((format(printf, 2, 3))) void prepare_line(struct prepare_script *script,
							const char *format, ...);
/* Goes on with the last line. */
__attribute__((format(printf, 2, 3))) void prepare_add(struct prepare_script *script,
						       const char *format, ...);
void prepare_script_fini(struct prepare_script *script);

#endif
