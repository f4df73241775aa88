/* SPDX-License-Identifier: BSD-3-Clause */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/config_text.h"
#include "../lib/unit.h"

static char directory[] = "/tmp/mailrail-history-XXXXXX";
static char path[128], history_path[160];

static const struct author alice = {
	.name = "uid 7, pid 8", .role = "admin", .reason = "config.apply"};

static struct config *with_weight(int weight)
{
	return config_from_text(
		"{'node': {'name': 'n', 'key': '%064d'}, 'ports': [{'name': 'p', 'device': "
		"'net_null0'}], 'workers': {'cores': [0]}, 'pools': [{'name': 'x', 'table_size': "
		"251, 'backends': [{'name': 'mx', 'address': '10.0.0.1', 'weight': %d}]}]}",
		1, weight);
}

static struct history *open_with(const struct config *config)
{
	struct history *history;

	CU_ASSERT_EQUAL_FATAL(history_create(path, config, &history), 0);
	history_save(history, config);
	return history;
}

/* Adds a generation; @config is freed and replaced. */
static void change(struct history *history, struct config **config, int weight)
{
	struct config *next = with_weight(weight);

	history_add(history, *config, next, &alice, false);
	config_free(*config);
	*config = next;
}

static json_int_t weight_of(const json_t *config)
{
	const json_t *pool = json_array_get(json_object_get(config, "pools"), 0);
	const json_t *backend = json_array_get(json_object_get(pool, "backends"), 0);

	return json_integer_value(json_object_get(backend, "weight"));
}

static json_int_t weight_at(const struct history *history, uint64_t generation,
			    const struct config *running)
{
	json_int_t weight;
	json_t *json;

	if (history_config(history, generation, running, &json) < 0)
		return -1;
	weight = weight_of(json);
	json_decref(json);
	return weight;
}

static bool file_has(const char *file, const char *text)
{
	static char content[1 << 20];
	FILE *stream = fopen(file, "r");
	size_t size;

	if (!stream)
		return false;
	size = fread(content, 1, sizeof(content) - 1, stream);
	content[size] = '\0';
	fclose(stream);
	return strstr(content, text) != NULL;
}

static void put_file(const char *text)
{
	FILE *file = fopen(history_path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void test_first_generation(void)
{
	struct config *config = with_weight(10);
	struct history *history = open_with(config);
	struct stat st;

	CU_ASSERT_EQUAL(history_generation(history), 1);
	CU_ASSERT_EQUAL(history_count(history), 1);
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->author, "file");
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->reason, "start");
	CU_ASSERT_EQUAL(history_get(history, 0)->diff.count, 0);
	CU_ASSERT(stat(history_path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CU_ASSERT_FALSE(file_has(history_path, "0001")); /* the key */
	CU_ASSERT(file_has(history_path, "\"key\":\"unchanged\""));
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

static void test_generations_go_on_after_a_restart(void)
{
	struct config *config = with_weight(10);
	struct history *history = open_with(config);
	const struct history_entry *entry;

	change(history, &config, 11);
	change(history, &config, 12);
	CU_ASSERT_EQUAL(history_generation(history), 3);
	history_destroy(history);

	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 3);
	CU_ASSERT_EQUAL_FATAL(history_count(history), 3);
	entry = history_get(history, 0);
	CU_ASSERT_EQUAL(entry->generation, 3);
	CU_ASSERT_STRING_EQUAL(entry->author, alice.name);
	CU_ASSERT_STRING_EQUAL(entry->role, alice.role);
	CU_ASSERT_STRING_EQUAL(entry->reason, alice.reason);
	CU_ASSERT_FALSE(entry->unconfirmed);
	CU_ASSERT(entry->time_ms > 1600000000000);
	CU_ASSERT_EQUAL_FATAL(entry->diff.count, 1);
	CU_ASSERT_STRING_EQUAL(entry->diff.list[0].path, "/pools/x/backends/mx/weight");
	CU_ASSERT_EQUAL(json_integer_value(entry->diff.list[0].from), 11);
	CU_ASSERT_EQUAL(weight_at(history, 1, config), 10);
	CU_ASSERT_EQUAL(weight_at(history, 2, config), 11);
	CU_ASSERT_EQUAL(weight_at(history, 3, config), 12);
	CU_ASSERT_EQUAL(weight_at(history, 4, config), -1);
	CU_ASSERT_EQUAL(weight_at(history, 0, config), -1);
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

/* The file was edited while nobody watched. */
static void test_an_edited_file_is_a_generation(void)
{
	struct config *config = with_weight(10);
	struct history *history = open_with(config);

	change(history, &config, 11);
	history_destroy(history);
	config_free(config);
	config = with_weight(77);
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 3);
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->author, "file");
	CU_ASSERT_PTR_NULL(history_get(history, 0)->role);
	CU_ASSERT_EQUAL(history_get(history, 0)->diff.count, 1);
	CU_ASSERT_EQUAL(weight_at(history, 2, config), 11);
	CU_ASSERT_EQUAL(weight_at(history, 1, config), 10);
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

static void test_only_the_latest_are_kept(void)
{
	struct config *config = with_weight(0);
	struct history *history = open_with(config);

	for (int i = 1; i <= 30; i++)
		change(history, &config, i);
	history_destroy(history);
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 31);
	CU_ASSERT_EQUAL(history_count(history), HISTORY_GENERATIONS);
	for (uint64_t generation = 12; generation <= 31; generation++)
		CU_ASSERT_EQUAL(weight_at(history, generation, config), (json_int_t)generation - 1);
	CU_ASSERT_EQUAL(weight_at(history, 11, config), -1);
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

/* Put to the test, and killed before it was confirmed: the file has the former one. */
static void test_a_restart_before_confirmation(void)
{
	struct config *config = with_weight(10), *tried = with_weight(20);
	struct history *history = open_with(config);

	history_add(history, config, tried, &alice, true);
	CU_ASSERT(history_get(history, 0)->unconfirmed);
	history_destroy(history);
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 3);
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->reason, "start before confirmation");
	CU_ASSERT_FALSE(history_get(history, 0)->unconfirmed);
	CU_ASSERT(history_get(history, 1)->unconfirmed);
	CU_ASSERT_EQUAL(weight_at(history, 2, config), 20);

	history_add(history, config, tried, &alice, true);
	history_confirm(history, tried);
	history_destroy(history);
	history = open_with(tried);
	CU_ASSERT_EQUAL(history_generation(history), 4);
	CU_ASSERT_FALSE(history_get(history, 0)->unconfirmed);
	history_destroy(history);

	/* Confirmed and in the file, but the history was not written any more. */
	history = open_with(tried);
	history_add(history, tried, config, &alice, true);
	history_destroy(history);
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 5);
	CU_ASSERT_FALSE(history_get(history, 0)->unconfirmed);
	history_destroy(history);
	config_free(config);
	config_free(tried);
	unlink(history_path);
}

