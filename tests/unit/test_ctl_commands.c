/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of commands: complete, explained, in the manual, and what their words become. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../lib/unit.h"
#include "ctl_args.h"
#include "ctl_exit.h"
#include "ctl_help.h"
#include "doctor.h"
#include "rpc_methods.h"
#include "text_table.h"

static char *read_manual(void)
{
	FILE *file = fopen(PROJECT_ROOT "/docs/man/mailrailctl.1", "r");
	char *text = calloc(1, 1 << 20);

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void assert_in(const char *manual, const char *words)
{
	if (!strstr(manual, words))
		printf("not in mailrailctl(1): %s\n", words);
	CU_ASSERT_PTR_NOT_NULL(strstr(manual, words));
}

static void test_manual(void)
{
	char *manual = read_manual();

	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];
		char item[128], example[256];

		if (command->hidden)
			continue;
		snprintf(item, sizeof(item), "\n.It Cm %s%s%s", command->noun,
			 command->verb ? " " : "", command->verb ? command->verb : "");
		snprintf(example, sizeof(example), "\n.Dl mailrailctl %s\n", command->example);
		assert_in(manual, item);
		assert_in(manual, example);
	}
	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		char item[64];

		snprintf(item, sizeof(item), "\n.It Fl %c , -%s", ctl_options[i].letter,
			 ctl_options[i].name);
		assert_in(manual, item);
	}
	for (const struct doctor_row *const *table = doctor_tables; *table; table++) {
		for (const struct doctor_row *row = *table; row->name; row++) {
			char item[160];

			snprintf(item, sizeof(item), "\n.It %s\n%s\n", row->name, row->text);
			assert_in(manual, item);
		}
	}
	free(manual);
}

static void test_table(void)
{
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];
		char begin[64];

		CU_ASSERT_PTR_EQUAL(ctl_command_find(command->noun, command->verb), command);
		CU_ASSERT_TRUE(command->run || command->view);
		CU_ASSERT_TRUE(command->required <= ctl_command_position_count(command));
		snprintf(begin, sizeof(begin), "%s%s%s", command->noun, command->verb ? " " : "",
			 command->verb ? command->verb : "");
		CU_ASSERT_EQUAL(strncmp(command->example, begin, strlen(begin)), 0);
		/* Nouns stand together. */
		for (uint32_t j = i + 2; j < ctl_command_count; j++)
			if (strcmp(ctl_commands[j].noun, command->noun) == 0)
				CU_ASSERT_STRING_EQUAL(ctl_commands[j - 1].noun, command->noun);
	}
}

static bool has_verb(const char *method)
{
	for (uint32_t i = 0; i < ctl_command_count; i++)
		if (ctl_commands[i].method && strcmp(ctl_commands[i].method, method) == 0)
			return true;
	/* It ends with the connection, and the document is for programs. */
	return strcmp(method, "events.unsubscribe") == 0 || strcmp(method, "rpc.discover") == 0;
}

static void test_methods(void)
{
	for (const struct rpc_method *const *table = rpc_methods; *table; table++) {
		for (const struct rpc_method *method = *table; method->name; method++) {
			if (!has_verb(method->name))
				printf("no verb for %s\n", method->name);
			CU_ASSERT_TRUE(has_verb(method->name));
		}
	}
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const char *method = ctl_commands[i].method;

		if (!method || rpc_method_find(rpc_methods, method))
			continue;
		printf("no method %s\n", method);
		CU_FAIL("a command calls a method that is not");
	}
}

static void assert_fits(const char *text)
{
	while (*text) {
		const size_t length = strcspn(text, "\n");

		if (length > TEXT_TABLE_WIDTH)
			printf("%.*s\n", (int)length, text);
		CU_ASSERT_TRUE(length <= TEXT_TABLE_WIDTH);
		text += length + (text[length] == '\n');
	}
}

static void test_help(void)
{
	char *text = NULL;
	size_t size, lines = 0;
	FILE *stream = open_memstream(&text, &size);

	ctl_help_all(stream);
	fflush(stream);
	for (const char *line = text; (line = strchr(line, '\n')); line++)
		lines++;
	/* One screen of a terminal that is not the smallest. */
	CU_ASSERT_TRUE(lines <= 40);
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		ctl_help_noun(stream, ctl_commands[i].noun);
		ctl_help_command(stream, &ctl_commands[i]);
	}
	fclose(stream);
	assert_fits(text);
	free(text);
}

struct words {
	const char *line;     /* between spaces */
	const char *expected; /* the parameters; NULL: wrong usage */
};

