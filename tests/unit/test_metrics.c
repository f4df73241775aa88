/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics as Prometheus reads them, of a balancer with a real dataplane whose one port leads
 * nowhere; and that what config/ and docs/ tell of metrics names only those that there are. In a
 * network namespace of its own, for the prober's interface.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/config_text.h"
#include "../lib/idle_dataplane.h"
#include "../lib/unit.h"
#include "balancer.h"
#include "metrics.h"
#include "rpc_methods.h"

static struct idle_dataplane idle;
static struct events *events;

static const char frame[] =
	"{\"node\": {\"name\": \"n\", \"key\": "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
	"\"ports\": [{\"name\": \"wan\", \"device\": \"net_null0\", \"twin\": false, "
	"\"neighbours\": [{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}]}], "
	"\"pools\": [%s], \"services\": [{\"name\": \"smtp\", \"namespace\": \"x.org\", "
	"\"addresses\": [\"192.0.2.9\"], \"ports\": [25], \"pool\": \"p0\"}]}";

/* @pools pools p0, p1 ... with @backends backends b0, b1 ... each. */
static struct config *make_config(uint32_t pools, uint32_t backends)
{
	struct config *config;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t p = 0; p < pools; p++) {
		fprintf(out,
			"%s{\"name\": \"p%u\", \"forwarding\": \"l2dsr\", \"table_size\": 10007, "
			"\"health\": {\"type\": \"none\"}, \"backends\": [",
			p > 0 ? ", " : "", p);
		for (uint32_t b = 0; b < backends; b++)
			fprintf(out, "%s{\"name\": \"b%u\", \"address\": \"10.%u.%u.1\"}",
				b > 0 ? ", " : "", b, p, b);
		fprintf(out, "]}");
	}
	fclose(out);
	config = config_from_text(frame, text);
	config->workers.cores[0] = idle.core;
	free(text);
	return config;
}

static struct balancer *start(struct config *config)
{
	const struct balancer_setup setup = {
		.base = idle.base, .dp = idle.dp, .config = config, .events = events};
	struct mr_error error = {""};
	struct balancer *balancer;

	if (balancer_create(&setup, &balancer, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no balancer");
	}
	return balancer;
}

/* free() it. */
static char *take_text(struct evbuffer *buffer)
{
	const size_t size = evbuffer_get_length(buffer);
	char *text = calloc(1, size + 1);

	CU_ASSERT_EQUAL(evbuffer_remove(buffer, text, size), (int)size);
	evbuffer_free(buffer);
	return text;
}

static char *write_metrics(struct balancer *balancer)
{
	struct histogram times = {.counts = {[3] = 2, [HISTOGRAM_BOUNDS] = 1}, .sum_us = 1500001};
	const struct rpc_context context = {
		.methods = rpc_methods, .balancer = balancer, .events = events, .times = &times};
	struct evbuffer *buffer = evbuffer_new();

	CU_ASSERT_EQUAL_FATAL(metrics_write(&context, buffer), 0);
	return take_text(buffer);
}

#define LINE_MAX_BYTES 1024

/* The text line by line, each in a string of its own: some are megabytes in all. */
struct lines {
	const char *at, *end;
};

static struct lines lines_of(const char *text)
{
	return (struct lines){text, text + strlen(text)};
}

static bool lines_next(struct lines *lines, char out[LINE_MAX_BYTES])
{
	const char *end;

	if (lines->at == lines->end)
		return false;
	end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	if (end == NULL) {
		CU_FAIL("the last line does not end");
		return false;
	}
	CU_ASSERT_FATAL(end - lines->at < LINE_MAX_BYTES);
	memcpy(out, lines->at, (size_t)(end - lines->at));
	out[end - lines->at] = '\0';
	lines->at = end + 1;
	return true;
}

/* The value of a series; "" when it is not there. */
static const char *value_of(const char *text, const char *series)
{
	static char line[LINE_MAX_BYTES];
	struct lines lines = lines_of(text);
	const size_t length = strlen(series);

	while (lines_next(&lines, line)) {
		if (strncmp(line, series, length) == 0 && line[length] == ' ')
			return &line[length + 1];
	}
	return "";
}

static const struct metric_family *find_family(const char *name, size_t length)
{
	for (uint32_t g = 0; g < METRICS_GROUP_COUNT; g++) {
		for (uint32_t i = 0; i < metric_groups[g].family_count; i++) {
			const struct metric_family *family = &metric_groups[g].families[i];

			if (strlen(family->name) == length &&
			    memcmp(family->name, name, length) == 0)
				return family;
		}
	}
	return NULL;
}

static bool ends_with(const char *name, size_t length, const char *suffix)
{
	const size_t suffix_length = strlen(suffix);

	return length > suffix_length &&
	       memcmp(name + length - suffix_length, suffix, suffix_length) == 0;
}

/* A family, or one of the series that a histogram has. */
static bool is_series_name(const char *name, size_t length)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	const struct metric_family *family = find_family(name, length);

