/* SPDX-License-Identifier: BSD-3-Clause */
#include "saved_tables.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_suffix(const char *name, const char *suffix)
{
	const size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcmp(name + length - end, suffix) == 0;
}

/* A zeroed entry at the end. NULL: no memory. */
static struct saved_table *append(struct saved_tables *tables)
{
	struct saved_table *grown =
		reallocarray(tables->list, tables->count + 1U, sizeof(*tables->list));

	if (grown == NULL)
		return NULL;
	tables->list = grown;
	grown[tables->count] = (struct saved_table){0};
	return &grown[tables->count++];
}

static int check_size(const struct config *config, const struct table *table,
		      struct mr_error *error)
{
	const int pool = config_find_pool(config, table->pool);

	if (pool < 0 || config->pools[pool].table_size == table->slots->size)
		return 0;
	return mr_error_set(error, -EBADMSG,
			    "it has %" PRIu32 " slots, the pool has %" PRIu32 " now",
			    table->slots->size, config->pools[pool].table_size);
}

static int read_table(const struct state_directory *directory, const char *name, uint64_t key_check,
		      const struct config *config, struct saved_tables *tables,
		      struct mr_error *error)
{
	struct saved_table *saved = append(tables);
	struct mr_error reason = {""};
	int rc;

	if (saved == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	rc = table_file_read(directory->fd, name, key_check, &saved->table, &reason);
	if (rc == 0)
		rc = check_size(config, &saved->table, &reason);
	return rc < 0 ? mr_error_set(error, rc, "%.255s/%.100s: %.100s", directory->path, name,
				     reason.text)
		      : 0;
}

/* A backend belongs to one pool: two tables may not name one id. */
static int check_ids(const struct state_directory *directory, const struct saved_tables *tables,
		     struct mr_error *error)
{
	const char **owners = calloc(MR_BACKENDS_MAX, sizeof(*owners));
	int rc = 0;

	if (owners == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < tables->count; i++) {
		const struct table *table = &tables->list[i].table;

		for (uint32_t m = 0; m < table->member_count; m++) {
			const char **owner = &owners[table->members[m].id];

			if (*owner != NULL)
				rc = mr_error_set(error, -EBADMSG,
						  "%.255s/%s" TABLE_FILE_SUFFIX
						  ": a backend has the id of one in %s",
						  directory->path, table->pool, *owner);
			*owner = table->pool;
		}
	}
	free(owners);
	return rc;
}

int saved_tables_read(const struct state_directory *directory, uint64_t key_check,
		      const struct config *config, struct saved_tables *out, struct mr_error *error)
{
	const int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int rc = 0;

	if (entries == NULL) {
		rc = mr_error_set(error, -errno, "%s: %s", directory->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(entries)) != NULL) {
		if (has_suffix(entry->d_name, TABLE_FILE_SUFFIX))
			rc = read_table(directory, entry->d_name, key_check, config, out, error);
		else if (has_suffix(entry->d_name, TABLE_FILE_SUFFIX TABLE_FILE_BESIDE))
			unlinkat(directory->fd, entry->d_name, 0); /* its write was cut short */
	}
	closedir(entries);
	return rc == 0 ? check_ids(directory, out, error) : rc;
}

/* What the file of @pool is to say. */
static int table_of_pool(const struct pool *pool, struct table *out)
{
	struct table table = {
		.changed_s = pool->changed_s,
		.members = calloc(pool->member_count + 1U, sizeof(*table.members)),
		.member_count = pool->member_count,
	};

	if (table.members == NULL)
		return -ENOMEM;
	snprintf(table.pool, sizeof(table.pool), "%s", pool->name);
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct member *from = &pool->members[i];
		struct table_member *member = &table.members[i];

		snprintf(member->name, sizeof(member->name), "%s", from->backend->name);
		member->address = from->backend->address;
		member->id = from->backend->id;
		member->state = (uint8_t)from->state;
		member->verdict = (uint8_t)from->backend->verdict;
		member->trusted = from->backend->trusted;
	}
	table.slots = mr_slots_get(pool->slots);
	*out = table;
	return 0;
}

