/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pin table's file: made, taken up, carried over to another budget, refused when it is not
 * whole, held by one process only, and whole after a kill at any moment.
 */
#include "pin_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/unit.h"
#include "pin_table.h"

#define BUDGET	  100
#define KEY_CHECK 0x0123456789abcdefULL

/* A directory of our own, and the files in it. */
static char directory[] = "/dev/shm/test_pin_file.XXXXXX";
static char path[64], new_path[64], other_path[64];

static uint64_t random_state;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection of a counter, so never twice. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
	return value ^ value >> 31;
}

static uint32_t random_below(uint32_t limit)
{
	random_state += 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(mix(random_state) % limit);
}

/* The hash of session number @index; not 0. */
static uint64_t hash_of(uint32_t index)
{
	return mix(index + 1);
}

static struct mr_pin pin_of(uint32_t index)
{
	return (struct mr_pin){
		.backend = (mr_backend_id)(index % MR_BACKEND_NONE),
		.state = (enum mr_pin_state)(MR_PIN_EMBRYONIC + index % 3),
		.seen_s = index % 7,
	};
}

static void begin_anew(void)
{
	unlink(path);
	unlink(new_path);
}

static bool exists(const char *name)
{
	return access(name, F_OK) == 0;
}

static int try_open(uint32_t budget, struct mr_pin_table **out, struct mr_error *error)
{
	error->text[0] = '\0';
	return mr_pin_table_open(path, budget, KEY_CHECK, out, error);
}

static struct mr_pin_table *open_table(uint32_t budget)
{
	struct mr_pin_table *table = NULL;
	struct mr_error error;

	if (try_open(budget, &table, &error) != 0)
		printf("\n    %s", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	return table;
}

static void assert_pinned(const struct mr_pin_table *table, uint32_t index)
{
	const struct mr_pin pin = pin_of(index);
	struct mr_pin found = {0};

	CU_ASSERT(mr_pin_table_find(table, hash_of(index), &found));
	CU_ASSERT(pins_equal(&found, &pin));
}

/* A closed file with pins 0 ... @count - 1. */
static void make_file(uint32_t count)
{
	struct mr_pin_table *table;

	begin_anew();
	table = open_table(BUDGET);
	for (uint32_t i = 0; i < count; i++) {
		const struct mr_pin pin = pin_of(i);

		CU_ASSERT_FATAL(pin_table_add(table, hash_of(i), &pin));
	}
	mr_pin_table_destroy(table);
}

/* The file's bytes, as the test finds them and puts them. */
struct content {
	size_t count;
	uint8_t bytes[64 << 10];
};

static void read_content(struct content *content)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t count = read(fd, content->bytes, sizeof(content->bytes));

	CU_ASSERT_FATAL(fd >= 0 && count >= 0);
	close(fd);
	content->count = (size_t)count;
}

static void write_content(const struct content *content)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, content->bytes, content->count), (ssize_t)content->count);
	close(fd);
}

static void assert_untouched(const struct content *expected)
{
	static struct content found;

	read_content(&found);
	CU_ASSERT_EQUAL(found.count, expected->count);
	CU_ASSERT_EQUAL(memcmp(found.bytes, expected->bytes, expected->count), 0);
	CU_ASSERT_FALSE(exists(new_path));
}

/* @words: what the message says behind the file's name, "" for anything. */
static void assert_refused(const struct content *content, const char *words)
{
	struct mr_pin_table *table = NULL;
	struct mr_error error;
	char line[256];

	snprintf(line, sizeof(line), "%s: %s", path, words);
	CU_ASSERT_EQUAL(try_open(BUDGET, &table, &error), -EBADMSG);
	CU_ASSERT_PTR_NULL(table);
	if (strncmp(error.text, line, strlen(line)) != 0)
		printf("\n    expected: %s\n    got:      %s", line, error.text);
	CU_ASSERT_EQUAL(strncmp(error.text, line, strlen(line)), 0);
	assert_untouched(content);
	if (table != NULL)
		mr_pin_table_destroy(table);
}

