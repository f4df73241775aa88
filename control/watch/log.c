/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "clock.h"
#include "log_sink.h"

const char *const log_topics[] = {
#define LOG_TOPIC_NAME(id, name, text) [id] = (name),
	LOG_TOPICS(LOG_TOPIC_NAME)
#undef LOG_TOPIC_NAME
		NULL,
};

const char *const log_formats[] = {
	[LOG_FORMAT_AUTO] = "auto",
	[LOG_FORMAT_TEXT] = "text",
	[LOG_FORMAT_JSON] = "json",
	NULL,
};

const char *const log_levels[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",     NULL,
};

static _Atomic int levels[LOG_TOPIC_COUNT] = {[0 ... LOG_TOPIC_COUNT - 1] = LOG_NOTICE};
static _Atomic enum log_format format = LOG_FORMAT_AUTO;
static enum log_level followed = LOG_LEVEL_NOTICE;

static pthread_mutex_t sites_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_site *sites_with_left_out;

void log_set_topic_level(enum log_topic topic, int priority)
{
	atomic_store_explicit(&levels[topic], priority, memory_order_relaxed);
}

int log_get_topic_level(enum log_topic topic)
{
	return atomic_load_explicit(&levels[topic], memory_order_relaxed);
}

void log_set_level(int priority)
{
	for (int topic = 0; topic < LOG_TOPIC_COUNT; topic++)
		log_set_topic_level((enum log_topic)topic, priority);
}

void log_follow(const struct log_settings *settings)
{
	atomic_store_explicit(&format, settings->format, memory_order_relaxed);
	if (settings->level != followed)
		log_set_level(LOG_ERR + (int)settings->level);
	followed = settings->level;
}

enum log_format log_get_format(void)
{
	return atomic_load_explicit(&format, memory_order_relaxed);
}

/* The site's window is over. */
static void tell_left_out(struct log_site *site)
{
	char text[LOG_LINE_MAX];

	if (site->left_out == 0)
		return;
	snprintf(text, sizeof(text), "%u similar lines were left out; the last of them: %.*s",
		 site->left_out, LOG_LINE_MAX - 80, site->left_out_text);
	site->left_out = 0;
	log_sink_write(log_get_format(),
		       &(struct log_line){site->left_out_priority, site->topic, NULL, text});
}

static bool window_is_over(const struct log_site *site, uint64_t now_ms)
{
	return now_ms - site->window_ms >= LOG_SITE_WINDOW_MS;
}

static void leave_out(struct log_site *site, int priority, const char *text)
{
	if (site->left_out == 0) {
		site->left_out_priority = priority;
		site->next = sites_with_left_out;
		sites_with_left_out = site;
	}
	site->left_out++;
	if (priority < site->left_out_priority)
		site->left_out_priority = priority;
	snprintf(site->left_out_text, sizeof(site->left_out_text), "%s", text);
}

static void unlist(const struct log_site *site)
{
	struct log_site **link = &sites_with_left_out;

	while (*link != NULL && *link != site)
		link = &(*link)->next;
	if (*link != NULL)
		*link = site->next;
}

/* True: @site may write a line. */
static bool admit(struct log_site *site, uint64_t now_ms)
{
	if (site->lines > 0 && !window_is_over(site, now_ms))
		return site->lines < LOG_SITE_LINES;
	unlist(site);
	tell_left_out(site);
	site->window_ms = now_ms;
	site->lines = 0;
	return true;
}

void log_at(struct log_site *site, enum log_topic topic, const struct log_subject *about,
	    int priority, const char *text_format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	if (priority > log_get_topic_level(topic))
		return;
	va_start(args, text_format);
	vsnprintf(text, sizeof(text), text_format, args);
	va_end(args);
	pthread_mutex_lock(&sites_lock);
	site->topic = topic;
	if (admit(site, clock_monotonic_ms())) {
		site->lines++;
		log_sink_write(log_get_format(), &(struct log_line){priority, topic, about, text});
	} else {
		leave_out(site, priority, text);
	}
	pthread_mutex_unlock(&sites_lock);
}

void log_text(int priority, const char *text)
{
	static struct log_site site;

	log_at(&site, LOG_TOPIC_DATAPLANE, NULL, priority, "%s", text);
}

void log_tell_left_out(bool all)
{
	const uint64_t now_ms = clock_monotonic_ms();
	struct log_site **link = &sites_with_left_out;

	pthread_mutex_lock(&sites_lock);
	while (*link != NULL) {
		struct log_site *site = *link;

		if (!all && !window_is_over(site, now_ms)) {
			link = &site->next;
			continue;
		}
		*link = site->next;
		tell_left_out(site);
	}
	pthread_mutex_unlock(&sites_lock);
}
