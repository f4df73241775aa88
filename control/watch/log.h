/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one line per event on standard error, or an entry of the journal where that is the
 * journal. ERR: someone must act. WARNING: degraded but serving. NOTICE: state changed. INFO and
 * DEBUG: for the one who looks closer. Any thread.
 *
 * A file that logs says what it logs about before it includes this: #define LOG_TOPIC
 * LOG_TOPIC_HEALTH. Each topic has a level of its own, adjustable at run time.
 *
 * What one place in the code has to say is limited to LOG_SITE_LINES in LOG_SITE_WINDOW_MS. What
 * is left out is counted, and told together with the last of it once the place has been quiet, or
 * by its next line.
 */
#ifndef MAILRAIL_CONTROL_LOG_H
#define MAILRAIL_CONTROL_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "log_settings.h"

/* X(enumerator, name, what it is about, without its stop) */
#define LOG_TOPICS(X)                                                                        \
	X(LOG_TOPIC_NODE, "node", "Start and stop, and what has no topic of its own")        \
	X(LOG_TOPIC_CONFIG, "config", "Generations of the configuration, and their file")    \
	X(LOG_TOPIC_RPC, "rpc", "Calls that change something, and connections")              \
	X(LOG_TOPIC_HEALTH, "health", "Verdicts about backends, and their probes")           \
	X(LOG_TOPIC_SESSIONS, "sessions", "Pins, moving slots, and what outlives mailraild") \
	X(LOG_TOPIC_WAYS, "ways", "Routes, next hops, and paths to backends")                \
	X(LOG_TOPIC_PORTS, "ports", "Ports: links, addresses, interfaces")                   \
	X(LOG_TOPIC_DATAPLANE, "dataplane", "Workers, steering, and DPDK")

enum log_topic {
#define LOG_TOPIC_ENUM(id, name, text) id,
	LOG_TOPICS(LOG_TOPIC_ENUM)
#undef LOG_TOPIC_ENUM
		LOG_TOPIC_COUNT
};

/* Their names, ended by NULL. */
extern const char *const log_topics[];

#define LOG_SITE_LINES	   20
#define LOG_SITE_WINDOW_MS 10000
#define LOG_LINE_MAX	   1024

/* Messages of a topic less urgent than @priority (LOG_ERR...LOG_DEBUG) are not written. */
void log_set_topic_level(enum log_topic topic, int priority);
int log_get_topic_level(enum log_topic topic);
/* The same for all topics. Default: NOTICE. */
void log_set_level(int priority);

/*
 * @settings are in force. A level that differs from the last ones' becomes that of all topics;
 * else levels that somebody has set stay.
 */
void log_follow(const struct log_settings *settings);
enum log_format log_get_format(void);

/* Who a message is about; NULL: nobody in particular. */
struct log_subject {
	const char *pool, *backend;
};

/* A place that logs; zeroed at first, and never gone. */
struct log_site {
	struct log_site *next; /* of those with something left out */
	enum log_topic topic;
	uint64_t window_ms; /* CLOCK_MONOTONIC when the window began */
	uint32_t lines;	    /* written since then */
	uint32_t left_out;
	int left_out_priority;		  /* the most urgent of them */
	char left_out_text[LOG_LINE_MAX]; /* the last of them */
};

__attribute__((format(printf, 5, 6))) void log_at(struct log_site *site, enum log_topic topic,
						  const struct log_subject *about, int priority,
						  const char *format, ...);

/* log_write(priority, format, ...); and of another topic than the file's, about somebody or NULL.
 */
#define log_write(...) log_write_about(LOG_TOPIC, NULL, __VA_ARGS__)
#define log_write_about(topic, about, ...)                     \
	do {                                                   \
		static struct log_site log_site_;              \
		log_at(&log_site_, topic, about, __VA_ARGS__); \
	} while (0)

/* What the dataplane has to say, as mr_log_fn wants it. */
void log_text(int priority, const char *text);

/*
 * Tells what was left out where the window is over, or everywhere. To be called once a second or
 * so, and at the end.
 */
void log_tell_left_out(bool all);

#endif
