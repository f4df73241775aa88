/* SPDX-License-Identifier: BSD-3-Clause */
#include "tell.h"

#include <stdarg.h>
#include <stdio.h>

#include <mailrail/error.h>

void tell(mr_log_fn *log, int priority, const char *format, ...)
{
	char text[MR_ERROR_TEXT_MAX];
	va_list args;

	if (log == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log(priority, text);
}
