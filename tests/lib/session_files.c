/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_files.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CUnit/Basic.h>

static void path_in(const char *directory, const char *name, char path[PATH_MAX])
{
	const int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);

	assert(length < PATH_MAX);
}

/* The first @share percent of a file. */
static void copy_file(const char *from, const char *to, uint32_t share)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat status;
	size_t left;

	CU_ASSERT_FATAL(in >= 0 && out >= 0 && fstat(in, &status) == 0);
	left = (size_t)status.st_size * share / 100;
	while (left > 0) {
		const ssize_t copied = copy_file_range(in, NULL, out, NULL, left, 0);

		CU_ASSERT_FATAL(copied > 0);
		left -= (size_t)copied;
	}
	close(in);
	close(out);
}

/* @where: a directory; @suffix: as of files_undo_some(). */
typedef void file_fn(const char *path, const char *name, const char *where, const char *suffix);

/* Calls @each for every file in @directory. */
static void on_files(const char *directory, file_fn *each, const char *where, const char *suffix)
{
	DIR *files = opendir(directory);
	const struct dirent *file;
	char path[PATH_MAX];

	if (files == NULL)
		return;
	while ((file = readdir(files)) != NULL) {
		if (file->d_name[0] == '.')
			continue;
		path_in(directory, file->d_name, path);
		each(path, file->d_name, where, suffix);
	}
	closedir(files);
}

static void copy_one(const char *path, const char *name, const char *where, const char *suffix)
{
	char to[PATH_MAX];

	(void)suffix;
	path_in(where, name, to);
	copy_file(path, to, 100);
}

void files_copy(const char *from, const char *to)
{
	on_files(from, copy_one, to, NULL);
}

static bool is_heads(void)
{
	return random() % 2 == 0;
}

static void undo_one(const char *path, const char *name, const char *where, const char *suffix)
{
	const char *end = strrchr(name, '.');
	char to[PATH_MAX], unfinished[PATH_MAX + sizeof(".new")];

	if (end == NULL || strcmp(end, suffix) != 0 || is_heads())
		return;
	path_in(where, name, to);
	copy_file(path, to, 100);
	snprintf(unfinished, sizeof(unfinished), "%s.new", to);
	if (is_heads())
		copy_file(path, unfinished, (uint32_t)(random() % 100));
}

void files_undo_some(const char *before, const char *directory, const char *suffix)
{
	on_files(before, undo_one, directory, suffix);
}

static void remove_one(const char *path, const char *name, const char *where, const char *suffix)
{
	(void)name;
	(void)where;
	(void)suffix;
	unlink(path);
}

void files_remove(const char *directory)
{
	on_files(directory, remove_one, NULL, NULL);
	rmdir(directory);
}
