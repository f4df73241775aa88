/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a line of the log goes, and in which form. Any thread. */
#ifndef MAILRAIL_CONTROL_LOG_SINK_H
#define MAILRAIL_CONTROL_LOG_SINK_H

#include "log.h"

struct log_line {
	int priority;
	enum log_topic topic;
	const struct log_subject *about; /* NULL: nobody */
	char *text;			 /* is made printable in place */
};

/*
 * To standard error in one write, so that lines of several threads do not mix; what is wrong with
 * it is nobody's business. To the journal with PRIORITY, MAILRAIL_TOPIC, MAILRAIL_POOL and
 * MAILRAIL_BACKEND (sd_journal_send(3)); where journald does not listen, as text with the
 * priority prefix of sd-daemon(3).
 */
void log_sink_write(enum log_format format, const struct log_line *line);

#endif
