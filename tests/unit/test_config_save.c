/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The power fails while a configuration or a history is saved: at every call that reaches the
 * disk, with all that a disk may do to what was not synced. What is found afterwards is the old
 * text or the new one, whole; the new one if the save had returned.
 *
 * The linker puts the functions __wrap_* below in front of libc's. A child saves, and ends at the
 * chosen call. The disk is then made to forget: what was written to a file since its last fsync()
 * is cut at a random byte, and a rename since the directory's last fsync() is undone, or not.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/config_text.h"
#include "../lib/unit.h"
#include "config_file.h"
#include "durable_file.h"
#include "history.h"

#define ENDED_BY_CUT 42

ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

/* Shared with the child. */
struct disk {
	bool on;	   /* calls count */
	int calls_left;	   /* until the power fails */
	char written[256]; /* a file that was written to and not synced since; "": none */
	bool renamed;	   /* and the directory not synced since */
	char renamed_to[256];
	char forgotten[256]; /* what was there before: another name for it */
};

static struct disk *disk;
/* In memory: what a disk does is played here, and a real fsync takes its time. */
static char directory[] = "/dev/shm/mailrail-save-XXXXXX";
static char path[128];

/* Before and after each call. */
static void maybe_cut(void)
{
	if (disk->on && disk->calls_left-- == 0)
		_exit(ENDED_BY_CUT);
}

static void name_of(int fd, char *out)
{
	char link[64];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, out, 255);
	out[size < 0 ? 0 : size] = '\0';
}

/* Half of it first, as write(2) may. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	ssize_t done;

	if (!disk || !disk->on)
		return __real_write(fd, bytes, size);
	maybe_cut();
	name_of(fd, disk->written);
	done = __real_write(fd, bytes, size > 1 ? size / 2 : size);
	maybe_cut();
	return done;
}

int __wrap_fsync(int fd)
{
	char name[256];
	int rc;

	if (!disk || !disk->on)
		return __real_fsync(fd);
	maybe_cut();
	rc = __real_fsync(fd);
	name_of(fd, name);
	if (strcmp(name, disk->written) == 0)
		disk->written[0] = '\0';
	if (strcmp(name, directory) == 0)
		disk->renamed = false;
	maybe_cut();
	return rc;
}

int __wrap_rename(const char *from, const char *to)
{
	int rc;

	if (!disk || !disk->on)
		return __real_rename(from, to);
	maybe_cut();
	snprintf(disk->renamed_to, sizeof(disk->renamed_to), "%s", to);
	snprintf(disk->forgotten, sizeof(disk->forgotten), "%s/forgotten", directory);
	unlink(disk->forgotten);
	if (link(to, disk->forgotten) < 0)
		disk->forgotten[0] = '\0';
	rc = __real_rename(from, to);
	disk->renamed = true;
	maybe_cut();
	return rc;
}

static struct config *with_weight(int weight)
{
	return config_from_text("{'node': {'name': 'n', 'key': '%064d'}, 'ports': [{'name': 'p', "
				"'device': 'net_null0'}], 'workers': {'cores': [0]}, 'pools': "
				"[{'name': 'x', 'table_size': 251, 'backends': [{'name': 'mx', "
				"'address': '10.0.0.1', 'weight': %d}]}]}",
				1, weight);
}

static void cut_file(const char *name)
{
	struct stat st;

	if (stat(name, &st) == 0)
		CU_ASSERT_EQUAL(truncate(name, rand() % (st.st_size + 1)), 0);
}

static void undo_rename(void)
{
	if (disk->forgotten[0])
		CU_ASSERT_EQUAL(__real_rename(disk->forgotten, disk->renamed_to), 0);
}

/* What was not synced is gone, in part or not at all. */
static void fail_power(void)
{
	if (disk->written[0])
		cut_file(disk->written);
	if (disk->renamed && rand() % 2 == 0)
		undo_rename();
	else if (disk->renamed && disk->written[0])
		cut_file(disk->renamed_to); /* the name is there, what it names never got there */
	if (disk->forgotten[0])
		unlink(disk->forgotten);
}

static void empty_directory(void)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	char name[300];

	while ((entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%.30s", directory, entry->d_name);
		unlink(name); /* not "." and ".." */
	}
	closedir(dir);
}

