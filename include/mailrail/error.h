/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one line that tells an operator what was wrong. A function that can fail because of
 * the world returns a negative errno and fills the error its caller passed; the caller
 * decides whether to print, log or send it.
 */
#ifndef MAILRAIL_ERROR_H
#define MAILRAIL_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#define MR_ERROR_TEXT_MAX 512

struct mr_error {
	char text[MR_ERROR_TEXT_MAX]; /* one line, no newline at its end */
};

/* Writes the line and returns @code (a negative errno), so that callers can `return` it. */
__attribute__((format(printf, 3, 4))) static inline int mr_error_set(struct mr_error *error,
								     int code, const char *format,
								     ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

#endif