static void test_created(void)
{
	struct mr_pin_table *table;
	struct stat status;

	begin_anew();
	table = open_table(BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_budget(table), BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 0);
	CU_ASSERT(mr_pin_table_clock_s(table) < 60);
	CU_ASSERT_EQUAL_FATAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0600);
	CU_ASSERT(status.st_size >= PIN_FILE_HEADER_BYTES + BUDGET * 32);
	CU_ASSERT_EQUAL(status.st_size % 4096, 0);
	CU_ASSERT_FALSE(exists(new_path));
	mr_pin_table_destroy(table);
	CU_ASSERT(exists(path));
}

static void test_taken_up(void)
{
	struct mr_pin_table *table;

	make_file(BUDGET);
	for (unsigned int round = 0; round < 3; round++) {
		table = open_table(BUDGET);
		CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
		for (uint32_t i = 0; i < BUDGET; i++)
			assert_pinned(table, i);
		mr_pin_table_destroy(table);
	}
}

/* It goes on like any other table: full is full, and what is removed stays away. */
static bool keep_odd(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash;
	return pin->backend % 2 == 1;
}

static void test_goes_on(void)
{
	const struct mr_pin pin = pin_of(BUDGET);
	struct mr_pin_table *table;
	uint32_t cursor = 0;

	make_file(BUDGET);
	table = open_table(BUDGET);
	CU_ASSERT_FALSE(pin_table_add(table, hash_of(BUDGET), &pin));
	CU_ASSERT(mr_pin_table_sweep(table, &cursor, UINT32_MAX, keep_odd, NULL));
	CU_ASSERT(pin_table_add(table, hash_of(BUDGET), &pin));
	mr_pin_table_destroy(table);

	table = open_table(BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET / 2 + 1);
	for (uint32_t i = 1; i < BUDGET; i += 2)
		assert_pinned(table, i);
	assert_pinned(table, BUDGET);
	mr_pin_table_destroy(table);
}

static void test_larger_budget(void)
{
	struct mr_pin_table *table;

	make_file(BUDGET);
	table = open_table(1000 * BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_budget(table), 1000 * BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	mr_pin_table_destroy(table);
	/* The file itself has become a larger one. */
	table = open_table(1000 * BUDGET);
	for (uint32_t i = 0; i < BUDGET; i++)
		assert_pinned(table, i);
	CU_ASSERT_FALSE(exists(new_path));
	mr_pin_table_destroy(table);
}

/* What the sessions have achieved decides who finds room. */
static void test_smaller_budget(void)
{
	struct mr_pin_table *table;
	struct mr_pin pin;

	make_file(90); /* 30 of each state */
	table = open_table(40);
	CU_ASSERT_EQUAL(mr_pin_table_budget(table), 40);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 40);
	for (uint32_t i = 0; i < 90; i++) {
		if (pin_of(i).state == MR_PIN_ESTABLISHED)
			assert_pinned(table, i);
		if (pin_of(i).state == MR_PIN_EMBRYONIC)
			CU_ASSERT_FALSE(mr_pin_table_find(table, hash_of(i), &pin));
	}
	mr_pin_table_destroy(table);
	table = open_table(40);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 40);
	mr_pin_table_destroy(table);
}

static void test_clock_is_carried_over(void)
{
	const struct mr_pin pin = {1, MR_PIN_ESTABLISHED, 5000};
	struct mr_pin_table *table;
	uint32_t clock_s;

	begin_anew();
	table = open_table(BUDGET);
	CU_ASSERT(pin_table_add(table, 4711, &pin));
	mr_pin_table_destroy(table);
	table = open_table(2 * BUDGET);
	clock_s = mr_pin_table_clock_s(table);
	CU_ASSERT(clock_s >= 5000 && clock_s < 5060);
	mr_pin_table_destroy(table);
	table = open_table(2 * BUDGET);
	CU_ASSERT(mr_pin_table_clock_s(table) >= clock_s);
	mr_pin_table_destroy(table);
}

