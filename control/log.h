/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one line per event on standard error, with the systemd priority prefix <N>
 * (sd-daemon(3)) when that is the journal. ERR: someone must act. WARNING: degraded but
 * serving. NOTICE: state changed. INFO and DEBUG: for the one who looks closer. Any thread.
 */
#ifndef MAILRAIL_CONTROL_LOG_H
#define MAILRAIL_CONTROL_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* Messages less urgent than @priority (LOG_ERR...LOG_DEBUG) are not written. Default NOTICE. */
void log_set_level(int priority);
int log_get_level(void);

__attribute__((format(printf, 2, 3))) void log_write(int priority, const char *format, ...);

/* The same for a ready text, as mr_log_fn wants it. */
void log_text(int priority, const char *text);

#endif
