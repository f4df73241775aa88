/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config_text.h"
#include "../lib/unit.h"

#define KEY	  "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"
#define OTHER_KEY "'1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"
#define NODE	  "'node': {'name': 'n', 'key': " KEY "}"
#define PORTS \
	"'ports': [{'name': 'p', 'device': 'net_null0'}, {'name': 'q', 'device': 'net_null1'}]"
#define MX(name, number) "{'name': '" name "', 'address': '10.0.0." number "'}"
#define POOL(name, more) "{'name': '" name "', 'table_size': 251, " more "}"
#define POOLS(list)	 "{" NODE ", " PORTS ", 'workers': {'cores': [0]}, 'pools': [" list "]}"
#define TWO		 "'backends': [" MX("a", "1") ", " MX("b", "2") "]"

static struct config_diff diff_of(const struct config *from, const struct config *to)
{
	struct config_diff diff;

	CU_ASSERT_EQUAL_FATAL(config_diff(from, to, &diff), 0);
	CU_ASSERT_EQUAL(config_equal(from, to), diff.count == 0);
	CU_ASSERT_EQUAL(config_equal(to, from), diff.count == 0);
	return diff;
}

static bool json_is(const json_t *json, const char *text)
{
	json_t *expected = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	const bool equal = json == expected || json_equal(json, expected);

	json_decref(expected);
	return equal;
}

/* NULL as a text: absent. */
static bool change_is(const struct config_change *change, const char *pointer, const char *path,
		      const char *from, const char *to)
{
	char line[CONFIG_CHANGE_LINE_MAX];
	const bool ok = strcmp(change->pointer, pointer) == 0 && strcmp(change->path, path) == 0 &&
			json_is(change->from, from) && json_is(change->to, to);

	config_change_format(change, line);
	if (!ok)
		printf("\n%s is %s\n", change->pointer, line);
	return ok;
}

static void test_order_of_named_objects_is_none(void)
{
	struct config *a = config_from_text(POOLS(POOL("x", TWO) ", " POOL("y", TWO)));
	struct config *b = config_from_text("{'pools': [" POOL(
		"y", "'backends': [" MX("b", "2") ", " MX(
			     "a", "1") "]") ", " POOL("x", TWO) "], 'workers': {'cores': [0]}, "
								"'ports': [{'name': 'q', 'device': "
								"'net_null1'}, {'name': 'p', "
								"'device': 'net_null0'}], " NODE
								"}");
	struct config_diff diff = diff_of(a, b);

	CU_ASSERT_EQUAL(diff.count, 0);
	config_order_ports(b, a);
	CU_ASSERT_STRING_EQUAL(b->ports[0].name, "p");
	CU_ASSERT_STRING_EQUAL(b->ports[0].device_arguments, "net_null0");
	CU_ASSERT_STRING_EQUAL(b->ports[1].name, "q");
	config_free(a);
	config_free(b);
}

/* An order that means something: the first address is the one that probes go to. */
static void test_order_of_values_counts(void)
{
	static const char text[] =
		"{" NODE ", " PORTS ", 'workers': {'cores': [0]}, 'pools': [" POOL(
			"x", TWO) "], 'services': [{'name': 's', 'namespace': 'x.org', "
				  "'addresses': ['10.1.0.%d', '10.1.0.%d'], 'ports': [25], 'pool': "
				  "'x'}]}";
	struct config *a = config_from_text(text, 1, 2), *b = config_from_text(text, 2, 1);
	struct config_diff diff = diff_of(a, b);

	CU_ASSERT_EQUAL_FATAL(diff.count, 1);
	CU_ASSERT(change_is(&diff.list[0], "/services/0/addresses", "/services/s/addresses",
			    "[\"10.1.0.1\", \"10.1.0.2\"]", "[\"10.1.0.2\", \"10.1.0.1\"]"));
	config_diff_fini(&diff);
	config_free(a);
	config_free(b);
}

static void test_values(void)
{
	struct config *a = config_from_text(POOLS(POOL("x", TWO) ", " POOL("y", TWO)));
	struct config *b = config_from_text(POOLS(POOL(
		"y",
		"'backends': [{'name': 'b', 'address': '10.0.0.9', 'weight': 7, 'state': "
		"'drain'}, " MX(
			"a", "1") "], 'tunnel': {'source': '10.0.0.77'}, "
				  "'forwarding': 'ipip', 'session_idle': '20m'") ", " POOL("x",
											   TWO)));
	struct config_diff diff = diff_of(a, b);

	CU_ASSERT_EQUAL_FATAL(diff.count, 6);
	CU_ASSERT(change_is(&diff.list[0], "/pools/0/forwarding", "/pools/y/forwarding",
			    "\"l2dsr\"", "\"ipip\""));
	CU_ASSERT(change_is(&diff.list[1], "/pools/0/tunnel/source", "/pools/y/tunnel/source", NULL,
			    "\"10.0.0.77\""));
	CU_ASSERT(change_is(&diff.list[2], "/pools/0/session_idle", "/pools/y/session_idle",
			    "\"15m\"", "\"20m\""));
	CU_ASSERT(change_is(&diff.list[3], "/pools/0/backends/0/address",
			    "/pools/y/backends/b/address", "\"10.0.0.2\"", "\"10.0.0.9\""));
	CU_ASSERT(change_is(&diff.list[4], "/pools/0/backends/0/weight",
			    "/pools/y/backends/b/weight", "100", "7"));
	CU_ASSERT(change_is(&diff.list[5], "/pools/0/backends/0/state", "/pools/y/backends/b/state",
			    "\"enabled\"", "\"drain\""));
	CU_ASSERT(config_part_equal(a, b, "ports"));
	CU_ASSERT_FALSE(config_part_equal(a, b, "pools"));
	config_diff_fini(&diff);
	config_free(a);
	config_free(b);
}

