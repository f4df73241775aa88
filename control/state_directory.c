/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_SESSIONS

#include "state_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "directory.h"
#include "log.h"

#define REFUSED_SUFFIX ".refused"

int state_directory_make(const char *path, struct state_directory *out, struct mr_error *error)
{
	int rc = directory_make(path);

	out->fd = -1;
	if (rc == 0 && realpath(path, out->path) == NULL)
		rc = -errno;
	return rc < 0 ? mr_error_set(error, rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* Whether @fd is still what @path leads to: it may have been set aside a moment ago. */
static bool is_at(int fd, const char *path)
{
	struct stat opened, there;

	return fstat(fd, &opened) == 0 && stat(path, &there) == 0 &&
	       opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

int state_directory_lock(struct state_directory *directory, struct mr_error *error)
{
	const char *path = directory->path;
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return mr_error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (!is_at(fd, path))
		rc = -EBUSY;
	if (rc < 0) {
		close(fd);
		return mr_error_set(error, rc, "%s: %s", path,
				    rc == -EBUSY ? "another mailraild has it" : strerror(-rc));
	}
	directory->fd = fd;
	return 0;
}

void state_directory_unlock(struct state_directory *directory)
{
	if (directory->fd >= 0)
		close(directory->fd);
	directory->fd = -1;
}

/* It has files only, as mailrail left it. */
static void remove_refused(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL)
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	rmdir(path);
}

int state_directory_set_aside(const struct state_directory *directory, const char *reason,
			      struct mr_error *error)
{
	const char *path = directory->path;
	char refused[PATH_MAX + sizeof(REFUSED_SUFFIX)];

	snprintf(refused, sizeof(refused), "%s" REFUSED_SUFFIX, path);
	remove_refused(refused);
	if (rename(path, refused) < 0)
		return mr_error_set(error, -errno, "%s; it cannot be set aside as %.255s: %s",
				    reason, refused, strerror(errno));
	log_write(LOG_WARNING,
		  "sessions: %s: refused, set aside in %s; slots begin steady, so that a session "
		  "from before may lose its backend",
		  reason, refused);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return mr_error_set(error, -errno, "%.255s: %s", path, strerror(errno));
	return 0;
}

/* Workers write to the pins: on a disk's file system they would wait for it now and then. */
void state_directory_warn_of_disk(const struct state_directory *directory)
{
	struct statfs fs;

	if (fstatfs(directory->fd, &fs) < 0 || fs.f_type == TMPFS_MAGIC ||
	    fs.f_type == RAMFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC)
		return;
	log_write(LOG_WARNING,
		  "sessions: %s is not on a memory file system, such as /run: workers may have to "
		  "wait for a disk",
		  directory->path);
}
