/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/errors.h"
#include "../lib/unit.h"
#include "config_file.h"
#include "durable_file.h"

static char directory[] = "/tmp/mailrail-config-XXXXXX";
static char path[128];

static void put_file(const char *text)
{
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void append_file(const char *text)
{
	FILE *file = fopen(path, "a");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static struct config *example(void)
{
	struct field_errors errors = {0};
	struct config *config = config_load(PROJECT_ROOT "/config/example.json", &errors);

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	field_errors_fini(&errors);
	return config;
}

static mode_t mode_of(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* Entries of the directory that tests save to. */
static int count_files(void)
{
	DIR *dir = opendir(directory);
	int count = -2; /* "." and ".." */

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_save_and_load(void)
{
	struct config *config = example(), *loaded;
	struct field_errors errors = {0};
	struct mr_error error = {""};
	json_t *before, *after;

	CU_ASSERT_EQUAL_FATAL(config_save(path, config, &error), 0);
	CU_ASSERT_EQUAL(mode_of(path), 0600);
	CU_ASSERT_EQUAL(count_files(), 1);
	loaded = config_load(path, &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
	before = config_encode(config);
	after = config_encode(loaded);
	CU_ASSERT(json_equal(before, after)); /* the key too */
	json_decref(before);
	json_decref(after);
	config_free(config);
	config_free(loaded);
	field_errors_fini(&errors);
	unlink(path);
}

static void test_mode_and_owner_stay(void)
{
	struct config *config = example();
	struct mr_error error;
	struct stat st;

	put_file("{}");
	CU_ASSERT_EQUAL(chmod(path, 0640), 0);
	CU_ASSERT_EQUAL(chown(path, geteuid() == 0 ? 7 : geteuid(), getegid()), 0);
	CU_ASSERT_EQUAL(config_save(path, config, &error), 0);
	CU_ASSERT_EQUAL(mode_of(path), 0640);
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, geteuid() == 0 ? 7 : geteuid());
	CU_ASSERT(st.st_size > 100);
	config_free(config);
	unlink(path);
}

static void test_symbolic_link_stays(void)
{
	struct config *config = example();
	char link_path[140];
	struct mr_error error;
	struct stat st;

	put_file("{}");
	snprintf(link_path, sizeof(link_path), "%s.link", path);
	CU_ASSERT_EQUAL_FATAL(symlink(path, link_path), 0);
	CU_ASSERT_EQUAL(config_save(link_path, config, &error), 0);
	CU_ASSERT(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	CU_ASSERT(stat(path, &st) == 0 && st.st_size > 100);
	config_free(config);
	unlink(link_path);
	unlink(path);
}

static void test_failed_save_leaves_nothing(void)
{
	struct config *config = example();
	struct mr_error error;
	char target[160];

	/* A directory in the file's place: written beside it, but it cannot be renamed. */
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
	CU_ASSERT(config_save(path, config, &error) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
	CU_ASSERT_EQUAL(count_files(), 1);
	rmdir(path);

	snprintf(target, sizeof(target), "%s/missing/file", directory);
	CU_ASSERT(config_save(target, config, &error) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "No such file or directory"));
	config_free(config);
}

static void test_broken_files(void)
{
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"{\n  \"node\": {\n", "line 3, column 0: "},
		{"", "line 1, column 0: "},
		{"[] x", "line 1, column 4: end of file expected"},
		{"[]", "expected an object, got an array"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct field_errors errors = {0};

		put_file(rows[i].text);
		CU_ASSERT_PTR_NULL(config_load(path, &errors));
		CU_ASSERT_STRING_EQUAL(errors.source, path);
		CU_ASSERT(errors_have(&errors, "", rows[i].message));
		field_errors_fini(&errors);
	}
	unlink(path);
}

/* Everything at once: duplicates, what is unknown, and what is missing. */
static void test_duplicates_are_errors_among_others(void)
{
	struct field_errors errors = {0};

	put_file("{\n  \"node\": {\"name\": \"a\",\n\"name\": \"b\"},\n"
		 "  \"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"vlam\": [1]}],\n"
		 "  \"node\": {\"nam\\u0065\": \"c\",\n\n \"name\": \"d\"}\n}");
	CU_ASSERT_PTR_NULL(config_load(path, &errors));
	CU_ASSERT(errors_have(&errors, "/node", "is there twice: in line 2 and again in line 5"));
	CU_ASSERT(errors_have(&errors, "/node/key", "missing"));
	CU_ASSERT(errors_have(&errors, "/ports/0/vlam", "did you mean \"vlan\""));
	CU_ASSERT_EQUAL(errors.count, 5); /* and /node/name in both of the nodes */
	field_errors_fini(&errors);

	put_file("{\"node\": {}, \"node\": {} ");
	CU_ASSERT_PTR_NULL(config_load(path, &errors));
	CU_ASSERT_EQUAL(errors.count, 1); /* no JSON: nothing can be said about its members */
	field_errors_fini(&errors);
	unlink(path);
}

static void test_duplicates_alone_are_enough(void)
{
	struct config *config = example();
	struct field_errors errors = {0};
	struct mr_error error;
	char *text;
	size_t size;

	CU_ASSERT_EQUAL_FATAL(config_save(path, config, &error), 0);
	config_free(config);
	CU_ASSERT_EQUAL_FATAL(durable_file_read(path, 1 << 20, &text, &size), 0);
	text[size - 2] = ','; /* in place of the last brace */
	put_file(text);
	free(text);
	append_file("\"services\": []}");
	CU_ASSERT_PTR_NULL(config_load(path, &errors));
	CU_ASSERT_EQUAL(errors.count, 1);
	CU_ASSERT(errors_have(&errors, "/services", "is there twice"));
	field_errors_fini(&errors);
	unlink(path);
}

/* A node that was started with a pipe's content does not wait for more. */
static void test_pipes_are_read_once(void)
{
	struct config *running = example();
	struct field_errors errors = {0};
	struct config_digest digest;

	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	CU_ASSERT_PTR_NULL(config_reload(path, running, &digest, &errors));
	CU_ASSERT(errors_have(&errors, "", "Illegal seek"));
	CU_ASSERT(config_file_digest(path, &digest) < 0);
	field_errors_fini(&errors);
	config_free(running);
	unlink(path);
}

/* jansson takes "1\0" for a number; a text has none of these. */
static void test_no_text(void)
{
	static const char binary[] = "{\"a\": 1\0, \"a\": [1\0, 2]}";
	struct field_errors errors = {0};

	CU_ASSERT_PTR_NULL(config_parse(binary, sizeof(binary) - 1, &errors));
	CU_ASSERT(errors_have(&errors, "", "has a NUL byte"));
	field_errors_fini(&errors);
}

static void test_unreadable_files(void)
{
	struct field_errors errors = {0};

	CU_ASSERT_PTR_NULL(config_load(path, &errors));
	CU_ASSERT(errors_have(&errors, "", "No such file or directory"));
	field_errors_fini(&errors);
	CU_ASSERT_PTR_NULL(config_load(directory, &errors));
	CU_ASSERT(errors_have(&errors, "", "Is a directory"));
	field_errors_fini(&errors);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_save_and_load),
		UNIT_TEST(test_mode_and_owner_stay),
		UNIT_TEST(test_symbolic_link_stays),
		UNIT_TEST(test_failed_save_leaves_nothing),
		UNIT_TEST(test_broken_files),
		UNIT_TEST(test_duplicates_are_errors_among_others),
		UNIT_TEST(test_duplicates_alone_are_enough),
		UNIT_TEST(test_pipes_are_read_once),
		UNIT_TEST(test_no_text),
		UNIT_TEST(test_unreadable_files),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(directory))
		return 2;
	snprintf(path, sizeof(path), "%s/mailrail.json", directory);
	status = unit_run("config_file", tests);
	rmdir(directory);
	return status;
}