	if (family != NULL)
		return family->type != METRIC_HISTOGRAM;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!ends_with(name, length, suffixes[i]))
			continue;
		family = find_family(name, length - strlen(suffixes[i]));
		return family != NULL && family->type == METRIC_HISTOGRAM;
	}
	return false;
}

/* Behind NAME="VALUE"; NULL: it is none. */
static const char *skip_label(const char *at)
{
	if (!islower(*at))
		return NULL;
	while (islower(*at) || *at == '_')
		at++;
	if (*at++ != '=' || *at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if (*at == '\0')
			return NULL;
		if (*at == '\\')
			at++;
	}
	return at + 1;
}

static const char *skip_labels(const char *at)
{
	do
		at = skip_label(at + 1);
	while (at != NULL && *at == ',');
	return at != NULL && *at == '}' ? at + 1 : NULL;
}

static bool is_number(const char *at)
{
	char *behind;

	strtod(at, &behind);
	return *at != '\0' && *behind == '\0';
}

/* A line with a sample, of @family. */
static bool check_sample(const char *line, const char *family)
{
	const size_t name_length = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	const char *at = line + name_length;

	if (!is_series_name(line, name_length) || strncmp(line, family, strlen(family)) != 0)
		return false;
	if (*at == '{')
		at = skip_labels(at);
	return at != NULL && *at == ' ' && is_number(at + 1);
}

/* Behind @prefix, a word of at most 127 letters into @out; NULL: the line is another one. */
static const char *take_word(const char *line, const char *prefix, char out[128])
{
	const size_t prefix_length = strlen(prefix);
	size_t length;

	if (strncmp(line, prefix, prefix_length) != 0)
		return NULL;
	line += prefix_length;
	length = strcspn(line, " ");
	CU_ASSERT_FATAL(length > 0 && length < 128);
	memcpy(out, line, length);
	out[length] = '\0';
	return line + length;
}

static bool check_type(const char *at, const char *name)
{
	const struct metric_family *family = find_family(name, strlen(name));
	char type[128];

	if (take_word(at, " ", type) == NULL || family == NULL)
		return false;
	switch (family->type) {
	case METRIC_COUNTER:
		return strcmp(type, "counter") == 0;
	case METRIC_GAUGE:
	case METRIC_TEXT:
		return strcmp(type, "gauge") == 0;
	case METRIC_HISTOGRAM:
		return strcmp(type, "histogram") == 0;
	}
	return false;
}

/* The format's rules, line by line: each family once, its help before its type before the rest. */
static void check_format(const char *text)
{
	char line[LINE_MAX_BYTES], family[128] = "", name[128];
	uint32_t helps = 0, types = 0, families = 0;
	struct lines lines = lines_of(text);

	while (lines_next(&lines, line)) {
		const char *at;
		bool fine;

		if (take_word(line, "# HELP ", family) != NULL)
			fine = types == helps++ && find_family(family, strlen(family)) != NULL;
		else if ((at = take_word(line, "# TYPE ", name)) != NULL)
			fine = ++types == helps && strcmp(name, family) == 0 &&
			       check_type(at, name);
		else
			fine = types == helps && check_sample(line, family);
		if (!fine)
			puts(line);
		CU_ASSERT_FATAL(fine);
	}
	for (uint32_t g = 0; g < METRICS_GROUP_COUNT; g++)
		families += metric_groups[g].family_count;
	CU_ASSERT_EQUAL(helps, families);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes @text apart. */
static void check_no_series_twice(char *text)
{
	char **series = calloc(strlen(text), sizeof(*series));
	uint32_t count = 0;

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (line[0] != '#')
			*strrchr(line, ' ') = '\0';
		series[count++] = line;
	}
	qsort(series, count, sizeof(*series), compare_lines);
	for (uint32_t i = 1; i < count; i++)
		CU_ASSERT_STRING_NOT_EQUAL(series[i - 1], series[i]);
	free(series);
}

