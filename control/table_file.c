/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "config.h"
#include "health.h"
#include "name.h"
#include "write_all.h"

static const char magic[8] = "mr-table";

#define VERSION	     2
#define DIGEST_BYTES 32
#define SLOTS_MAX    (1u << 24) /* more than the configuration allows */

#define FILE_NAME_MAX (MR_NAME_MAX + sizeof(TABLE_FILE_SUFFIX TABLE_FILE_BESIDE))

/*
 * Followed by members, slots, and the digest of all that. Of a table whose slots are all steady
 * there is the current backend of each in 16 bits; else the words of all, and then of each since
 * when it is moving (of steady ones whatever). A thousand tables are written at a time, and few of
 * them are moving.
 */
struct head {
	char magic[8];
	uint32_t version;
	uint32_t table_size;
	uint64_t key_check;
	uint32_t member_count;
	uint32_t changed_s;
	uint64_t moving; /* 0: all are steady; else 1 */
	char pool[MR_NAME_MAX];
};
static_assert(sizeof(struct head) == 40 + MR_NAME_MAX, "no bytes between the fields");
static_assert(sizeof(struct table_member) == MR_NAME_MAX + 24, "no bytes between the fields");

static uint64_t members_bytes(const struct head *head)
{
	return (uint64_t)head->member_count * sizeof(struct table_member);
}

static uint64_t slots_bytes(const struct head *head)
{
	return head->table_size * (head->moving != 0 ? 2 * sizeof(uint32_t) : sizeof(uint16_t));
}

/* Of the whole file. */
static uint64_t file_bytes(const struct head *head)
{
	return sizeof(*head) + members_bytes(head) + slots_bytes(head) + DIGEST_BYTES;
}