static int params_of(const char *line, json_t **out)
{
	char copy[256], *argv[16] = {copy}, *save = NULL;
	struct ctl_options options;
	struct ctl_line parsed = {.options = &options};
	int argc = 1, first, own;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	optind = 0;
	first = ctl_options_parse(argc, argv, &options);
	CU_ASSERT_TRUE_FATAL(first > 0 && first < argc);
	parsed.command = ctl_command_find(argv[first], argv[first + 1]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(parsed.command);
	own = parsed.command->verb ? 2 : 1;
	parsed.args = argv + first + own;
	parsed.arg_count = argc - first - own;
	return ctl_args_params(&parsed, out);
}

static void test_words(void)
{
	static const struct words rows[] = {
		{"backend list", "{}"},
		{"backend list hub", "{\"pool\":\"hub\"}"},
		{"backend drain hub/hub1 --generation 7",
		 "{\"pool\":\"hub\",\"backend\":\"hub1\",\"generation\":7}"},
		{"backend disable hub/hub1",
		 "{\"pool\":\"hub\",\"backend\":\"hub1\",\"state\":\"disabled\"}"},
		{"backend drain hub", NULL},
		{"backend drain hub/hub1 -g seven", NULL},
		{"backend set hub/hub1 weight=5 state=drain",
		 "{\"pool\":\"hub\",\"backend\":\"hub1\",\"weight\":5,\"state\":\"drain\"}"},
		{"backend set hub/hub1 weight=many", NULL},
		{"backend set hub/hub1 colour=red", NULL},
		{"backend add hub/h3 address=10.0.0.13 weight=50",
		 "{\"pool\":\"hub\",\"backend\":{\"name\":\"h3\",\"address\":\"10.0.0.13\","
		 "\"weight\":50}}"},
		{"pool add 25 forwarding=ipip health.interval=2s health.rise=3 tunnel.port=6080",
		 "{\"pool\":{\"name\":\"25\",\"forwarding\":\"ipip\",\"health\":{\"interval\":"
		 "\"2s\",\"rise\":3},\"tunnel\":{\"port\":6080}}}"},
		{"service set smtp ports=25,587 addresses=10.0.0.10 exclude.sources=10.0.0.0/26",
		 "{\"service\":\"smtp\",\"settings\":{\"ports\":[25,587],\"addresses\":"
		 "[\"10.0.0.10\"],\"exclude\":{\"sources\":[\"10.0.0.0/26\"]}}}"},
		{"service set smtp ports=[]", "{\"service\":\"smtp\",\"settings\":{\"ports\":[]}}"},
		{"service set smtp ports", NULL},
		/* What is of the wrong type goes as it is: the balancer says what it wants. */
		{"pool set hub health.rise=three",
		 "{\"pool\":\"hub\",\"settings\":{\"health\":{\"rise\":\"three\"}}}"},
		{"session explain 192.0.2.1:1 [2001:db8::1]:25",
		 "{\"client\":\"192.0.2.1\",\"client_port\":1,\"service\":\"2001:db8::1\","
		 "\"service_port\":25}"},
		{"session explain 192.0.2.1 192.0.2.2:25", NULL},
		{"session explain 2001:db8::1:25 192.0.2.2:25", NULL},
		{"session list pool=hub limit=10", "{\"pool\":\"hub\",\"limit\":10}"},
		{"config diff file 7", "{\"from\":\"file\",\"to\":7}"},
		{"config rollback 7", "{\"to\":7}"},
		{"health check hub", "{\"pool\":\"hub\"}"},
		{"health check hub/h1", "{\"pool\":\"hub\",\"backend\":\"h1\"}"},
		{"events follow backend.up backend.down --since 4",
		 "{\"kinds\":[\"backend.up\",\"backend.down\"],\"since\":4}"},
		{"capture start sent=true reasons=a,b",
		 "{\"sent\":true,\"reasons\":[\"a\",\"b\"]}"},
		{"log set debug health", "{\"level\":\"debug\",\"topic\":\"health\"}"},
		{"node shutdown --hold-sessions", "{\"hold_sessions\":true}"},
		{"backend prepare hub/h1 --os linux -a",
		 "{\"pool\":\"hub\",\"backend\":\"h1\",\"os\":\"linux\",\"anonymous\":true}"},
		{"call backend.list {\"pool\":\"hub\"}", "{\"pool\":\"hub\"}"},
		{"call backend.list [\"hub\"]", "[\"hub\"]"},
		{"call backend.list {", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wanted = rows[i].expected;
		json_t *expected = wanted ? json_loads(wanted, 0, NULL) : NULL;
		json_t *params = NULL;

		CU_ASSERT_EQUAL(params_of(rows[i].line, &params), wanted ? CTL_DONE : CTL_USAGE);
		CU_ASSERT_EQUAL(wanted != NULL, params != NULL);
		if (wanted && params && !json_equal(params, expected)) {
			printf("%s is not %s\n", rows[i].line, wanted);
			CU_FAIL("other parameters");
		}
		json_decref(params);
		json_decref(expected);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_table), UNIT_TEST(test_methods), UNIT_TEST(test_manual),
		UNIT_TEST(test_help),  UNIT_TEST(test_words),	CU_TEST_INFO_NULL,
	};

	return unit_run("ctl_commands", tests);
}
