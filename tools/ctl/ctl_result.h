/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of results, as those who print them want them. */
#ifndef MAILRAIL_TOOLS_CTL_RESULT_H
#define MAILRAIL_TOOLS_CTL_RESULT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <jansson.h>

/* "-": absent. */
static inline const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "-";
}

static inline uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static inline bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* "59s", "14m49s", "2h00m". */
struct time_text {
	char text[32];
};

static inline struct time_text time_text(uint64_t ms)
{
	const uint64_t seconds = ms / 1000;
	struct time_text out;

	if (seconds < 60)
		snprintf(out.text, sizeof(out.text), "%" PRIu64 "s", seconds);
	else if (seconds < 3600)
		snprintf(out.text, sizeof(out.text), "%" PRIu64 "m%02" PRIu64 "s", seconds / 60,
			 seconds % 60);
	else
		snprintf(out.text, sizeof(out.text), "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600,
			 seconds / 60 % 60);
	return out;
}

/* "2026-11-22 18:04:05", of this machine's time zone. @ms: since 1970 (UTC). */
static inline struct time_text moment_text(uint64_t ms)
{
	const time_t when = (time_t)(ms / 1000);
	struct time_text out = {"-"};
	struct tm local;

	if (localtime_r(&when, &local))
		strftime(out.text, sizeof(out.text), "%F %T", &local);
	return out;
}

#endif