/* False: no memory. */
static bool digest_of(const uint8_t *bytes, size_t count, uint8_t out[DIGEST_BYTES])
{
	return EVP_Digest(bytes, count, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool any_is_moving(const struct mr_slots *slots)
{
	mr_slot all = 0;

	for (uint32_t i = 0; i < slots->size; i++)
		all |= slots->words[i];
	return mr_slot_moving(all);
}

/* Returns where the next byte goes. */
static uint8_t *put_slots(const struct mr_slots *slots, bool moving, uint8_t *next)
{
	if (!moving) {
		for (uint32_t i = 0; i < slots->size; i++) {
			const uint16_t current = mr_slot_current(slots->words[i]);

			next = mempcpy(next, &current, sizeof(current));
		}
		return next;
	}
	next = mempcpy(next, slots->words, slots->size * sizeof(slots->words[0]));
	for (uint32_t i = 0; i < slots->size; i++) {
		const uint32_t since_s = mr_slots_moving_since_s(slots, i);

		next = mempcpy(next, &since_s, sizeof(since_s));
	}
	return next;
}

/* NULL: no memory. */
static uint8_t *encode(uint64_t key_check, const struct table *table, size_t *out_size)
{
	struct head head = {
		.version = VERSION,
		.table_size = table->slots->size,
		.key_check = key_check,
		.member_count = table->member_count,
		.changed_s = table->changed_s,
		.moving = any_is_moving(table->slots),
	};
	const size_t size = file_bytes(&head);
	uint8_t *bytes = malloc(size);
	uint8_t *next = bytes;

	if (bytes == NULL)
		return NULL;
	memcpy(head.magic, magic, sizeof(head.magic));
	memcpy(head.pool, table->pool, sizeof(head.pool));
	next = mempcpy(next, &head, sizeof(head));
	next = mempcpy(next, table->members, members_bytes(&head));
	next = put_slots(table->slots, head.moving != 0, next);
	if (!digest_of(bytes, (size_t)(next - bytes), next)) {
		free(bytes);
		return NULL;
	}
	*out_size = size;
	return bytes;
}

static int replace_file(int directory, const char *pool, const uint8_t *bytes, size_t size)
{
	char name[FILE_NAME_MAX], beside[FILE_NAME_MAX];
	int fd, rc;

	snprintf(name, sizeof(name), "%s" TABLE_FILE_SUFFIX, pool);
	snprintf(beside, sizeof(beside), "%s" TABLE_FILE_SUFFIX TABLE_FILE_BESIDE, pool);
	fd = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes, size);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(directory, beside, directory, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(directory, beside, 0);
	return rc;
}

int table_file_write(int directory, uint64_t key_check, const struct table *table)
{
	size_t size;
	uint8_t *bytes = encode(key_check, table, &size);
	int rc;

	if (bytes == NULL)
		return -ENOMEM;
	rc = replace_file(directory, table->pool, bytes, size);
	free(bytes);
	return rc;
}

int table_file_delete(int directory, const char *pool)
{
	char name[FILE_NAME_MAX];

	snprintf(name, sizeof(name), "%s" TABLE_FILE_SUFFIX, pool);
	return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int read_all(int fd, uint8_t *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t got = read(fd, bytes, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		bytes += got;
		size -= (size_t)got;
	}
	return 0;
}

/* Reads a regular file of a size that tables may have; free() *@out_bytes. */
static int load(int directory, const char *name, uint8_t **out_bytes, size_t *out_size)
{
	const struct head largest = {
		.table_size = SLOTS_MAX, .member_count = MR_BACKENDS_MAX, .moving = 1};
	const int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *bytes = NULL;
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > file_bytes(&largest))
		rc = -EBADMSG;
	if (rc == 0) {
		bytes = malloc((size_t)st.st_size + 1);
		rc = bytes != NULL ? read_all(fd, bytes, (size_t)st.st_size) : -ENOMEM;
	}
	close(fd);
	if (rc != 0) {
		free(bytes);
		return rc;
	}
	*out_bytes = bytes;
	*out_size = (size_t)st.st_size;
	return 0;
}

/* NULL: @bytes are a whole file of this version and key. Otherwise what is wrong with them. */
static const char *fault_of_file(const uint8_t *bytes, size_t size, uint64_t key_check)
{
	uint8_t digest[DIGEST_BYTES];
	struct head head;

	if (size < sizeof(head))
		return "it is truncated";
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0)
		return "it is not a table of mailrail";
	if (head.version != VERSION)
		return "it is of another version";
	if (head.table_size > SLOTS_MAX || head.member_count > MR_BACKENDS_MAX || head.moving > 1 ||
	    file_bytes(&head) != size)
		return "its length is wrong";
	if (!digest_of(bytes, size - DIGEST_BYTES, digest) ||
	    memcmp(digest, bytes + size - DIGEST_BYTES, DIGEST_BYTES) != 0)
		return "its checksum is wrong";
	if (head.key_check != key_check)
		return "it was written under another node.key";
	return NULL;
}

static bool name_is_whole(const char name[MR_NAME_MAX])
{
	return memchr(name, '\0', MR_NAME_MAX) != NULL && name_is_valid(name);
}

/* The ids that slots may name. */
struct known_ids {
	bool known[MR_BACKEND_NONE + 1];
};

static const char *fault_of_members(const struct table *table, struct known_ids *ids)
{
	for (uint32_t i = 0; i < table->member_count; i++) {
		const struct table_member *member = &table->members[i];

		if (!name_is_whole(member->name) || member->state > CONFIG_BACKEND_DISABLED ||
		    member->verdict > HEALTH_DOWN || member->trusted > 1)
			return "a backend is none";
		if (member->id >= MR_BACKENDS_MAX || ids->known[member->id])
			return "a backend's id is another's, or none";
		ids->known[member->id] = true;
	}
	ids->known[MR_BACKEND_NONE] = true;
	return NULL;
}

static const char *fault_of_slots(const struct mr_slots *slots, const struct known_ids *ids)
{
	for (uint32_t i = 0; i < slots->size; i++) {
		const mr_slot word = slots->words[i];
		const mr_backend_id current = mr_slot_current(word), base = mr_slot_base(word);

		if (word != mr_slot_make(current, base, mr_slot_moving(word)))
			return "a slot is none";
		if (!ids->known[current] || !ids->known[base])
			return "a slot names a backend that is not the pool's";
		if (!mr_slot_moving(word) && base != current)
			return "a steady slot has two backends";
	}
	return NULL;
}

/* NULL: what @table, of file @name, says can be. */
static const char *fault_of_table(const char *name, const struct table *table)
{
	struct known_ids ids = {{false}};
	char expected[FILE_NAME_MAX];
	const char *fault;

	if (!name_is_whole(table->pool))
		return "its pool has no name";
	snprintf(expected, sizeof(expected), "%s" TABLE_FILE_SUFFIX, table->pool);
	if (strcmp(name, expected) != 0)
		return "it is another pool's";
	if (table->slots->size == 0)
		return "it has no slots";
	fault = fault_of_members(table, &ids);
	return fault != NULL ? fault : fault_of_slots(table->slots, &ids);
}

static void take_moving_since(struct mr_slots *slots, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < slots->size; i++) {
		uint32_t since_s;

		memcpy(&since_s, bytes + (size_t)i * sizeof(since_s), sizeof(since_s));
		if (mr_slot_moving(slots->words[i]))
			mr_slots_note_moving(slots, i, since_s);
	}
}

