/* SPDX-License-Identifier: BSD-3-Clause */
/* Every view fits into 80 columns, with long names too, and shows what its method answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../lib/unit.h"
#include "ctl_commands.h"
#include "rpc_methods.h"
#include "text_table.h"

/* "pool/backend" of such names still fits into a line. */
#define LONG_NAME "a-name-of-thirty-characters-ab"

/* The example that the method's documentation shows; NULL: it has none. */
static json_t *example_of(const char *method)
{
	const struct rpc_method *row = method ? rpc_method_find(rpc_methods, method) : NULL;

	return row && row->example_result ? json_loads(row->example_result, 0, NULL) : NULL;
}

static bool is_name(const char *key)
{
	static const char *const keys[] = {"name", "pool", "backend", "service", "reason"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void lengthen(json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	json_object_foreach (value, key, member) {
		if (is_name(key) && json_is_string(member))
			json_string_set(member, LONG_NAME);
		lengthen(member);
	}
	json_array_foreach (value, i, member)
		lengthen(member);
}

static char *shown(ctl_view *view, const json_t *result, bool colour)
{
	char *text = NULL;
	size_t size;
	struct ctl_output out = {open_memstream(&text, &size), colour};

	view(result, &out);
	fclose(out.stream);
	return text;
}

static void assert_fits(const struct ctl_command *command, const char *text)
{
	while (*text) {
		const size_t length = strcspn(text, "\n");

		if (length > TEXT_TABLE_WIDTH)
			printf("%s %s: %.*s\n", command->noun, command->verb, (int)length, text);
		CU_ASSERT_TRUE(length <= TEXT_TABLE_WIDTH);
		text += length + (text[length] == '\n');
	}
}

static bool is_for_programs(const struct ctl_command *command)
{
	return !command->view || command->view == view_json || command->view == view_config ||
	       command->view == view_commands;
}

static void check(const struct ctl_command *command, json_t *example)
{
	char *text = shown(command->view, example, false);

	CU_ASSERT_TRUE(text[0] != '\0');
	assert_fits(command, text);
	free(text);
	lengthen(example);
	text = shown(command->view, example, false);
	assert_fits(command, text);
	free(text);
}

static void test_width(void)
{
	uint32_t checked = 0;

	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];
		json_t *example = is_for_programs(command) ? NULL : example_of(command->method);

		if (!example)
			continue;
		check(command, example);
		json_decref(example);
		checked++;
	}
	CU_ASSERT_TRUE(checked > 30);
}

/* Recorded from a node with a backend that is down. */
#define BACKENDS                                                                               \
	"{\"generation\": 5, \"backends\": [{\"pool\": \"edge\", \"name\": \"quiet\", "        \
	"\"address\": \"2001:db8:1234:5678:9abc:def0:1234:5678\", \"forwarding\": \"l2dsr\", " \
	"\"weight\": 100, \"state\": \"drain\", \"health\": \"down\", \"reason\": \"connect: " \
	"no answer within 1000 ms, and so many more words that they go on in another line\", " \
	"\"slots\": 0, \"sessions\": 123456789012, \"pins\": 0}]}"

static void test_backends(void)
{
	json_t *result = json_loads(BACKENDS, 0, NULL);
	char *text = shown(view_backends, result, false), *coloured;

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "quiet"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "123.5G"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "~"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "edge/quiet: connect: no answer within 1000 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n    "));
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	coloured = shown(view_backends, result, true);
	CU_ASSERT_PTR_NOT_NULL(strstr(coloured, "\033[31mdown"));
	CU_ASSERT_PTR_NOT_NULL(strstr(coloured, "\033[33mdrain"));
	free(coloured);
	free(text);
	json_decref(result);
}

static void test_changed(void)
{
	json_t *result = json_loads("{\"generation\": 8, \"changed\": false}", 0, NULL);
	char *text = shown(view_changed, result, false);

	CU_ASSERT_STRING_EQUAL(text, "nothing to change: generation 8 is in force\n");
	free(text);
	json_object_set_new(result, "changed", json_true());
	json_object_set_new(result, "edited", json_string("/etc/mailrail/mailrail.json.edited"));
	text = shown(view_changed, result, false);
	CU_ASSERT_STRING_EQUAL(text, "generation 8 is in force\nthe file had been edited; what it "
				     "said is kept in /etc/mailrail/mailrail.json.edited\n");
	free(text);
	json_decref(result);
}

static void test_diff(void)
{
	json_t *result = json_loads("{\"changes\": [{\"pointer\": \"/pools/0/table_size\", "
				    "\"path\": \"pools[hub].table_size\", \"from\": 65537, \"to\": "
				    "131071}]}",
				    0, NULL);
	char *text = shown(view_diff, result, false);

	CU_ASSERT_STRING_EQUAL(text, "pools[hub].table_size\n  - 65537\n  + 131071\n");
	free(text);
	json_decref(result);
}

static void test_members(void)
{
	json_t *result = json_loads("{\"name\": \"wan\", \"up\": true, \"list\": [1, 2], \"none\": "
				    "[], \"rows\": [{\"a\": 1}, {\"a\": 2}]}",
				    0, NULL);
	char *text = shown(view_members, result, false);

	CU_ASSERT_STRING_EQUAL(text, "name  wan\nup    yes\nlist  1 2\nnone  -\nrows:\n  a  1\n\n"
				     "  a  2\n");
	free(text);
	json_decref(result);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_width), UNIT_TEST(test_backends), UNIT_TEST(test_changed),
		UNIT_TEST(test_diff),  UNIT_TEST(test_members),	 CU_TEST_INFO_NULL,
	};

	return unit_run("ctl_views", tests);
}