static void check_family(const struct metric_family *family)
{
	const size_t length = strlen(family->name);

	CU_ASSERT_PTR_EQUAL(find_family(family->name, length), family); /* unique */
	CU_ASSERT(strncmp(family->name, "mailrail_", 9) == 0 ||
		  strncmp(family->name, "process_", 8) == 0);
	CU_ASSERT_EQUAL(ends_with(family->name, length, "_total"), family->type == METRIC_COUNTER);
	CU_ASSERT_EQUAL(ends_with(family->name, length, "_info") ||
				strstr(family->name, "backend_") != NULL,
			family->type == METRIC_TEXT || strstr(family->name, "backend_") != NULL);
	CU_ASSERT_EQUAL(family->label != NULL, family->type == METRIC_TEXT);
	CU_ASSERT(strlen(family->help) > 3);
	CU_ASSERT_PTR_NULL(strpbrk(family->help, "\n\\"));
}

static void test_table(void)
{
	for (uint32_t g = 0; g < METRICS_GROUP_COUNT; g++)
		for (uint32_t i = 0; i < metric_groups[g].family_count; i++)
			check_family(&metric_groups[g].families[i]);
}

static void test_format(void)
{
	struct balancer *balancer = start(make_config(2, 3));
	char *text = write_metrics(balancer);

	check_format(text);
	check_no_series_twice(text);
	free(text);
	balancer_destroy(balancer);
}

static void test_values(void)
{
	struct balancer *balancer = start(make_config(2, 3));
	struct config *next = make_config(2, 3);
	const struct change change = {.author = {.name = "test", .reason = "test"}};
	struct mr_error error = {""};
	char *text;

	next->pools[1].backends[2].weight = 7;
	next->pools[1].backends[0].state = CONFIG_BACKEND_DRAIN;
	CU_ASSERT_EQUAL_FATAL(balancer_apply(balancer, next, &change, &error), 0);
	events_emit(events, EVENT_PORT_UP, json_object());
	text = write_metrics(balancer);
#define CHECK(series, value) CU_ASSERT_STRING_EQUAL(value_of(text, series), value)
	CHECK("mailrail_build_info{version=\"" MAILRAIL_VERSION "\"}", "1");
	CHECK("mailrail_config_generation", "2");
	CHECK("mailrail_config_unconfirmed", "0");
	CHECK("mailrail_backends", "6");
	CHECK("mailrail_pool_backends{pool=\"p1\"}", "3");
	CHECK("mailrail_pool_backends_serving{pool=\"p1\"}", "2");
	CHECK("mailrail_pool_info{pool=\"p1\",forwarding=\"l2dsr\"}", "1");
	CHECK("mailrail_pool_slots{pool=\"p0\"}", "10007");
	CHECK("mailrail_service_up{service=\"smtp\"}", "1");
	CHECK("mailrail_service_info{service=\"smtp\",pool=\"p0\"}", "1");
	CHECK("mailrail_backend_weight{pool=\"p1\",backend=\"b2\"}", "7");
	CHECK("mailrail_backend_weight{pool=\"p0\",backend=\"b2\"}", "100");
	CHECK("mailrail_backend_state{pool=\"p1\",backend=\"b0\",state=\"drain\"}", "1");
	CHECK("mailrail_backend_serving{pool=\"p1\",backend=\"b0\"}", "0");
	CHECK("mailrail_backend_next_hop_up{pool=\"p0\",backend=\"b1\"}", "0");
	CHECK("mailrail_backend_probe_latency_seconds{pool=\"p0\",backend=\"b1\"}", "");
	CHECK("mailrail_events_total{kind=\"port.up\"}", "1");
	CHECK("mailrail_limit_used{limit=\"backends\"}", "6");
	CHECK("mailrail_limit_used{limit=\"name_bytes\"}", "");
	CHECK("mailrail_limit{limit=\"name_bytes\"}", "63");
	CHECK("mailrail_port_up{port=\"wan\"}", "1");
	CHECK("mailrail_port_mtu_bytes{port=\"wan\"}", "1500");
	CHECK("mailrail_config_apply_duration_seconds_count", "1");
	CHECK("mailrail_rpc_request_duration_seconds_bucket{le=\"0.001\"}", "0");
	CHECK("mailrail_rpc_request_duration_seconds_bucket{le=\"0.003\"}", "2");
	CHECK("mailrail_rpc_request_duration_seconds_bucket{le=\"10\"}", "2");
	CHECK("mailrail_rpc_request_duration_seconds_bucket{le=\"+Inf\"}", "3");
	CHECK("mailrail_rpc_request_duration_seconds_sum", "1.500001");
	CHECK("mailrail_rpc_request_duration_seconds_count", "3");
	CU_ASSERT(atof(value_of(text, "process_resident_memory_bytes")) > 1 << 20);
	CU_ASSERT(atof(value_of(text, "process_open_fds")) > 3);
	CU_ASSERT(atof(value_of(text, "process_start_time_seconds")) > 1.5e9);
#undef CHECK
	free(text);
	balancer_destroy(balancer);
}