static int weight_in_file(void)
{
	struct field_errors errors = {0};
	struct config *config = config_load(path, &errors);
	const int weight = config ? (int)config->pools[0].backends[0].weight : -1;

	field_errors_print(&errors, stdout);
	field_errors_fini(&errors);
	config_free(config);
	return weight;
}

static uint64_t generation_in_file(const struct config *running)
{
	struct history *history;
	uint64_t generation;

	CU_ASSERT_EQUAL_FATAL(history_create(path, running, &history), 0);
	generation = history_generation(history);
	history_destroy(history);
	return generation;
}

typedef void save_function(const struct config *before, const struct config *after);

static void save_config(const struct config *before, const struct config *after)
{
	struct mr_error error;

	(void)before;
	if (config_save(path, after, &error) < 0)
		_exit(2);
}

static void save_history(const struct config *before, const struct config *after)
{
	static const struct author author = {.name = "a", .reason = "r"};
	struct history *history;

	disk->on = false;
	if (history_create(path, before, &history) < 0)
		_exit(2);
	disk->on = true;
	history_add(history, before, after, &author, false);
}

/* True: the save had come to its end before call @cut. */
static bool run_child(save_function *save, const struct config *before, const struct config *after,
		      int cut)
{
	int status;
	pid_t pid;

	*disk = (struct disk){.on = true, .calls_left = cut};
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		save(before, after);
		_exit(0);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	disk->on = false;
	CU_ASSERT_FATAL(WIFEXITED(status) &&
			(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ENDED_BY_CUT));
	return WEXITSTATUS(status) == 0;
}

#define ROUNDS 20

static void test_configuration(void)
{
	struct config *before = with_weight(1), *after = with_weight(2);
	struct mr_error error;
	bool ended = false;
	int cuts = 0;

	for (; !ended; cuts++) {
		for (int round = 0; round < ROUNDS; round++) {
			int weight;

			CU_ASSERT_EQUAL_FATAL(config_save(path, before, &error), 0);
			ended = run_child(save_config, before, after, cuts);
			fail_power();
			weight = weight_in_file();
			CU_ASSERT(weight == 2 || (weight == 1 && !ended));
			empty_directory();
		}
	}
	CU_ASSERT(cuts > 8); /* two writes or more, two fsyncs and a rename, before and after */
	config_free(before);
	config_free(after);
}

/* Never lost, never a number that was not given; the configuration in force tells which. */
static void test_history(void)
{
	struct config *before = with_weight(1), *after = with_weight(2);
	bool ended = false;

	for (int cut = 0; !ended; cut++) {
		for (int round = 0; round < ROUNDS; round++) {
			struct history *history;
			uint64_t generation;

			CU_ASSERT_EQUAL_FATAL(history_create(path, before, &history), 0);
			history_save(history, before);
			history_destroy(history);
			ended = run_child(save_history, before, after, cut);
			fail_power();
			/* 2: it is there, or what is in force now is a new one. */
			CU_ASSERT_EQUAL(generation_in_file(after), 2);
			generation = generation_in_file(before);
			CU_ASSERT(ended ? generation == 3 : generation == 1 || generation == 3);
			empty_directory();
		}
	}
	config_free(before);
	config_free(after);
}

/* The process alone is killed, at any instruction. */
static void test_kill(void)
{
	struct config *configs[] = {with_weight(1), with_weight(2)};
	struct mr_error error;

	CU_ASSERT_EQUAL_FATAL(config_save(path, configs[0], &error), 0);
	for (int round = 0; round < 30; round++) {
		int weight;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			for (int i = 1;; i++)
				save_config(NULL, configs[i % 2]);
		}
		usleep((useconds_t)(rand() % 5000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		weight = weight_in_file();
		CU_ASSERT(weight == 1 || weight == 2);
	}
	empty_directory();
	config_free(configs[0]);
	config_free(configs[1]);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_configuration),
		UNIT_TEST(test_history),
		UNIT_TEST(test_kill),
		CU_TEST_INFO_NULL,
	};
	int status;

	srand(unit_seed());
	disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (disk == MAP_FAILED || !mkdtemp(directory))
		return 2;
	snprintf(path, sizeof(path), "%s/mailrail.json", directory);
	status = unit_run("config_save", tests);
	rmdir(directory);
	return status;
}