static void test_damaged_files_are_set_aside(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"format\": 2, \"config\": {}, \"generations\": []}",
		"{\"format\": 1, \"config\": {}, \"generations\": []}",
		"{\"format\": 1, \"config\": {}, \"generations\": [{\"generation\": 5, "
		"\"time_ms\": "
		"1, \"author\": \"a\", \"reason\": \"r\", \"changes\": [{}]}]}",
		"{\"format\": 1, \"config\": {}, \"generations\": [{\"generation\": 5, "
		"\"time_ms\": "
		"1, \"author\": \"a\", \"reason\": \"r\", \"changes\": []}, {\"generation\": 3, "
		"\"time_ms\": 1, \"author\": \"a\", \"reason\": \"r\", \"changes\": []}]}",
	};
	struct config *config = with_weight(10);
	char refused[200];

	snprintf(refused, sizeof(refused), "%s.refused", history_path);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct history *history;

		put_file(texts[i]);
		history = open_with(config);
		CU_ASSERT_EQUAL(history_generation(history), 1);
		CU_ASSERT(file_has(refused, texts[i]));
		history_destroy(history);
		unlink(refused);
	}
	config_free(config);
	unlink(history_path);
}

/* The number goes on even where what it describes is no configuration for this version. */
static void test_foreign_configuration(void)
{
	struct config *config = with_weight(10);
	struct history *history;

	put_file("{\"format\": 1, \"config\": {\"colour\": 1}, \"generations\": [{\"generation\": "
		 "5, \"time_ms\": 1, \"author\": \"a\", \"reason\": \"r\", \"changes\": []}]}");
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 6);
	CU_ASSERT_EQUAL(history_count(history), 1);
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

/* Changes that were tampered with lead nowhere, but harm nobody. */
static void test_changes_that_do_not_fit(void)
{
	struct config *config = with_weight(10);
	struct history *history;
	json_t *json, *file, *changes;

	history = open_with(config);
	change(history, &config, 11);
	history_destroy(history);
	file = json_load_file(history_path, 0, NULL);
	changes =
		json_object_get(json_array_get(json_object_get(file, "generations"), 0), "changes");
	json_object_set_new(json_array_get(changes, 0), "path", json_string("/pools/y/mss"));
	json_dump_file(file, history_path, 0);
	json_decref(file);
	history = open_with(config);
	CU_ASSERT_EQUAL(history_generation(history), 2);
	CU_ASSERT_EQUAL(history_config(history, 1, config, &json), -EINVAL);
	history_destroy(history);
	config_free(config);
	unlink(history_path);
}

/* A peer may call itself anything: the file stays one that can be read. */
static void test_strange_authors(void)
{
	static const struct author strange = {.name = "a\nb\x1b\"\\", .reason = "\xff\xe4"};
	struct config *config = with_weight(10), *next = with_weight(11);
	struct history *history = open_with(config);

	history_add(history, config, next, &strange, false);
	history_destroy(history);
	history = open_with(next);
	CU_ASSERT_EQUAL(history_generation(history), 2);
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->author, "a?b?\"\\");
	CU_ASSERT_STRING_EQUAL(history_get(history, 0)->reason, "??");
	history_destroy(history);
	config_free(config);
	config_free(next);
	unlink(history_path);
}

static void test_without_a_file(void)
{
	struct config *config = with_weight(10);
	struct history *history;

	CU_ASSERT_EQUAL_FATAL(history_create(NULL, config, &history), 0);
	change(history, &config, 11);
	CU_ASSERT_EQUAL(history_generation(history), 2);
	CU_ASSERT_EQUAL(weight_at(history, 1, config), 10);
	history_destroy(history);
	config_free(config);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_first_generation),
		UNIT_TEST(test_generations_go_on_after_a_restart),
		UNIT_TEST(test_an_edited_file_is_a_generation),
		UNIT_TEST(test_only_the_latest_are_kept),
		UNIT_TEST(test_a_restart_before_confirmation),
		UNIT_TEST(test_damaged_files_are_set_aside),
		UNIT_TEST(test_foreign_configuration),
		UNIT_TEST(test_changes_that_do_not_fit),
		UNIT_TEST(test_strange_authors),
		UNIT_TEST(test_without_a_file),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	snprintf(path, sizeof(path), "%s/mailrail.json", directory);
	snprintf(history_path, sizeof(history_path), "%s.history", path);
	status = unit_run("history", tests);
	rmdir(directory);
	return status;
}