static void put_header(struct content *content, const struct pin_file_header *header)
{
	struct pin_file_header whole = *header;

	whole.crc = pin_file_crc(&whole);
	memcpy(content->bytes, &whole, sizeof(whole));
	write_content(content);
}

static struct pin_file_header get_header(struct content *content)
{
	struct pin_file_header header;

	read_content(content);
	memcpy(&header, content->bytes, sizeof(header));
	return header;
}

/* The machine's clock went on while nobody ran. */
static void test_clock_goes_on(void)
{
	static struct content content;
	struct pin_file_header header;
	struct mr_pin_table *table;
	uint32_t clock_s;

	make_file(BUDGET);
	header = get_header(&content);
	header.epoch_s -= 7200;
	put_header(&content, &header);
	table = open_table(BUDGET);
	clock_s = mr_pin_table_clock_s(table);
	CU_ASSERT(clock_s >= 7200 && clock_s < 7260);
	mr_pin_table_destroy(table);
}

/* The machine was booted, so that its clock began anew; pins were seen up to second 6. */
static void test_clock_after_a_reboot(void)
{
	static struct content content;
	struct pin_file_header header;
	struct mr_pin_table *table;
	uint32_t clock_s;

	make_file(BUDGET);
	header = get_header(&content);
	header.epoch_s += 1000000;
	put_header(&content, &header);
	table = open_table(BUDGET);
	clock_s = mr_pin_table_clock_s(table);
	CU_ASSERT(clock_s >= 6 && clock_s < 66);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	mr_pin_table_destroy(table);
	/* From there on the file knows. */
	header = get_header(&content);
	CU_ASSERT_EQUAL(header.crc, pin_file_crc(&header));
	CU_ASSERT(header.epoch_s <= pin_boottime_s() - clock_s);
}

static void test_truncated(void)
{
	static const long lengths[] = {0,    1,	   8,	 63,   64,   65,   100, 4095,
				       4096, 4097, 4111, 4112, 4160, 5000, 8191};
	static struct content content;
	size_t whole;

	make_file(BUDGET);
	read_content(&content);
	whole = content.count;
	CU_ASSERT_EQUAL_FATAL(whole, 8192);
	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		content.count = (size_t)lengths[i];
		write_content(&content);
		assert_refused(&content, lengths[i] < 64 ? "is too short" : "has ");
	}
	for (size_t more = 1; more <= 4096; more += 4095) {
		memset(content.bytes + whole, 0, more);
		content.count = whole + more;
		write_content(&content);
		assert_refused(&content, "has ");
	}
}

/* Once in each byte, another bit each time: in the header, in pins, and where nothing is. */
static void test_one_wrong_bit(void)
{
	static struct content content;

	make_file(BUDGET / 2);
	read_content(&content);
	for (size_t i = 0; i < content.count; i++) {
		const uint8_t bit = (uint8_t)(1 << random_below(8));

		content.bytes[i] ^= bit;
		write_content(&content);
		assert_refused(&content, "");
		content.bytes[i] ^= bit;
	}
	write_content(&content);
	mr_pin_table_destroy(open_table(BUDGET));
}

/* Words that are whole, but that no table of ours would hold there. */
static void test_impossible_pins(void)
{
	static struct content content;
	const struct mr_pin pins[] = {
		{MR_BACKEND_NONE, MR_PIN_ESTABLISHED, 1},
		{1, (enum mr_pin_state)0, 1},
		{1, (enum mr_pin_state)(MR_PIN_CLOSING + 1), 1},
		{1, MR_PIN_ESTABLISHED, 1U << 31},
		{1, MR_PIN_ESTABLISHED, 1}, /* in a bucket that is not its */
	};
	const uint64_t hash = 0x8000000000000000ULL; /* its first bucket is the first */

	for (size_t i = 0; i < RTE_DIM(pins); i++) {
		const uint64_t words[] = {hash, pin_pack(hash, &pins[i])};
		const size_t bucket = i == 4 ? 1 : 0;

		make_file(0);
		read_content(&content);
		memcpy(content.bytes + PIN_FILE_HEADER_BYTES + bucket * 64, words, sizeof(words));
		write_content(&content);
		assert_refused(&content, "a pin in bucket ");
	}
}