static bool says_member(const struct table_member *member, const struct member *of)
{
	const struct backend *backend = of->backend;

	return member->id == backend->id && member->state == (uint8_t)of->state &&
	       member->verdict == (uint8_t)backend->verdict &&
	       member->trusted == backend->trusted &&
	       mr_addr_equal(&member->address, &backend->address) &&
	       strcmp(member->name, backend->name) == 0;
}

/* Slots never change once they are a pool's, and these are held. */
static bool says_pool(const struct table *table, const struct pool *pool)
{
	if (table->slots != pool->slots || table->changed_s != pool->changed_s ||
	    table->member_count != pool->member_count)
		return false;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		if (!says_member(&table->members[i], &pool->members[i]))
			return false;
	}
	return true;
}

/* @hint: where it is while pools keep their order. NULL: no file. */
static struct saved_table *find(const struct saved_tables *tables, const char *pool, uint32_t hint)
{
	for (uint32_t i = 0; i < tables->count; i++) {
		struct saved_table *saved = &tables->list[(hint + i) % tables->count];

		if (strcmp(saved->table.pool, pool) == 0)
			return saved;
	}
	return NULL;
}

/* @table goes into @saved in place of what was there, once the file says it. */
static int write_table(const struct state_directory *directory, uint64_t key_check,
		       const struct table *table, struct saved_table *saved)
{
	const int rc = table_file_write(directory->fd, key_check, table);

	if (rc < 0)
		return rc;
	table_fini(&saved->table);
	saved->table = *table;
	return 0;
}

static int follow_pool(const struct state_directory *directory, uint64_t key_check,
		       const struct pool *pool, uint32_t hint, struct saved_tables *tables)
{
	struct saved_table *saved = find(tables, pool->name, hint);
	struct table table;
	int rc;

	if (saved != NULL && says_pool(&saved->table, pool)) {
		saved->round = tables->round;
		return 0;
	}
	rc = table_of_pool(pool, &table);
	if (rc < 0)
		return rc;
	if (saved == NULL)
		saved = append(tables);
	if (saved == NULL)
		rc = -ENOMEM;
	else
		rc = write_table(directory, key_check, &table, saved);
	if (rc < 0)
		table_fini(&table);
	else
		saved->round = tables->round;
	return rc;
}

static void forget(struct saved_tables *tables, struct saved_table *saved)
{
	table_fini(&saved->table);
	*saved = tables->list[--tables->count];
}

/* Files that the round has not reached: of pools that are gone, or that were not written. */
static int delete_others(const struct state_directory *directory, struct saved_tables *tables,
			 struct mr_error *error)
{
	int rc = 0;

	for (uint32_t i = tables->count; i-- > 0;) {
		struct saved_table *saved = &tables->list[i];
		int deleted = 0;

		if (saved->round == tables->round)
			continue;
		/* Without a name it never had a file. */
		if (saved->table.pool[0] != '\0')
			deleted = table_file_delete(directory->fd, saved->table.pool);
		if (deleted == 0)
			forget(tables, saved);
		else
			rc = mr_error_set(error, deleted,
					  "%.255s: the table of pool %s cannot be deleted: %s",
					  directory->path, saved->table.pool, strerror(-deleted));
	}
	return rc;
}

int saved_tables_follow(const struct state_directory *directory, uint64_t key_check,
			const struct fleet *fleet, struct saved_tables *tables,
			struct mr_error *error)
{
	int deleted, rc = 0;

	tables->round++;
	for (uint32_t i = 0; i < fleet->pool_count; i++) {
		const struct pool *pool = &fleet->pools[i];
		const int followed = follow_pool(directory, key_check, pool, i, tables);

		if (followed < 0)
			rc = mr_error_set(error, followed,
					  "%.255s: the table of pool %s cannot be written, its "
					  "slots would be steady after a restart: %s",
					  directory->path, pool->name, strerror(-followed));
	}
	deleted = delete_others(directory, tables, error);
	return deleted < 0 ? deleted : rc;
}

void saved_tables_fini(struct saved_tables *tables)
{
	for (uint32_t i = 0; i < tables->count; i++)
		table_fini(&tables->list[i].table);
	free(tables->list);
}
