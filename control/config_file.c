/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "write_all.h"

/* Twice what the largest configuration that the limits allow takes when it is indented. */
#define CONFIG_FILE_MAX (64 << 20)

/* Reads to the end: a pipe has no size to go by. The text is the caller's, even on failure. */
static int read_all(int fd, char **out_text, size_t *out_size)
{
	for (;;) {
		char *grown = realloc(*out_text, *out_size + 65536);
		ssize_t got;

		if (!grown)
			return -ENOMEM;
		*out_text = grown;
		got = read(fd, grown + *out_size, 65536);
		if (got == 0)
			return 0;
		if (got < 0)
			return -errno;
		*out_size += (size_t)got;
		if (*out_size > CONFIG_FILE_MAX)
			return -EFBIG;
	}
}

static json_t *parse(const char *text, size_t size, struct field_errors *errors)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		field_errors_add(errors, NULL, "line %d, column %d: %s", error.line, error.column,
				 error.text);
	return json;
}

struct config *config_load(const char *path, struct field_errors *errors)
{
	struct config *config;
	char *text = NULL;
	size_t size = 0;
	json_t *json = NULL;
	int fd, rc;

	free(errors->source);
	errors->source = strdup(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : read_all(fd, &text, &size);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		field_errors_add(errors, NULL, "%s", strerror(-rc));
	else
		json = parse(text, size, errors);
	free(text);
	if (!json)
		return NULL;
	config = config_decode(json, errors);
	json_decref(json);
	return config;
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

static int replace_file(const char *path, const char *text)
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
		rc = write_all(fd, text, strlen(text));
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

/* A symbolic link stays one: the file that it points to is replaced. */
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

int config_save(const char *path, const struct config *config, struct mr_error *error)
{
	char target[PATH_MAX];
	json_t *json = config_encode(config);
	char *dumped = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	char *text = NULL;
	int rc;

	json_decref(json);
	if (!dumped || asprintf(&text, "%s\n", dumped) < 0) {
		free(dumped);
		return mr_error_set(error, -ENOMEM, "%s: out of memory", path);
	}
	free(dumped);
	rc = resolve(path, target);
	if (rc == 0)
		rc = replace_file(target, text);
	free(text);
	if (rc < 0)
		return mr_error_set(error, rc, "%s: cannot save the configuration: %s", path,
				    strerror(-rc));
	return 0;
}
