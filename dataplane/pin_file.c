/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_atomic128_cmp_exchange() is marked experimental since DPDK 19.05, unchanged ever since. */
#define ALLOW_EXPERIMENTAL_API

#include "pin_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_atomic.h>
#include <rte_hash_crc.h>

#include "pin_table.h"

/* How often two processes that begin at the same moment may get into each other's way. */
#define OPEN_TRIES 8

/* No clock of ours gets there in 68 years. */
#define CLOCK_MAX_S INT32_MAX

/* What mr_pin_table_open() was asked for. */
struct request {
	const char *path;
	char new_path[PATH_MAX]; /* where a file is made before it takes its name */
	uint32_t budget;
	uint64_t key_check;
	struct mr_error *error;
};

uint64_t pin_file_crc(const struct pin_file_header *header)
{
	return rte_hash_crc(header, offsetof(struct pin_file_header, crc), 0);
}

static struct pin_file_header *header_of(const struct pin_memory *memory)
{
	return memory->mapping;
}

static int refuse(const struct request *request, const char *reason)
{
	return mr_error_set(request->error, -EBADMSG, "%.300s: %s", request->path, reason);
}

static int fail(const struct request *request, const char *path, int errnum)
{
	return mr_error_set(request->error, -errnum, "%.300s: %s", path, strerror(errnum));
}

/*
 * Locks the file for as long as @fd is open. -EAGAIN: @path has become another file since it was
 * opened.
 */
static int lock_file(const struct request *request, const char *path, int fd)
{
	struct stat locked, named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(request, path, errno);
		return mr_error_set(request->error, -EBUSY, "%.300s: another process holds it",
				    path);
	}
	if (fstat(fd, &locked) < 0)
		return fail(request, path, errno);
	if (stat(path, &named) < 0)
		return errno == ENOENT ? -EAGAIN : fail(request, path, errno);
	return locked.st_dev == named.st_dev && locked.st_ino == named.st_ino ? 0 : -EAGAIN;
}

static int map_file(const struct request *request, const char *path, struct pin_memory *memory)
{
	int rc = posix_fallocate(memory->fd, 0, (off_t)memory->bytes);

	if (rc != 0)
		return fail(request, path, rc);
	memory->offset = PIN_FILE_HEADER_BYTES;
	rc = pin_memory_map(memory);
	return rc < 0 ? fail(request, path, -rc) : 0;
}

/* A table takes over @memory; without one, nothing is left of it but the file. */
static int put_table_on(const struct request *request, struct pin_memory *memory, uint32_t budget,
			struct mr_pin_table **out)
{
	*out = pin_table_on(memory, budget);
	if (*out != NULL)
		return 0;
	pin_memory_unmap(memory);
	close(memory->fd);
	return fail(request, request->path, ENOMEM);
}

/* Whole pages of the file system, huge ones perhaps; what is over becomes buckets. */
static int size_file(const struct request *request, struct pin_memory *memory)
{
	const uint64_t wanted =
		PIN_FILE_HEADER_BYTES +
		(uint64_t)pin_bucket_count(request->budget) * sizeof(struct pin_bucket);
	struct stat status;

	if (ftruncate(memory->fd, 0) < 0 || fstat(memory->fd, &status) < 0)
		return fail(request, request->new_path, errno);
	memory->bytes = RTE_ALIGN_MUL_CEIL(
		wanted, (uint64_t)RTE_MAX(status.st_blksize, PIN_FILE_HEADER_BYTES));
	return 0;
}

static void write_header(const struct request *request, const struct mr_pin_table *table)
{
	struct pin_file_header *header = header_of(&table->memory);

	*header = (struct pin_file_header){
		.magic = PIN_FILE_MAGIC,
		.version = PIN_FILE_VERSION,
		.header_bytes = PIN_FILE_HEADER_BYTES,
		.bucket_bytes = sizeof(struct pin_bucket),
		.bucket_count = table->bucket_count,
		.budget = table->budget,
		.key_check = request->key_check,
		.epoch_s = table->epoch_s,
	};
	header->crc = pin_file_crc(header);
}