static void test_other_headers(void)
{
	static struct content content;
	struct pin_file_header changed;

	make_file(BUDGET);
	changed = get_header(&content);
	changed.version--;
	put_header(&content, &changed);
	assert_refused(&content, "is of version 0, not 1");

	make_file(BUDGET);
	changed = get_header(&content);
	changed.key_check++;
	put_header(&content, &changed);
	assert_refused(&content, "is of another node.key");

	make_file(BUDGET);
	changed = get_header(&content);
	changed.magic++;
	put_header(&content, &changed);
	assert_refused(&content, "is no table of pins");

	make_file(BUDGET);
	changed = get_header(&content);
	changed.budget = 99; /* one pin more than that */
	put_header(&content, &changed);
	assert_refused(&content, "has more pins than it can");

	make_file(BUDGET);
	changed = get_header(&content);
	changed.budget = 129; /* 64 buckets are too few for it */
	put_header(&content, &changed);
	assert_refused(&content, "its header is damaged");

	make_file(BUDGET);
	changed = get_header(&content);
	changed.epoch_s -= 1LL << 32;
	put_header(&content, &changed);
	assert_refused(&content, "its clock is damaged");
}

/* Left by a process that was killed while it made a file. */
static void test_unfinished_new_file(void)
{
	static struct content content;
	struct mr_pin_table *table;

	make_file(BUDGET);
	read_content(&content);
	CU_ASSERT_EQUAL_FATAL(rename(path, new_path), 0);
	table = open_table(BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), 0);
	CU_ASSERT_FALSE(exists(new_path));
	mr_pin_table_destroy(table);

	make_file(BUDGET);
	CU_ASSERT_EQUAL_FATAL(link(path, new_path), 0);
	unlink(path);
	write_content(&content);
	table = open_table(2 * BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	CU_ASSERT_FALSE(exists(new_path));
	mr_pin_table_destroy(table);
}

static void test_no_place(void)
{
	struct mr_pin_table *table = NULL;
	struct mr_error error = {""};

	CU_ASSERT_EQUAL(
		mr_pin_table_open("/proc/no/such/directory", BUDGET, KEY_CHECK, &table, &error),
		-ENOENT);
	CU_ASSERT_EQUAL(strncmp(error.text, "/proc/no/such/directory", 23), 0);
	CU_ASSERT_EQUAL(mr_pin_table_open(directory, BUDGET, KEY_CHECK, &table, &error), -EISDIR);
	CU_ASSERT_PTR_NULL(table);
}

/* The child's part: what goes wrong is its exit status. */
static int work_on_a_full_disk(void)
{
	struct mr_pin_table *table = NULL;
	struct mr_error error;
	int rc;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", directory, "tmpfs", 0, "size=64k") < 0)
		return 2;
	if (try_open(10000, &table, &error) != -ENOSPC || exists(path) || exists(new_path))
		return 3;
	if (try_open(BUDGET, &table, &error) != 0)
		return 4;
	mr_pin_table_destroy(table);
	/* Nor is there room beside the old one. */
	if (try_open(10000, &table, &error) != -ENOSPC || !exists(path) || exists(new_path))
		return 5;
	rc = try_open(BUDGET, &table, &error);
	mr_pin_table_destroy(table);
	return rc == 0 ? 0 : 6;
}

static pid_t begin_child(void)
{
	const pid_t parent = getpid();
	pid_t child;

	fflush(stdout);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void end_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
}