static void take_slots(struct mr_slots *slots, bool moving, const uint8_t *bytes)
{
	const size_t words_bytes = slots->size * sizeof(slots->words[0]);

	if (moving) {
		memcpy(slots->words, bytes, words_bytes);
		take_moving_since(slots, bytes + words_bytes);
		return;
	}
	for (uint32_t i = 0; i < slots->size; i++) {
		uint16_t current;

		memcpy(&current, bytes + i * sizeof(current), sizeof(current));
		slots->words[i] = mr_slot_make(current, current, false);
	}
}

/* @bytes: of a whole file. -ENOMEM. */
static int decode(const uint8_t *bytes, struct table *out)
{
	const uint8_t *next = bytes + sizeof(struct head);
	struct table table = {0};
	struct head head;

	memcpy(&head, bytes, sizeof(head));
	memcpy(table.pool, head.pool, sizeof(table.pool));
	table.changed_s = head.changed_s;
	table.member_count = head.member_count;
	table.members = calloc(head.member_count + 1U, sizeof(*table.members));
	table.slots = mr_slots_create(head.table_size, NULL);
	if (table.members == NULL || table.slots == NULL) {
		table_fini(&table);
		return -ENOMEM;
	}
	memcpy(table.members, next, members_bytes(&head));
	next += members_bytes(&head);
	take_slots(table.slots, head.moving != 0, next);
	*out = table;
	return 0;
}

int table_file_read(int directory, const char *name, uint64_t key_check, struct table *out,
		    struct mr_error *error)
{
	const char *fault = "it is no file that mailrail wrote";
	uint8_t *bytes = NULL;
	struct table table;
	size_t size = 0;
	int rc = load(directory, name, &bytes, &size);

	if (rc == 0) {
		fault = fault_of_file(bytes, size, key_check);
		rc = fault != NULL ? -EBADMSG : decode(bytes, &table);
		free(bytes);
	}
	if (rc == 0) {
		fault = fault_of_table(name, &table);
		rc = fault != NULL ? -EBADMSG : 0;
		if (rc < 0)
			table_fini(&table);
	}
	if (rc < 0)
		return mr_error_set(error, rc, "%s", rc == -EBADMSG ? fault : strerror(-rc));
	*out = table;
	return 0;
}

void table_fini(struct table *table)
{
	mr_slots_put(table->slots);
	free(table->members);
}
