/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Written straight into the buffer's own memory: with ten thousand backends there are some
 * hundred thousand lines, and the event loop waits for all of them.
 */
#include "metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES (256u << 10)
/* Digits of a number, its fraction, blanks, braces, quotes, and the bound of a bucket. */
#define LINE_EXTRA_BYTES 96

/* The part of the buffer that is being written. */
struct page {
	struct evbuffer *out;
	struct evbuffer_iovec vector;
	char *at, *end;
	bool failed;
};

/* The labels of each sample of a group as they stand in a line, without braces. */
struct label_texts {
	char *text;
	size_t used, room;
	size_t *ends; /* of each sample's, in @text */
};

static void page_commit(struct page *page)
{
	if (page->at == NULL)
		return;
	page->vector.iov_len = (size_t)(page->at - (char *)page->vector.iov_base);
	if (evbuffer_commit_space(page->out, &page->vector, 1) < 0)
		page->failed = true;
	page->at = NULL;
}

/* False: no memory. */
static bool page_reserve(struct page *page, size_t bytes)
{
	if (page->at != NULL && (size_t)(page->end - page->at) >= bytes)
		return true;
	page_commit(page);
	if (page->failed ||
	    evbuffer_reserve_space(page->out, bytes + PAGE_BYTES, &page->vector, 1) != 1) {
		page->failed = true;
		return false;
	}
	page->at = page->vector.iov_base;
	page->end = page->at + page->vector.iov_len;
	return true;
}

static void put_bytes(struct page *page, const char *bytes, size_t length)
{
	memcpy(page->at, bytes, length);
	page->at += length;
}

static void put_string(struct page *page, const char *string)
{
	put_bytes(page, string, strlen(string));
}

static void put_number(struct page *page, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put_bytes(page, &digits[first], sizeof(digits) - first);
}

/* @number / @divisor, without trailing zeros. */
static void put_quotient(struct page *page, uint64_t number, uint32_t divisor)
{
	uint64_t rest = divisor > 1 ? number % divisor : 0;

	put_number(page, divisor > 1 ? number / divisor : number);
	if (rest == 0)
		return;
	*page->at++ = '.';
	for (; rest > 0; rest = rest * 10 % divisor)
		*page->at++ = (char)('0' + rest * 10 / divisor);
}

/* In a label's value a backslash, a quote and a newline are written with a backslash. */
static char *escape(char *to, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			*to++ = '\\';
		*to++ = *value == '\n' ? 'n' : *value;
	}
	return to;
}

/* NAME="VALUE"; there is room for it. */
static char *write_label(char *to, const char *name, const char *value)
{
	to = stpcpy(to, name);
	*to++ = '=';
	*to++ = '"';
	to = escape(to, value);
	*to++ = '"';
	return to;
}

/* The most that write_label() takes, and a comma. */
static size_t label_room(const char *name, const char *value)
{
	return strlen(name) + 2 * strlen(value) + 4;
}

static bool labels_reserve(struct label_texts *labels, size_t bytes)
{
	const size_t wanted = labels->used + bytes;
	char *grown;

	if (wanted <= labels->room)
		return true;
	grown = realloc(labels->text, 2 * wanted);
	if (grown == NULL)
		return false;
	labels->text = grown;
	labels->room = 2 * wanted;
	return true;
}

static bool labels_add(struct label_texts *labels, const struct metric_group *group,
		       const struct metric_subject *subject)
{
	for (uint32_t i = 0; i < METRIC_LABELS_MAX && group->labels[i] != NULL; i++) {
		char *to;

		if (!labels_reserve(labels, label_room(group->labels[i], subject->labels[i])))
			return false;
		to = labels->text + labels->used;
		if (i > 0)
			*to++ = ',';
		to = write_label(to, group->labels[i], subject->labels[i]);
		labels->used = (size_t)(to - labels->text);
	}
	return true;
}

static bool labels_make(struct label_texts *labels, const struct metric_samples *samples,
			enum metric_group_id group)
{
	const uint32_t count = samples->sets[group].count;

	*labels = (struct label_texts){.ends = calloc(count + 1, sizeof(*labels->ends))};
	if (labels->ends == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!labels_add(labels, &metric_groups[group],
				metric_subject_of(samples, group, i)))
			return false;
		labels->ends[i] = labels->used;
	}
	return true;
}

static void labels_fini(struct label_texts *labels)
{
	free(labels->text);
	free(labels->ends);
}

/* What lines of one family have in common, and one sample of it. */
struct line {
	struct page *page;
	const struct metric_family *family;
	const char *labels;
	size_t labels_length;
};

struct label {
	const char *name, *value;
};

