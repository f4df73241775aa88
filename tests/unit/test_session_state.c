/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives the process, in real files: taken up again as it was, or refused as a whole. A
 * process here is a roster and a fleet; a kill is to let go of them without another word.
 */
#include "session_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../lib/config_text.h"
#include "../lib/no_dataplane.h"
#include "../lib/unit.h"
#include "log.h"
#include "pin_table.h"

#define DIGEST_BYTES 32
/* Where a table's file has what, as table_file.c writes it. */
#define AT_VERSION	8
#define AT_KEY_CHECK	16
#define AT_MEMBER_COUNT 24
#define AT_MOVING	32
#define AT_MEMBERS	(40 + MR_NAME_MAX)
#define MEMBER_BYTES	(MR_NAME_MAX + 24)
#define AT_ID		(AT_MEMBERS + MR_NAME_MAX + 16)

static char root[] = "/tmp/mailrail-state.XXXXXX";
static struct no_dataplane dataplane = {.now_s = 1000};

/* --- processes */

#define KEY_ONE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_TWO "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefe"

#define BACKEND(name, address, more) \
	"{\"name\": \"" name "\", \"address\": \"10.0.0." address "\"" more "}"
#define HUB1 BACKEND("hub1", "1", "")
#define HUB2 BACKEND("hub2", "2", "")
#define HUB3 BACKEND("hub3", "3", "")
#define HUB4 BACKEND("hub4", "4", "")
#define POOL(name, size, backends) \
	"{\"name\": \"" name "\", \"table_size\": " size ", \"backends\": [" backends "]}"

struct process {
	struct config *config;
	struct session_state *state;
	struct roster *roster;
	struct fleet *fleet;
	bool recovered; /* something was taken up */
};

static struct config *decode(const char *key, const char *pools)
{
	return config_from_text("{\"node\": {\"name\": \"n\", \"key\": \"%s\"}, "
				"\"sessions\": {\"pins\": 1024, \"state\": \"%s/sessions\"}, "
				"\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\"}], "
				"\"pools\": [%s]}",
				key, root, pools);
}

static void save(struct process *process)
{
	struct mr_error error = {""};

	CU_ASSERT_EQUAL_FATAL(session_state_save(process->state, process->fleet, &error), 0);
}

/* As main() and balancer_create() do. */
static void start_with(struct process *process, const char *key, const char *pools)
{
	struct mr_error error = {""};
	struct fleet *former = NULL;

	*process = (struct process){.config = decode(key, pools),
				    .roster = calloc(1, sizeof(struct roster))};
	process->roster->dp = no_dataplane_handle(&dataplane);
	CU_ASSERT_EQUAL_FATAL(session_state_open(process->config, &process->state, &error), 0);
	CU_ASSERT_EQUAL_FATAL(session_state_recover(process->state, process->roster, &former), 0);
	process->recovered = former != NULL;
	CU_ASSERT_EQUAL_FATAL(
		fleet_create(process->roster, process->config, former, &process->fleet, &error), 0);
	fleet_destroy(former);
	save(process);
}

static void start(struct process *process, const char *pools)
{
	start_with(process, KEY_ONE, pools);
}

static void let_go(struct process *process)
{
	fleet_destroy(process->fleet);
	roster_fini(process->roster);
	free(process->roster);
	config_free(process->config);
	session_state_close(process->state);
}

/* A change while it runs. */
static void change(struct process *process, const char *pools)
{
	struct config *config = decode(KEY_ONE, pools);
	struct mr_error error = {""};
	struct fleet *fleet;

	CU_ASSERT_EQUAL_FATAL(fleet_create(process->roster, config, process->fleet, &fleet, &error),
			      0);
	fleet_destroy(process->fleet);
	config_free(process->config);
	process->fleet = fleet;
	process->config = config;
}

static struct member *find_member(const struct process *process, uint32_t pool, const char *name)
{
	const struct pool *in = &process->fleet->pools[pool];

	for (uint32_t i = 0; i < in->member_count; i++) {
		if (strcmp(in->members[i].backend->name, name) == 0)
			return &in->members[i];
	}
	return NULL;
}

