/* SPDX-License-Identifier: BSD-3-Clause */
#include "prepare_script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void prepare_line(struct prepare_script *script, const char *format, ...)
{
	char **lines = realloc(script->lines, (script->count + 1) * sizeof(*lines));
	va_list args;

	if (!lines) {
		script->incomplete = true;
		return;
	}
	script->lines = lines;
	va_start(args, format);
	if (vasprintf(&lines[script->count], format, args) < 0)
		script->incomplete = true;
	else
		script->count++;
	va_end(args);
}

void prepare_add(struct prepare_script *script, const char *format, ...)
{
	char *more, *joined;
	char **last;
	va_list args;
	int size;

	if (script->incomplete)
		return;
	last = &script->lines[script->count - 1];
	va_start(args, format);
	size = vasprintf(&more, format, args);
	va_end(args);
	if (size < 0 || asprintf(&joined, "%s%s", *last, more) < 0) {
		script->incomplete = true;
		if (size >= 0)
			free(more);
		return;
	}
	free(more);
	free(*last);
	*last = joined;
}

void prepare_script_fini(struct prepare_script *script)
{
	for (uint32_t i = 0; i < script->count; i++)
		free(script->lines[i]);
	free(script->lines);
	*script = (struct prepare_script){0};
}
