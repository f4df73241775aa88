/* SPDX-License-Identifier: BSD-3-Clause */
#include "durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "write_all.h"

#define READ_STEP_BYTES 65536

/* Reads to the end: a pipe has no size to go by. The text is the caller's, even on failure. */
static int read_all(int fd, size_t max, char **out_text, size_t *out_size)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (room - *out_size <= READ_STEP_BYTES) {
			char *grown;

			room = 2 * room + 2 * READ_STEP_BYTES;
			grown = realloc(*out_text, room);
			if (!grown)
				return -ENOMEM;
			*out_text = grown;
		}
		got = read(fd, *out_text + *out_size, READ_STEP_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*out_size += (size_t)got;
		(*out_text)[*out_size] = '\0';
		if (*out_size > max)
			return -EFBIG;
		if (got == 0)
			return 0;
	}
}

int durable_file_read(const char *path, size_t max, char **out_text, size_t *out_size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0;
	int rc;

	if (fd < 0)
		return -errno;
	rc = read_all(fd, max, &text, &size);
	close(fd);
	if (rc < 0) {
		free(text);
		return rc;
	}
	*out_text = text;
	*out_size = size;
	return 0;
}

/* The new file takes the place of the old one in the eyes of everybody who may read it. */
static int keep_mode_and_owner(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno; /* mkostemp(3) made it 0600 */
	if (fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	return fchmod(fd, st.st_mode & 07777) < 0 ? -errno : 0;
}

/* The rename is durable once the directory is. */
static int sync_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	strcpy(copy, path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int replace(const char *path, const char *text, size_t size)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = keep_mode_and_owner(fd, path);
	if (rc == 0)
		rc = write_all(fd, text, size);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	return sync_directory(path);
}

static int resolve(const char *path, char *out)
{
	if (realpath(path, out))
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(out, path);
	return 0;
}

int durable_file_replace(const char *path, const char *text, size_t size)
{
	char target[PATH_MAX];
	const int rc = resolve(path, target);

	return rc < 0 ? rc : replace(target, text, size);
}