static void judge(struct process *process, const char *name, enum health_verdict verdict)
{
	struct pool *pool = &process->fleet->pools[0];
	struct member *member = find_member(process, 0, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(member);
	member->backend->verdict = verdict;
	CU_ASSERT_EQUAL_FATAL(pool_advance(pool, pool->slots, dataplane.now_s), 0);
}

/* --- files */

struct file {
	uint8_t bytes[128 << 10];
	size_t size;
};

static const char *path_of(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", root, name);
	return path[turn];
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(stat(path_of(name), &st), 0);
	return st.st_ino;
}

static void read_file(const char *name, struct file *out)
{
	FILE *file = fopen(path_of(name), "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	out->size = fread(out->bytes, 1, sizeof(out->bytes), file);
	fclose(file);
	CU_ASSERT_FATAL(out->size < sizeof(out->bytes));
}

static void write_file(const char *name, const struct file *content, size_t size)
{
	FILE *file = fopen(path_of(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL_FATAL(fwrite(content->bytes, 1, size, file), size);
	fclose(file);
}

static void assert_file_is(const char *name, const struct file *content, size_t size)
{
	static struct file there;

	read_file(name, &there);
	CU_ASSERT_EQUAL(there.size, size);
	CU_ASSERT_EQUAL(memcmp(there.bytes, content->bytes, size), 0);
}

static int remove_files(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/*", root);
	return system(command);
}

static void clean(void)
{
	CU_ASSERT_EQUAL_FATAL(remove_files(), 0);
}

static uint32_t word_at(const struct file *file, size_t offset)
{
	uint32_t word;

	memcpy(&word, &file->bytes[offset], sizeof(word));
	return word;
}

static void set_word(struct file *file, size_t offset, uint32_t word)
{
	memcpy(&file->bytes[offset], &word, sizeof(word));
}

/* Of a table whose slots are all steady. */
static void set_current(struct file *file, size_t offset, uint16_t current)
{
	memcpy(&file->bytes[offset], &current, sizeof(current));
}

static void set_id(struct file *file, uint32_t member, uint16_t id)
{
	memcpy(&file->bytes[AT_ID + member * MEMBER_BYTES], &id, sizeof(id));
}

/* What was changed on purpose has a good checksum again. */
static void reseal(struct file *file)
{
	const size_t covered = file->size - DIGEST_BYTES;

	CU_ASSERT_EQUAL_FATAL(
		EVP_Digest(file->bytes, covered, &file->bytes[covered], NULL, EVP_sha256(), NULL),
		1);
}

static size_t slots_offset(uint32_t members)
{
	return AT_MEMBERS + members * MEMBER_BYTES;
}

/* --- pins */

static void add_pin(const struct process *process, uint64_t hash, mr_backend_id backend)
{
	const struct mr_pin pin = {.backend = backend, .state = MR_PIN_ESTABLISHED};

	CU_ASSERT_FATAL(pin_table_add(session_state_pins(process->state), hash, &pin));
}

static bool has_pin(const struct process *process, uint64_t hash, mr_backend_id backend)
{
	struct mr_pin pin;

	return mr_pin_table_find(session_state_pins(process->state), hash, &pin) &&
	       pin.backend == backend;
}

/* --- taken up */

#define BOTH	     POOL("a", "251", HUB1 ", " HUB2 ", " HUB3) ", " POOL("b", "13", HUB4)
#define WITHOUT_HUB1 POOL("a", "251", HUB2 ", " HUB3) ", " POOL("b", "13", HUB4)

/* Changes on top of one another: a backend leaves, another is down, pins lie on both. */
static void run_and_change(struct process *process)
{
	start(process, BOTH);
	CU_ASSERT_FALSE(process->recovered);
	judge(process, "hub1", HEALTH_UP);
	judge(process, "hub3", HEALTH_UP);
	change(process, WITHOUT_HUB1);
	dataplane.now_s += 10;
	judge(process, "hub2", HEALTH_DOWN);
	CU_ASSERT(process->fleet->pools[0].moving_slots > 0);
	save(process);
	add_pin(process, 7, find_member(process, 0, "hub1")->backend->id);
	add_pin(process, 8, find_member(process, 0, "hub3")->backend->id);
	add_pin(process, 9, 1234);
}

static void assert_same_slots(const struct mr_slots *slots, const struct mr_slots *before)
{
	for (uint32_t i = 0; i < slots->size; i++) {
		CU_ASSERT_EQUAL(slots->words[i], before->words[i]);
		if (!mr_slot_moving(slots->words[i]))
			continue;
		CU_ASSERT_EQUAL(mr_slots_moving_since_s(slots, i),
				mr_slots_moving_since_s(before, i));
		CU_ASSERT_EQUAL(slots->notes->unknown[i], mr_stamp_make(dataplane.now_s));
	}
}

static void test_round_trip(void)
{
	mr_backend_id hub1, hub2, hub3, hub4;
	struct mr_slots *slots[2];
	struct process process;
	uint32_t moving, changed_s;
	const struct member *member;

	run_and_change(&process);
	hub1 = find_member(&process, 0, "hub1")->backend->id;
	hub2 = find_member(&process, 0, "hub2")->backend->id;
	hub3 = find_member(&process, 0, "hub3")->backend->id;
	hub4 = find_member(&process, 1, "hub4")->backend->id;
	moving = process.fleet->pools[0].moving_slots;
	changed_s = process.fleet->pools[0].changed_s;
	for (uint32_t i = 0; i < 2; i++) {
		slots[i] = mr_slots_copy(process.fleet->pools[i].slots);
		CU_ASSERT_PTR_NOT_NULL_FATAL(slots[i]);
	}
	let_go(&process);

	dataplane.now_s += 100;
	start(&process, WITHOUT_HUB1);
	CU_ASSERT(process.recovered);
	CU_ASSERT_EQUAL(process.fleet->pools[0].moving_slots, moving);
	CU_ASSERT_EQUAL(process.fleet->pools[0].changed_s, changed_s);
	for (uint32_t i = 0; i < 2; i++) {
		assert_same_slots(process.fleet->pools[i].slots, slots[i]);
		mr_slots_put(slots[i]);
	}
	member = find_member(&process, 0, "hub1");
	CU_ASSERT(member->leaving);
	CU_ASSERT_EQUAL(member->backend->id, hub1);
	CU_ASSERT_EQUAL(member->backend->verdict, HEALTH_UP);
	member = find_member(&process, 0, "hub2");
	CU_ASSERT_FALSE(member->leaving);
	CU_ASSERT_EQUAL(member->backend->id, hub2);
	CU_ASSERT_EQUAL(member->backend->verdict, HEALTH_DOWN);
	CU_ASSERT_EQUAL(find_member(&process, 0, "hub3")->backend->id, hub3);
	CU_ASSERT_EQUAL(find_member(&process, 1, "hub4")->backend->id, hub4);
	CU_ASSERT(find_member(&process, 1, "hub4")->backend->trusted);
	CU_ASSERT(has_pin(&process, 7, hub1));
	CU_ASSERT(has_pin(&process, 8, hub3));
	CU_ASSERT_EQUAL(mr_pin_table_count(session_state_pins(process.state)), 2);
	let_go(&process);
	clean();
}

/* The stamps of a table may be ahead of the clock that goes on: of pins that are younger. */
static void test_clock_behind(void)
{
	const uint32_t before_s = dataplane.now_s;
	struct process process;

	run_and_change(&process);
	let_go(&process);
	dataplane.now_s = 5;
	start(&process, WITHOUT_HUB1);
	CU_ASSERT(process.recovered);
	CU_ASSERT_EQUAL(process.fleet->pools[0].changed_s, 5);
	for (uint32_t i = 0; i < 251; i++)
		CU_ASSERT(mr_slots_moving_since_s(process.fleet->pools[0].slots, i) <= 5);
	let_go(&process);
	dataplane.now_s = before_s;
	clean();
}

/* A restart with another configuration is the change that it would have been while running. */
static void test_restart_is_a_change(void)
{
	static const char *const rows[] = {
		WITHOUT_HUB1,
		POOL("a", "251", HUB3),
		POOL("a", "251", HUB3 ", " HUB4 ", " HUB1 ", " HUB2),
		POOL("a", "251", HUB1 ", " BACKEND("hub2", "2", ", \"weight\": 7") ", " HUB3),
		POOL("a", "251",
		     HUB1 ", " HUB2 ", " BACKEND("hub3", "3", ", \"state\": \"drain\"")),
		POOL("a", "251",
		     BACKEND("hub1", "1", ", \"state\": \"disabled\"") ", " HUB2 ", " HUB3),
		POOL("a", "251", HUB1 ", " BACKEND("hub2", "22", "") ", " HUB3),
		POOL("a", "251", ""),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct process process;
		struct mr_slots *slots;
		struct pool *pool;

		run_and_change(&process);
		change(&process, rows[i]);
		pool = &process.fleet->pools[0];
		for (uint32_t m = 0; m < pool->member_count; m++)
			judge(&process, pool->members[m].backend->name, HEALTH_UP);
		slots = mr_slots_copy(pool->slots);
		CU_ASSERT_PTR_NOT_NULL_FATAL(slots);
		let_go(&process);

		start(&process, rows[i]);
		pool = &process.fleet->pools[0];
		for (uint32_t m = 0; m < pool->member_count; m++)
			judge(&process, pool->members[m].backend->name, HEALTH_UP);
		CU_ASSERT_EQUAL(memcmp(slots->words, pool->slots->words,
				       slots->size * sizeof(slots->words[0])),
				0);
		mr_slots_put(slots);
		let_go(&process);
		clean();
	}
}

static void test_only_changes_are_written(void)
{
	struct process process;
	ino_t a, b;

	start(&process, BOTH);
	a = inode_of("sessions/a.table");
	b = inode_of("sessions/b.table");
	change(&process, BOTH);
	save(&process);
	CU_ASSERT_EQUAL(inode_of("sessions/a.table"), a);
	judge(&process, "hub2", HEALTH_UP); /* no slot moves, but it is to be known */
	save(&process);
	CU_ASSERT_NOT_EQUAL(inode_of("sessions/a.table"), a);
	CU_ASSERT_EQUAL(inode_of("sessions/b.table"), b);
	a = inode_of("sessions/a.table");
	let_go(&process);

	start(&process, BOTH);
	CU_ASSERT_EQUAL(inode_of("sessions/a.table"), a);
	change(&process, POOL("b", "13", HUB4));
	save(&process);
	CU_ASSERT_FALSE(is_there("sessions/a.table"));
	CU_ASSERT_EQUAL(inode_of("sessions/b.table"), b);
	let_go(&process);
	clean();
}

/* A directory where the new file would be written. */
static void test_table_that_cannot_be_written(void)
{
	struct mr_error error = {""};
	struct process process;

	start(&process, BOTH);
	CU_ASSERT_EQUAL_FATAL(mkdir(path_of("sessions/a.table.new"), 0700), 0);
	judge(&process, "hub2", HEALTH_DOWN);
	CU_ASSERT_EQUAL(session_state_save(process.state, process.fleet, &error), -EISDIR);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "pool a"));
	CU_ASSERT_FALSE(is_there("sessions/a.table"));
	CU_ASSERT(is_there("sessions/b.table"));
	CU_ASSERT_EQUAL_FATAL(rmdir(path_of("sessions/a.table.new")), 0);
	save(&process); /* tried again, though nothing has changed */
	CU_ASSERT(is_there("sessions/a.table"));
	let_go(&process);
	clean();
}

static void test_cut_short_write_is_removed(void)
{
	static const struct file nothing;
	struct process process;

	start(&process, BOTH);
	let_go(&process);
	write_file("sessions/a.table.new", &nothing, 100);
	start(&process, BOTH);
	CU_ASSERT(process.recovered);
	CU_ASSERT_FALSE(is_there("sessions/a.table.new"));
	let_go(&process);
	clean();
}

/* --- refused */

static struct {
	struct file pins, a, b;
} good, bad;

static void make_good_files(void)
{
	struct process process;

	run_and_change(&process);
	let_go(&process);
	read_file("sessions/pins", &good.pins);
	read_file("sessions/a.table", &good.a);
	read_file("sessions/b.table", &good.b);
	bad = good;
}

static void put_bad_files(void)
{
	write_file("sessions/pins", &bad.pins, bad.pins.size);
	write_file("sessions/a.table", &bad.a, bad.a.size);
	write_file("sessions/b.table", &bad.b, bad.b.size);
}

/* Steady and without pins, and what was there is beside. */
static void assert_refused_by(const char *key, const char *pools)
{
	struct process process;

	put_bad_files();
	start_with(&process, key, pools);
	CU_ASSERT_FALSE(process.recovered);
	CU_ASSERT_EQUAL(process.fleet->pools[0].moving_slots, 0);
	CU_ASSERT_EQUAL(mr_pin_table_count(session_state_pins(process.state)), 0);
	assert_file_is("sessions.refused/a.table", &bad.a, bad.a.size);
	assert_file_is("sessions.refused/b.table", &bad.b, bad.b.size);
	let_go(&process);
}

static void assert_refused(void)
{
	assert_refused_by(KEY_ONE, WITHOUT_HUB1);
	assert_file_is("sessions.refused/pins", &bad.pins, bad.pins.size);
	bad = good;
}

static void assert_accepted(void)
{
	struct process process;

	put_bad_files();
	start(&process, WITHOUT_HUB1);
	CU_ASSERT(process.recovered);
	let_go(&process);
}

static void test_truncated_table(void)
{
	make_good_files();
	assert_accepted();
	for (size_t size = 0; size < good.b.size; size++) {
		bad.b.size = size;
		assert_refused();
	}
	bad.b.size++; /* longer than it says */
	assert_refused();
	clean();
}

/* Every byte of a table, one bit or all of them. */
static void test_flipped_table(void)
{
	make_good_files();
	for (size_t i = 0; i < good.b.size; i++) {
		bad.b.bytes[i] ^= (uint8_t)(1u << i % 8);
		assert_refused();
		bad.b.bytes[i] ^= 0xff;
		assert_refused();
	}
	clean();
}

static void test_impossible_tables(void)
{
	const size_t currents = slots_offset(1);
	size_t words;
	mr_slot word;

	make_good_files();
	words = slots_offset(word_at(&good.a, AT_MEMBER_COUNT));
	word = word_at(&good.a, words);
	CU_ASSERT_EQUAL(word_at(&good.a, AT_MOVING), 1);
	CU_ASSERT_EQUAL(word_at(&good.b, AT_MOVING), 0);
	set_word(&bad.b, AT_VERSION, 0);
	reseal(&bad.b);
	assert_refused();
	bad.b.bytes[AT_KEY_CHECK] ^= 1; /* of a key that the pins are not of */
	reseal(&bad.b);
	assert_refused();
	set_id(&bad.b, 0, MR_BACKENDS_MAX);
	reseal(&bad.b);
	assert_refused();
	set_word(&bad.b, AT_MOVING, 2);
	reseal(&bad.b);
	assert_refused();
	set_current(&bad.b, currents, 77); /* no backend of its */
	reseal(&bad.b);
	assert_refused();
	set_current(&bad.b, currents, good.b.bytes[currents] | 1u << 15);
	reseal(&bad.b);
	assert_refused();
	set_word(&bad.a, words, mr_slot_make(77, 77, false));
	reseal(&bad.a);
	assert_refused();
	set_word(&bad.a, words, mr_slot_make(mr_slot_current(word), MR_BACKEND_NONE, false));
	reseal(&bad.a);
	assert_refused();
	set_word(&bad.a, words, word | 1u << 15);
	reseal(&bad.a);
	assert_refused();
	bad.b.bytes[AT_MEMBERS] = '/';
	reseal(&bad.b);
	assert_refused();
	memcpy(&bad.a.bytes[AT_MEMBERS + MEMBER_BYTES + MR_NAME_MAX + 16], &good.a.bytes[AT_ID], 2);
	reseal(&bad.a); /* one id twice */
	assert_refused();
	bad.b = good.a; /* under another pool's name */
	assert_refused();
	reseal(&bad.b); /* the way to reseal does no harm by itself */
	assert_accepted();
	clean();
}

static void test_id_of_two_pools(void)
{
	uint16_t id;

	make_good_files();
	memcpy(&id, &good.a.bytes[AT_ID], sizeof(id));
	set_id(&bad.b, 0, id);
	for (uint32_t i = 0; i < 13; i++)
		set_current(&bad.b, slots_offset(1) + i * 2, id);
	reseal(&bad.b);
	assert_refused();
	clean();
}

static void test_other_configuration(void)
{
	make_good_files();
	assert_refused_by(KEY_TWO, WITHOUT_HUB1);
	assert_refused_by(KEY_ONE, POOL("a", "257", HUB2 ", " HUB3) ", " POOL("b", "13", HUB4));
	assert_accepted();
	clean();
}

static void test_damaged_pins(void)
{
	struct process process;

	make_good_files();
	bad.pins.bytes[0] ^= 1;
	assert_refused();
	bad.pins.size--;
	assert_refused();
	put_bad_files();
	CU_ASSERT_EQUAL_FATAL(unlink(path_of("sessions/pins")), 0);
	start(&process, WITHOUT_HUB1);
	CU_ASSERT_FALSE(process.recovered);
	assert_file_is("sessions.refused/a.table", &good.a, good.a.size);
	let_go(&process);
	clean();
}

/* --- in the way */

static int open_only(struct mr_error *error)
{
	struct config *config = decode(KEY_ONE, BOTH);
	struct session_state *state;
	const int rc = session_state_open(config, &state, error);

	if (rc == 0)
		session_state_close(state);
	config_free(config);
	return rc;
}

static void test_no_directory(void)
{
	static const struct file nothing;
	struct mr_error error = {""};

	write_file("sessions", &nothing, 0);
	CU_ASSERT_EQUAL(open_only(&error), -ENOTDIR);
	CU_ASSERT_EQUAL(strncmp(error.text, "/sessions/state: ", 17), 0);
	clean();
	CU_ASSERT_EQUAL_FATAL(rmdir(root), 0);
	CU_ASSERT_FATAL(close(creat(root, 0600)) == 0); /* a file where its parent should be */
	CU_ASSERT_EQUAL(open_only(&error), -ENOTDIR);
	CU_ASSERT_EQUAL(strncmp(error.text, "/sessions/state: ", 17), 0);
	unlink(root);
	CU_ASSERT_EQUAL(open_only(&error), 0); /* both are made */
	clean();
}

/* Until it dies, nothing of the first process's is touched, whatever state it is in. */
static void test_two_processes(void)
{
	struct mr_error error = {""};
	struct process process;
	int ready[2];
	char byte;
	pid_t first;

	make_good_files();
	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	first = fork();
	CU_ASSERT_FATAL(first >= 0);
	if (first == 0) {
		start(&process, WITHOUT_HUB1);
		byte = process.recovered;
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
	CU_ASSERT_EQUAL(byte, 1);
	bad.b.size -= 10;
	write_file("sessions/b.table", &bad.b, bad.b.size);
	CU_ASSERT_EQUAL(open_only(&error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/sessions/state: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another mailraild"));
	assert_file_is("sessions/b.table", &bad.b, bad.b.size);
	CU_ASSERT_FALSE(is_there("sessions.refused"));
	write_file("sessions/b.table", &good.b, good.b.size);

	CU_ASSERT_EQUAL(kill(first, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(first, NULL, 0), first);
	start(&process, WITHOUT_HUB1);
	CU_ASSERT(process.recovered);
	CU_ASSERT_EQUAL(mr_pin_table_count(session_state_pins(process.state)), 2);
	let_go(&process);
	close(ready[0]);
	close(ready[1]);
	clean();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_round_trip),
		UNIT_TEST(test_clock_behind),
		UNIT_TEST(test_restart_is_a_change),
		UNIT_TEST(test_only_changes_are_written),
		UNIT_TEST(test_table_that_cannot_be_written),
		UNIT_TEST(test_cut_short_write_is_removed),
		UNIT_TEST(test_truncated_table),
		UNIT_TEST(test_flipped_table),
		UNIT_TEST(test_impossible_tables),
		UNIT_TEST(test_id_of_two_pools),
		UNIT_TEST(test_other_configuration),
		UNIT_TEST(test_damaged_pins),
		UNIT_TEST(test_no_directory),
		UNIT_TEST(test_two_processes),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (mkdtemp(root) == NULL) {
		perror(root);
		return 2;
	}
	log_set_level(LOG_ERR); /* a thousand refusals */
	status = unit_run("session_state", tests);
	if (remove_files() != 0 || rmdir(root) < 0)
		perror(root);
	return status;
}