/* NAME SUFFIX {labels, @extra}, and a blank; @extra may be NULL. False: no memory. */
static bool line_begin(const struct line *line, const char *suffix, const struct label *extra)
{
	struct page *page = line->page;
	const bool has_labels = line->labels_length > 0;
	const size_t extra_room = extra != NULL ? label_room(extra->name, extra->value) : 0;

	if (!page_reserve(page, strlen(line->family->name) + line->labels_length + extra_room +
					LINE_EXTRA_BYTES))
		return false;
	put_string(page, line->family->name);
	put_string(page, suffix);
	if (has_labels || extra != NULL)
		*page->at++ = '{';
	put_bytes(page, line->labels, line->labels_length);
	if (has_labels && extra != NULL)
		*page->at++ = ',';
	if (extra != NULL)
		page->at = write_label(page->at, extra->name, extra->value);
	if (has_labels || extra != NULL)
		*page->at++ = '}';
	*page->at++ = ' ';
	return true;
}

static void line_put(const struct line *line, const char *suffix, uint64_t number, uint32_t divisor)
{
	if (!line_begin(line, suffix, NULL))
		return;
	put_quotient(line->page, number, divisor);
	*line->page->at++ = '\n';
}

static void line_put_labelled(const struct line *line, const char *suffix,
			      const struct label *label, uint64_t number)
{
	if (!line_begin(line, suffix, label))
		return;
	put_number(line->page, number);
	*line->page->at++ = '\n';
}

#define MICROSECONDS 1000000

static void write_histogram(const struct line *line, const struct histogram *histogram)
{
	static const struct label rest = {"le", "+Inf"};
	uint64_t count = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		char bound[24];
		const struct label label = {"le", bound};

		count += histogram->counts[i];
		snprintf(bound, sizeof(bound), "%g", (double)histogram_bounds_us[i] / MICROSECONDS);
		line_put_labelled(line, "_bucket", &label, count);
	}
	count += histogram->counts[HISTOGRAM_BOUNDS];
	line_put_labelled(line, "_bucket", &rest, count);
	line_put(line, "_sum", histogram->sum_us, MICROSECONDS);
	line_put(line, "_count", count, 1);
}

static void write_sample(const struct line *line, const struct metric_subject *subject)
{
	const struct metric_family *family = line->family;

	switch (family->type) {
	case METRIC_COUNTER:
	case METRIC_GAUGE:
		if (metric_number(subject, family) != METRIC_ABSENT)
			line_put(line, "", metric_number(subject, family), family->divisor);
		break;
	case METRIC_TEXT:
		line_put_labelled(line, "",
				  &(struct label){family->label, metric_text(subject, family)}, 1);
		break;
	case METRIC_HISTOGRAM:
		if (metric_histogram(subject, family) != NULL)
			write_histogram(line, metric_histogram(subject, family));
		break;
	}
}

static const char *type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
	case METRIC_TEXT:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "";
}

/* Help texts hold neither backslashes nor newlines. */
static void write_header(struct page *page, const struct metric_family *family)
{
	if (!page_reserve(page, 2 * strlen(family->name) + strlen(family->help) + LINE_EXTRA_BYTES))
		return;
	put_string(page, "# HELP ");
	put_string(page, family->name);
	put_string(page, " ");
	put_string(page, family->help);
	put_string(page, "\n# TYPE ");
	put_string(page, family->name);
	put_string(page, " ");
	put_string(page, type_name(family->type));
	put_string(page, "\n");
}

static void write_family(struct page *page, const struct metric_samples *samples,
			 enum metric_group_id group, const struct metric_family *family,
			 const struct label_texts *labels)
{
	size_t begin = 0;

	write_header(page, family);
	for (uint32_t i = 0; i < samples->sets[group].count && !page->failed; i++) {
		const struct line line = {
			.page = page,
			.family = family,
			.labels = labels->text != NULL ? labels->text + begin : "",
			.labels_length = labels->ends[i] - begin,
		};

		write_sample(&line, metric_subject_of(samples, group, i));
		begin = labels->ends[i];
	}
}

static void write_group(struct page *page, const struct metric_samples *samples,
			enum metric_group_id group)
{
	struct label_texts labels;

	if (labels_make(&labels, samples, group)) {
		for (uint32_t i = 0; i < metric_groups[group].family_count; i++)
			write_family(page, samples, group, &metric_groups[group].families[i],
				     &labels);
	} else {
		page->failed = true;
	}
	labels_fini(&labels);
}

int metrics_write_samples(const struct metric_samples *samples, struct evbuffer *out)
{
	struct page page = {.out = out};

	for (uint32_t i = 0; i < METRICS_GROUP_COUNT && !page.failed; i++)
		write_group(&page, samples, i);
	page_commit(&page);
	return page.failed ? -ENOMEM : 0;
}

int metrics_write(const struct rpc_context *context, struct evbuffer *out)
{
	struct metric_samples samples;
	int rc = metric_samples_take(context, &samples);

	if (rc < 0)
		return rc;
	rc = metrics_write_samples(&samples, out);
	metric_samples_fini(&samples);
	return rc;
}