static void test_objects_come_and_go(void)
{
	struct config *a = config_from_text(POOLS(POOL("x", TWO) ", " POOL("y", TWO)));
	struct config *b = config_from_text(
		POOLS(POOL("x", "'backends': [" MX("c", "3") ", " MX("b", "2") "]")));
	struct config_diff diff = diff_of(a, b);

	CU_ASSERT_EQUAL_FATAL(diff.count, 3);
	CU_ASSERT(change_is(&diff.list[0], "/pools/0/backends/0", "/pools/x/backends/c", NULL,
			    "{\"name\": \"c\", \"address\": \"10.0.0.3\", \"weight\": 100, "
			    "\"state\": \"enabled\"}"));
	CU_ASSERT_STRING_EQUAL(diff.list[1].pointer, "/pools/0/backends/0"); /* where it was */
	CU_ASSERT_STRING_EQUAL(diff.list[1].path, "/pools/x/backends/a");
	CU_ASSERT_PTR_NULL(diff.list[1].to);
	CU_ASSERT_STRING_EQUAL(diff.list[2].pointer, "/pools/1");
	CU_ASSERT_STRING_EQUAL(diff.list[2].path, "/pools/y");
	CU_ASSERT_PTR_NOT_NULL(diff.list[2].from);
	config_diff_fini(&diff);
	config_free(a);
	config_free(b);
}

static void test_secrets_are_not_shown(void)
{
	struct config *a = config_from_text(POOLS(""));
	struct config *b = config_from_text("{'node': {'name': 'n', 'key': " OTHER_KEY "}, " PORTS
					    ", 'workers': {'cores': [0]}}");
	struct config_diff diff = diff_of(a, b);

	CU_ASSERT_EQUAL_FATAL(diff.count, 1);
	CU_ASSERT(change_is(&diff.list[0], "/node/key", "/node/key", "\"unchanged\"",
			    "\"unchanged\""));
	config_diff_fini(&diff);
	config_free(a);
	config_free(b);
}

static void test_lines_for_people(void)
{
	struct config_change change = {.path = (char *)"/pools/x", .from = NULL, .to = NULL};
	char line[CONFIG_CHANGE_LINE_MAX], long_text[2000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	change.to = json_string(long_text);
	config_change_format(&change, line);
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "/pools/x: \"xxx"));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "xxx..., was absent"));
	json_decref(change.to);
}

/* A configuration of random pools and backends; names out of few, so that many meet again. */
static struct config *draw(void)
{
	char pools[8192] = "", backends[1024], *at = pools;
	struct config *config;

	for (int pool = 0; pool < 5; pool++) {
		char *end = backends;

		if (rand() % 3 == 0)
			continue;
		backends[0] = '\0';
		for (int i = 0; i < 6; i++) {
			if (rand() % 3 != 0)
				end += sprintf(end,
					       "%s{'name': 'mx%d', 'address': '10.0.%d.%d', "
					       "'weight': %d}",
					       end > backends ? ", " : "", i, pool, i + 1,
					       rand() % 3);
		}
		at += sprintf(
			at, "%s{'name': 'pool%d', 'table_size': 251, 'mss': %d, 'backends': [%s]}",
			at > pools ? ", " : "", pool, rand() % 2 ? 0 : 1000, backends);
	}
	config = config_from_text(POOLS("%s"), pools);
	return config;
}

static struct config *decode(const json_t *json)
{
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors);

	field_errors_print(&errors, stdout);
	field_errors_fini(&errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

/* Whatever leads from one to another, taken back, leads to the one again. */
static void test_undo(void)
{
	srand(unit_seed());
	for (int round = 0; round < 300; round++) {
		struct config *a = draw(), *b = draw(), *back;
		struct config_diff diff = diff_of(a, b);
		json_t *json = config_encode(b);

		CU_ASSERT_EQUAL_FATAL(config_diff_undo(json, &diff), 0);
		back = decode(json);
		CU_ASSERT_FATAL(config_equal(back, a));
		json_decref(json);
		config_diff_fini(&diff);
		config_free(a);
		config_free(b);
		config_free(back);
	}
}

static void test_undo_of_what_does_not_fit(void)
{
	static const char *const paths[] = {"",
					    "/",
					    "pools/x",
					    "/pools/x/mss/y",
					    "/pools/z/mss",
					    "/nothing/x",
					    "/pools/x/backends/a/b/c"};
	struct config *config = config_from_text(POOLS(POOL("x", TWO)));
	json_t *json = config_encode(config);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct config_change change = {.path = (char *)paths[i], .from = json_integer(1)};

		CU_ASSERT_EQUAL(config_diff_undo(json, &(struct config_diff){&change, 1}), -EINVAL);
		json_decref(change.from);
	}
	json_decref(json);
	config_free(config);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_order_of_named_objects_is_none),
		UNIT_TEST(test_order_of_values_counts),
		UNIT_TEST(test_values),
		UNIT_TEST(test_objects_come_and_go),
		UNIT_TEST(test_secrets_are_not_shown),
		UNIT_TEST(test_lines_for_people),
		UNIT_TEST(test_undo),
		UNIT_TEST(test_undo_of_what_does_not_fit),
		CU_TEST_INFO_NULL,
	};

	return unit_run("config_diff", tests);
}
