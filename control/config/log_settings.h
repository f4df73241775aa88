/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration says about the log. */
#ifndef MAILRAIL_CONTROL_LOG_SETTINGS_H
#define MAILRAIL_CONTROL_LOG_SETTINGS_H

enum log_format {
	LOG_FORMAT_AUTO, /* the journal's fields where standard error is the journal, else text */
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON, /* one object a line */
};

/* From the most urgent on: those of syslog(3) without the first three. */
enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Their words, ended by NULL. */
extern const char *const log_formats[];
extern const char *const log_levels[];

struct log_settings {
	enum log_format format; /* auto */
	enum log_level level;	/* notice; of all topics */
};

#endif