static void test_escapes(void)
{
	const size_t size = metric_groups[METRICS_OF_EVENTS].sample_size;
	struct metric_samples samples = {.sets[METRICS_OF_EVENTS] = {calloc(1, size), 1}};
	struct metric_subject *subject =
		(struct metric_subject *)samples.sets[METRICS_OF_EVENTS].samples;
	struct evbuffer *buffer = evbuffer_new();
	char *text;

	subject->labels[0] = "a\\b\"c\nd";
	CU_ASSERT_EQUAL_FATAL(metrics_write_samples(&samples, buffer), 0);
	text = take_text(buffer);
	CU_ASSERT_STRING_EQUAL(value_of(text, "mailrail_events_total{kind=\"a\\\\b\\\"c\\nd\"}"),
			       "0");
	check_format(text);
	metric_samples_fini(&samples);
	free(text);
}

static uint64_t processor_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* How long the event loop would stand still; for people, who know their machine. */
static void test_many_backends(void)
{
	struct balancer *balancer = start(make_config(100, 100));
	const uint64_t began_us = processor_us();
	char *text = write_metrics(balancer);

	printf("10000 backends: %zu bytes in %" PRIu64 " us ", strlen(text),
	       processor_us() - began_us);
	check_format(text);
	CU_ASSERT_STRING_EQUAL(
		value_of(text, "mailrail_backend_weight{pool=\"p99\",backend=\"b99\"}"), "100");
	free(text);
	balancer_destroy(balancer);
}

static bool is_name_character(char c)
{
	return islower(c) || isdigit(c) || c == '_';
}

/* Every word mailrail_... or process_... of a file is a metric's name. */
static void check_names_in(const char *path, const char *prefix)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "re");
	uint32_t names = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (const char *at = strstr(text, prefix); at != NULL; at = strstr(at, prefix)) {
		size_t length = 0;

		while (is_name_character(at[length]))
			length++;
		if (at == text || !is_name_character(at[-1])) {
			const bool known =
				is_series_name(at, length) || find_family(at, length) != NULL;

			if (!known)
				printf("%s: %.*s\n", path, (int)length, at);
			CU_ASSERT(known);
			names++;
		}
		at += length;
	}
	CU_ASSERT(names > 0);
}

static void test_files(void)
{
	check_names_in(PROJECT_ROOT "/config/grafana/mailrail.json", "mailrail_");
	check_names_in(PROJECT_ROOT "/config/grafana/mailrail.json", "process_");
	check_names_in(PROJECT_ROOT "/config/prometheus/alerts.yml", "mailrail_");
	check_names_in(PROJECT_ROOT "/config/prometheus/alerts.yml", "process_");
	check_names_in(PROJECT_ROOT "/docs/monitor.md", "mailrail_");
}

/* docs/monitor.md knows them all. */
static void test_documented(void)
{
	static char text[1 << 20];
	FILE *file = fopen(PROJECT_ROOT "/docs/monitor.md", "re");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (uint32_t g = 0; g < METRICS_GROUP_COUNT; g++) {
		for (uint32_t i = 0; i < metric_groups[g].family_count; i++) {
			char quoted[128];

			snprintf(quoted, sizeof(quoted), "`%s`", metric_groups[g].families[i].name);
			if (strstr(text, quoted) == NULL)
				puts(quoted);
			CU_ASSERT_PTR_NOT_NULL(strstr(text, quoted));
		}
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_table),	       UNIT_TEST(test_format),
		UNIT_TEST(test_values),	       UNIT_TEST(test_escapes),
		UNIT_TEST(test_many_backends), UNIT_TEST(test_files),
		UNIT_TEST(test_documented),    CU_TEST_INFO_NULL,
	};
	int status;

	idle_dataplane_init(&idle, "wan");
	if (events_create(idle.base, &events) < 0)
		return 2;
	status = unit_run("metrics", tests);
	events_destroy(events);
	idle_dataplane_fini(&idle);
	return status;
}