/* An empty table in a file under the new path; -EAGAIN: begin anew. */
static int make_new(const struct request *request, struct mr_pin_table **out)
{
	struct pin_memory memory = {
		.fd = open(request->new_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
	};
	int rc;

	if (memory.fd < 0)
		return fail(request, request->new_path, errno);
	rc = lock_file(request, request->new_path, memory.fd);
	if (rc != 0)
		goto err_close;
	rc = size_file(request, &memory);
	if (rc == 0)
		rc = map_file(request, request->new_path, &memory);
	if (rc != 0)
		goto err_unlink;
	rc = put_table_on(request, &memory, request->budget, out);
	if (rc != 0)
		unlink(request->new_path);
	return rc;
err_unlink:
	unlink(request->new_path);
err_close:
	close(memory.fd);
	return rc;
}

/* Gives the new file its name; @flags as of renameat2(2). On failure it is gone, with its table. */
static int name_new(const struct request *request, struct mr_pin_table *table, unsigned int flags)
{
	int rc;

	write_header(request, table);
	if (renameat2(AT_FDCWD, request->new_path, AT_FDCWD, request->path, flags) == 0)
		return 0;
	rc = errno == EEXIST ? -EAGAIN : fail(request, request->path, errno);
	unlink(request->new_path);
	mr_pin_table_destroy(table);
	return rc;
}

static int create_file(const struct request *request, struct mr_pin_table **out)
{
	struct mr_pin_table *table = NULL;
	int rc = make_new(request, &table);

	if (table == NULL)
		return rc;
	rc = name_new(request, table, RENAME_NOREPLACE);
	if (rc == 0)
		*out = table;
	return rc;
}

/* 0, or -EBADMSG: no header of ours, of this version, and of a file that is all there. */
static int check_header(const struct request *request, const struct pin_file_header *header,
			uint64_t file_bytes)
{
	const uint64_t bytes =
		PIN_FILE_HEADER_BYTES + (uint64_t)header->bucket_count * sizeof(struct pin_bucket);

	if (header->magic != PIN_FILE_MAGIC)
		return refuse(request, "is no table of pins");
	if (header->version != PIN_FILE_VERSION)
		return mr_error_set(request->error, -EBADMSG, "%.300s: is of version %u, not %u",
				    request->path, header->version, PIN_FILE_VERSION);
	if (header->crc != pin_file_crc(header) || header->header_bytes != PIN_FILE_HEADER_BYTES ||
	    header->bucket_bytes != sizeof(struct pin_bucket) ||
	    header->bucket_count < pin_bucket_count(header->budget))
		return refuse(request, "its header is damaged");
	if (header->key_check != request->key_check)
		return refuse(request, "is of another node.key");
	if (file_bytes != bytes)
		return mr_error_set(request->error, -EBADMSG,
				    "%.300s: has %" PRIu64 " bytes instead of %" PRIu64,
				    request->path, file_bytes, bytes);
	return 0;
}

/* Maps the file once its header is found whole. */
static int map_existing(const struct request *request, struct pin_memory *memory,
			uint32_t *out_budget)
{
	struct pin_file_header header;
	struct stat status;
	ssize_t count;
	int rc;

	if (fstat(memory->fd, &status) < 0)
		return fail(request, request->path, errno);
	if (!S_ISREG(status.st_mode))
		return refuse(request, "is no file");
	count = pread(memory->fd, &header, sizeof(header), 0);
	if (count < 0)
		return fail(request, request->path, errno);
	if (count < (ssize_t)sizeof(header))
		return refuse(request, "is too short for a header");
	rc = check_header(request, &header, (uint64_t)status.st_size);
	if (rc != 0)
		return rc;
	memory->bytes = (size_t)status.st_size;
	*out_budget = header.budget;
	return map_file(request, request->path, memory);
}

static bool is_zero(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Counts the pins of a bucket into @table; false: one of them is damaged. */
static bool take_up_bucket(struct mr_pin_table *table, const struct pin_bucket *bucket,
			   uint32_t *newest_s)
{
	for (unsigned int i = 0; i < PIN_BUCKET_ENTRIES; i++) {
		const uint64_t tag = bucket->entries[i].tag;
		const uint64_t data = bucket->entries[i].data;

		if (tag == 0 && data == 0)
			continue;
		if (!pin_is_whole(table, bucket, tag, data) ||
		    pin_unpack(data).seen_s > CLOCK_MAX_S)
			return false;
		table->count++;
		*newest_s = RTE_MAX(*newest_s, pin_unpack(data).seen_s);
	}
	return true;
}

/*
 * The clock goes on by CLOCK_BOOTTIME, but never behind the newest pin: a machine that was booted
 * since counts from 0 again, and a worker's TSC may have gone a little ahead.
 */
static int64_t epoch_after(const struct pin_file_header *header, uint32_t newest_s)
{
	return RTE_MIN(header->epoch_s, pin_boottime_s() - newest_s);
}

/* In one step, so that a kill leaves one or the other. */
static void change_epoch(struct pin_file_header *header, int64_t epoch_s)
{
	struct pin_file_header changed = *header;
	rte_int128_t old = {.val = {(uint64_t)header->epoch_s, header->crc}};
	rte_int128_t wanted;

	changed.epoch_s = epoch_s;
	wanted = (rte_int128_t){.val = {(uint64_t)epoch_s, pin_file_crc(&changed)}};
	rte_atomic128_cmp_exchange((rte_int128_t *)&header->epoch_s, &old, &wanted, 0,
				   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static int take_up(const struct request *request, struct mr_pin_table *table)
{
	struct pin_file_header *header = header_of(&table->memory);
	uint32_t newest_s = 0;

	if (!is_zero((const char *)(header + 1), PIN_FILE_HEADER_BYTES - sizeof(*header)))
		return refuse(request, "its header is damaged");
	for (uint32_t i = 0; i < table->bucket_count; i++)
		if (!take_up_bucket(table, &table->buckets[i], &newest_s))
			return mr_error_set(request->error, -EBADMSG,
					    "%.300s: a pin in bucket %u is damaged", request->path,
					    i);
	if (table->count > table->budget)
		return refuse(request, "has more pins than it can");
	table->epoch_s = epoch_after(header, newest_s);
	if (pin_boottime_s() - table->epoch_s > CLOCK_MAX_S)
		return refuse(request, "its clock is damaged");
	if (table->epoch_s != header->epoch_s)
		change_epoch(header, table->epoch_s);
	return 0;
}

/* The table in the file, as it is, locked. -ENOENT: there is none. -EAGAIN: begin anew. */
static int open_existing(const struct request *request, struct mr_pin_table **out)
{
	struct pin_memory memory = {
		.fd = open(request->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW),
	};
	struct mr_pin_table *table;
	uint32_t budget = 0;
	int rc;

	if (memory.fd < 0)
		return fail(request, request->path, errno);
	rc = lock_file(request, request->path, memory.fd);
	if (rc == 0)
		rc = map_existing(request, &memory, &budget);
	if (rc != 0) {
		close(memory.fd);
		return rc;
	}
	rc = put_table_on(request, &memory, budget, &table);
	if (rc != 0)
		return rc;
	rc = take_up(request, table);
	if (rc != 0)
		mr_pin_table_destroy(table);
	else
		*out = table;
	return rc;
}

/* The pins that are in @state, as far as there is room. */
static void copy_pins(const struct mr_pin_table *from, struct mr_pin_table *to,
		      enum mr_pin_state state)
{
	for (uint32_t i = 0; i < from->bucket_count * PIN_BUCKET_ENTRIES; i++) {
		const struct pin_entry *entry =
			&from->buckets[i / PIN_BUCKET_ENTRIES].entries[i % PIN_BUCKET_ENTRIES];
		const struct mr_pin pin = pin_unpack(entry->data);

		if (entry->tag != 0 && pin.state == state)
			pin_table_add(to, entry->tag, &pin);
	}
}

/* Replaces *@table by one of the wanted budget. On failure both file and *@table are as before. */
static int carry_over(const struct request *request, struct mr_pin_table **table)
{
	struct mr_pin_table *next = NULL;
	int rc = make_new(request, &next);

	if (next == NULL)
		return rc;
	next->epoch_s = (*table)->epoch_s;
	copy_pins(*table, next, MR_PIN_ESTABLISHED);
	copy_pins(*table, next, MR_PIN_CLOSING);
	copy_pins(*table, next, MR_PIN_EMBRYONIC);
	rc = name_new(request, next, 0);
	if (rc != 0)
		return rc;
	mr_pin_table_destroy(*table);
	*table = next;
	return 0;
}

static int open_or_create(const struct request *request, struct mr_pin_table **out)
{
	struct mr_pin_table *table = NULL;
	int rc = open_existing(request, &table);

	if (rc == -ENOENT)
		return create_file(request, out);
	if (table == NULL)
		return rc;
	if (table->budget != request->budget)
		rc = carry_over(request, &table);
	if (rc != 0)
		mr_pin_table_destroy(table);
	else
		*out = table;
	return rc;
}

int mr_pin_table_open(const char *path, uint32_t budget, uint64_t key_check,
		      struct mr_pin_table **out, struct mr_error *error)
{
	struct request request = {
		.path = path,
		.budget = budget,
		.key_check = key_check,
		.error = error,
	};
	int rc = -EAGAIN;

	if (snprintf(request.new_path, sizeof(request.new_path), "%s.new", path) >=
	    (int)sizeof(request.new_path))
		return fail(&request, path, ENAMETOOLONG);
	for (unsigned int i = 0; i < OPEN_TRIES && rc == -EAGAIN; i++)
		rc = open_or_create(&request, out);
	return rc == -EAGAIN ? fail(&request, path, EBUSY) : rc;
}
