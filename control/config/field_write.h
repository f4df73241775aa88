/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON text of a struct, straight from its table: what json_dumps(3) makes of
 * shape_encode()'s result, without the detour over hundreds of thousands of small objects. A
 * configuration of 10,000 backends is written at every change.
 */
#ifndef MAILRAIL_CONTROL_FIELD_WRITE_H
#define MAILRAIL_CONTROL_FIELD_WRITE_H

#include "field.h"

enum shape_layout {
	SHAPE_ONE_LINE,
	SHAPE_INDENTED, /* by two spaces, as people read it; values of FIELD_JSON on one line */
};

/* Ended by NUL, without a newline; free() it. NULL: no memory. */
char *shape_write(const struct shape *shape, const void *in, enum shape_encode_flags flags,
		  enum shape_layout layout);

#endif