static void test_full_disk(void)
{
	const pid_t child = begin_child();
	int status = -1;

	if (child == 0)
		_exit(work_on_a_full_disk());
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static void test_held(void)
{
	struct mr_pin_table *table = NULL, *other = NULL;
	struct mr_error error;
	pid_t child;
	int ready[2];
	char byte;

	make_file(BUDGET);
	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	child = begin_child();
	if (child == 0) {
		if (try_open(BUDGET, &table, &error) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
	CU_ASSERT_EQUAL(try_open(BUDGET, &table, &error), -EBUSY);
	CU_ASSERT_EQUAL(try_open(2 * BUDGET, &table, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
	end_child(child);
	table = open_table(BUDGET);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
	/* Not twice in one process either. */
	CU_ASSERT_EQUAL(try_open(BUDGET, &other, &error), -EBUSY);
	mr_pin_table_destroy(table);
	close(ready[0]);
	close(ready[1]);
}

/*
 * Kills. The child works on a table that is often full, and keeps a journal in memory that the
 * parent shares: what each session's pin is since its last complete step, and what it is about
 * to do now.
 */
#define KILL_ROUNDS   400
#define KILL_BUDGET   40
#define KILL_SESSIONS 96
#define KILL_STEPS    3000 /* of the child, before which the kill comes */
#define NOBODY	      UINT32_MAX

struct journal {
	_Atomic uint64_t steps;
	_Atomic uint32_t busy_with; /* session, or NOBODY */
	_Atomic bool evicting;
	_Atomic bool failed;
	_Atomic uint64_t words[KILL_SESSIONS]; /* pin_pack()'s; 0: none */
};

static struct journal *journal;

static bool keep_but_one(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)pin;
	return hash != *(const uint64_t *)context;
}

static uint64_t word_in(const struct mr_pin_table *table, uint32_t session)
{
	uint64_t data = 0;

	pin_table_lookup(table, hash_of(session), &data);
	return data;
}

static void write_down_victim(const struct mr_pin_table *table, uint32_t newcomer)
{
	for (uint32_t i = 0; i < KILL_SESSIONS; i++)
		if (i != newcomer && word_in(table, i) == 0)
			journal->words[i] = 0;
}

static void child_adds(struct mr_pin_table *table, uint32_t session, const struct mr_pin *pin)
{
	const uint64_t hash = hash_of(session);
	bool done = pin_table_add(table, hash, pin);

	if (!done) {
		journal->evicting = true;
		done = pin_table_evict(table, hash, pin);
		if (done) {
			journal->words[session] = pin_pack(hash, pin);
			write_down_victim(table, session);
		}
		journal->evicting = false;
	} else {
		journal->words[session] = pin_pack(hash, pin);
	}
}

static void child_step(struct mr_pin_table *table)
{
	const uint32_t session = random_below(KILL_SESSIONS);
	const uint64_t hash = hash_of(session);
	const struct mr_pin pin = {
		.backend = (mr_backend_id)random_below(100),
		.state = (enum mr_pin_state)(1 + random_below(3)),
		.seen_s = random_below(1000),
	};
	uint64_t data;
	struct pin_entry *entry = pin_table_lookup(table, hash, &data);
	uint32_t cursor = 0;

	journal->busy_with = session;
	if (entry == NULL) {
		child_adds(table, session, &pin);
	} else if (random_below(3) == 0) {
		mr_pin_table_sweep(table, &cursor, UINT32_MAX, keep_but_one, (void *)&hash);
		journal->words[session] = 0;
	} else {
		journal->failed |= !pin_entry_update(entry, hash, data, &pin);
		journal->words[session] = pin_pack(hash, &pin);
	}
	journal->busy_with = NOBODY;
	journal->steps++;
}

static void child_works(uint64_t seed)
{
	struct mr_pin_table *table = NULL;
	struct mr_error error;

	random_state = seed;
	if (try_open(KILL_BUDGET, &table, &error) != 0)
		journal->failed = true;
	while (!journal->failed)
		child_step(table);
	_exit(1);
}

/* Takes over what is in the table, after holding it against the journal. */
static void check_after_kill(void)
{
	struct mr_pin_table *table = open_table(KILL_BUDGET);
	uint32_t lost_embryonic = 0, count = 0, newest_s = 0;

	for (uint32_t i = 0; i < KILL_SESSIONS; i++) {
		const uint64_t word = word_in(table, i);

		count += word != 0;
		newest_s = RTE_MAX(newest_s, pin_unpack(word).seen_s);
		if (word != journal->words[i] && i != journal->busy_with) {
			CU_ASSERT(journal->evicting);
			CU_ASSERT_EQUAL(word, 0);
			CU_ASSERT_EQUAL(pin_unpack(journal->words[i]).state, MR_PIN_EMBRYONIC);
			lost_embryonic++;
		}
		journal->words[i] = word;
	}
	CU_ASSERT(lost_embryonic <= 1);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), count);
	CU_ASSERT(mr_pin_table_clock_s(table) >= newest_s);
	mr_pin_table_destroy(table);
}

static void test_killed(void)
{
	uint64_t steps = 0;

	begin_anew();
	journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	CU_ASSERT_FATAL(journal != MAP_FAILED);
	for (uint32_t round = 0; round < KILL_ROUNDS && !journal->failed; round++) {
		const uint32_t wanted = random_below(KILL_STEPS);
		pid_t child;

		journal->steps = 0;
		journal->busy_with = NOBODY;
		journal->evicting = false;
		child = begin_child();
		if (child == 0)
			child_works(random_state + round);
		while (journal->steps < wanted && !journal->failed)
			;
		end_child(child);
		steps += journal->steps;
		check_after_kill();
	}
	CU_ASSERT_FALSE(journal->failed);
	printf("%d kills in %lu steps ", KILL_ROUNDS, steps);
	munmap(journal, sizeof(*journal));
}

/* While a file is carried over to another budget and back, all the time. */
#define CARRY_ROUNDS 200

static void child_carries(_Atomic uint32_t *carried)
{
	struct mr_pin_table *table;
	struct mr_error error;

	for (;; ++*carried) {
		const int rc = try_open(BUDGET + BUDGET * (*carried % 2), &table, &error);

		if (rc == 0)
			mr_pin_table_destroy(table);
		else if (rc != -EBUSY)
			_exit(1);
	}
}

static void test_killed_while_carried_over(void)
{
	_Atomic uint32_t *carried = mmap(NULL, sizeof(*carried), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(carried != MAP_FAILED);
	make_file(BUDGET);
	for (uint32_t round = 0; round < CARRY_ROUNDS; round++) {
		const uint32_t spins = random_below(100000);
		struct mr_pin_table *table;
		pid_t child;

		*carried = 0;
		child = begin_child();
		if (child == 0)
			child_carries(carried);
		while (*carried < 2)
			;
		for (volatile uint32_t i = 0; i < spins; i++)
			;
		end_child(child);
		table = open_table(BUDGET);
		CU_ASSERT_EQUAL(mr_pin_table_count(table), BUDGET);
		for (uint32_t i = 0; i < BUDGET; i++)
			assert_pinned(table, i);
		mr_pin_table_destroy(table);
	}
	munmap((void *)carried, sizeof(*carried));
}

/*
 * What another process does between our opening of a file and our locking of it. The program's own
 * flock() takes the place of the library's.
 */
static void (*meanwhile)(void);

int flock(int fd, int operation)
{
	void (*const act)(void) = meanwhile;

	meanwhile = NULL;
	if (act != NULL)
		act();
	return (int)syscall(SYS_flock, fd, operation);
}

static void put_other_file(void)
{
	CU_ASSERT_EQUAL(rename(other_path, path), 0);
}

static void take_file_away(void)
{
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void take_new_file_away(void)
{
	CU_ASSERT_EQUAL(unlink(new_path), 0);
}

/* Opens, and finds @count pins in a file that is held and bears the name. */
static void assert_opened(void (*act)(void), uint32_t count)
{
	struct mr_pin_table *table, *other = NULL;
	struct mr_error error;

	meanwhile = act;
	table = open_table(BUDGET);
	CU_ASSERT_PTR_NULL(meanwhile);
	CU_ASSERT_EQUAL(mr_pin_table_count(table), count);
	CU_ASSERT_EQUAL(try_open(BUDGET, &other, &error), -EBUSY);
	CU_ASSERT_FALSE(exists(new_path));
	mr_pin_table_destroy(table);
}

static void test_replaced_meanwhile(void)
{
	make_file(10);
	CU_ASSERT_EQUAL(rename(path, other_path), 0);
	make_file(BUDGET);
	assert_opened(put_other_file, 10);
	assert_opened(take_file_away, 0);
	/* Nobody has a file yet, and another process is first. */
	make_file(20);
	CU_ASSERT_EQUAL(rename(path, other_path), 0);
	assert_opened(put_other_file, 20);
	begin_anew();
	assert_opened(take_new_file_away, 0);
}

/* Many begin at once: one gets it, and nobody is told anything else than that it is taken. */
#define RIVALS	     4
#define RIVAL_ROUNDS 50

static void rival_opens(const _Atomic uint32_t *round, uint32_t awaited)
{
	struct mr_pin_table *table;
	struct mr_error error;
	int rc;

	while (*round != awaited)
		sched_yield();
	rc = try_open(BUDGET, &table, &error);
	if (rc == -EBUSY)
		_exit(1);
	if (rc != 0)
		_exit(2);
	while (*round == awaited)
		sched_yield();
	_exit(0);
}

/* Those that are told that it is taken end; the one that has it waits for the next round. */
static void await_losers(void)
{
	for (unsigned int i = 0; i < RIVALS - 1; i++) {
		int status = -1;

		CU_ASSERT_FATAL(waitpid(-1, &status, 0) > 0);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	}
}

static void test_rivals(void)
{
	_Atomic uint32_t *round = mmap(NULL, sizeof(*round), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(round != MAP_FAILED);
	for (uint32_t i = 1; i <= RIVAL_ROUNDS; i++) {
		int status = -1;

		begin_anew();
		for (unsigned int r = 0; r < RIVALS; r++)
			if (begin_child() == 0)
				rival_opens(round, 2 * i);
		*round = 2 * i;
		await_losers();
		*round = 2 * i + 1;
		CU_ASSERT(waitpid(-1, &status, 0) > 0);
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		CU_ASSERT_FALSE(exists(new_path));
	}
	munmap((void *)round, sizeof(*round));
}

/* SEED in the environment repeats a run. */
int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_created),
		UNIT_TEST(test_taken_up),
		UNIT_TEST(test_goes_on),
		UNIT_TEST(test_larger_budget),
		UNIT_TEST(test_smaller_budget),
		UNIT_TEST(test_clock_is_carried_over),
		UNIT_TEST(test_clock_goes_on),
		UNIT_TEST(test_clock_after_a_reboot),
		UNIT_TEST(test_truncated),
		UNIT_TEST(test_one_wrong_bit),
		UNIT_TEST(test_impossible_pins),
		UNIT_TEST(test_other_headers),
		UNIT_TEST(test_unfinished_new_file),
		UNIT_TEST(test_no_place),
		UNIT_TEST(test_full_disk),
		UNIT_TEST(test_held),
		UNIT_TEST(test_killed),
		UNIT_TEST(test_killed_while_carried_over),
		UNIT_TEST(test_replaced_meanwhile),
		UNIT_TEST(test_rivals),
		CU_TEST_INFO_NULL,
	};
	int status;

	random_state = unit_seed();
	if (mkdtemp(directory) == NULL) {
		perror(directory);
		return 2;
	}
	snprintf(path, sizeof(path), "%s/pins", directory);
	snprintf(new_path, sizeof(new_path), "%s/pins.new", directory);
	snprintf(other_path, sizeof(other_path), "%s/other", directory);
	status = unit_run("pin_file", tests);
	begin_anew();
	rmdir(directory);
	return status;
}
