/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_DATAPLANE

#include "captures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "balancer.h"
#include "clock.h"
#include "directory.h"
#include "log.h"
#include "name.h"

#define SUFFIX ".pcapng"

struct captures {
	struct mr_dataplane *dp;
	char *directory;
	struct event *deadline;
	char name[MR_NAME_MAX]; /* of the last one; "": none */
	/* For the comments in the file; the dataplane reads them until the capture has ended. */
	char **service_names;
	char **backend_names;
};

static void stop_at_deadline(evutil_socket_t fd, short events, void *context)
{
	struct captures *captures = context;

	(void)fd;
	(void)events;
	mr_capture_stop(captures->dp);
}

int captures_create(struct event_base *base, struct mr_dataplane *dp, const char *directory,
		    struct captures **out)
{
	struct captures *captures = calloc(1, sizeof(*captures));

	if (captures == NULL)
		return -ENOMEM;
	captures->dp = dp;
	captures->directory = strdup(directory);
	captures->deadline = evtimer_new(base, stop_at_deadline, captures);
	if (captures->directory == NULL || captures->deadline == NULL) {
		captures_destroy(captures);
		return -ENOMEM;
	}
	*out = captures;
	return 0;
}

static void free_names(char ***names, uint32_t count)
{
	for (uint32_t i = 0; *names != NULL && i < count; i++)
		free((*names)[i]);
	free(*names);
	*names = NULL;
}

static void forget_names(struct captures *captures)
{
	free_names(&captures->service_names, MR_SERVICES_MAX);
	free_names(&captures->backend_names, MR_BACKENDS_MAX);
}

static bool is_running(const struct captures *captures)
{
	struct mr_capture_status status;

	return mr_capture_status(captures->dp, &status) && status.end == MR_CAPTURE_RUNS;
}

void captures_destroy(struct captures *captures)
{
	if (captures == NULL)
		return;
	if (captures->deadline != NULL)
		event_free(captures->deadline);
	if (captures->name[0] != '\0')
		mr_capture_end(captures->dp);
	forget_names(captures);
	free(captures->directory);
	free(captures);
}

const char *captures_path(const struct captures *captures, const char *name, char *out, size_t size)
{
	const int length = snprintf(out, size, "%s/%s" SUFFIX, captures->directory, name);

	return length >= 0 && (size_t)length < size ? out : NULL;
}

static bool name_services(struct captures *captures, const struct balancer *balancer)
{
	const struct config *config = balancer_config(balancer);

	captures->service_names = calloc(MR_SERVICES_MAX, sizeof(*captures->service_names));
	if (captures->service_names == NULL)
		return false;
	for (uint32_t i = 0; i < config->service_count; i++)
		captures->service_names[balancer_service_id(balancer, i)] =
			strdup(config->services[i].name);
	return true;
}

static bool name_backends(struct captures *captures, const struct balancer *balancer)
{
	const struct config *config = balancer_config(balancer);

	captures->backend_names = calloc(MR_BACKENDS_MAX, sizeof(*captures->backend_names));
	if (captures->backend_names == NULL)
		return false;
	for (uint32_t i = 0; i < config->pool_count; i++) {
		const struct pool *pool = balancer_pool(balancer, i);

		for (uint32_t m = 0; m < pool->member_count; m++) {
			const struct backend *backend = pool->members[m].backend;
			char *name = NULL;

			if (asprintf(&name, "%s/%s", backend->pool, backend->name) < 0)
				return false;
			captures->backend_names[backend->id] = name;
		}
	}
	return true;
}

/* Of a file that is a capture; NULL: it is not. @out has MR_NAME_MAX bytes. */
static const char *name_of_file(const char *file, char *out)
{
	const size_t length = strlen(file), suffix = strlen(SUFFIX);

	if (length <= suffix || length - suffix >= MR_NAME_MAX ||
	    strcmp(file + length - suffix, SUFFIX) != 0)
		return NULL;
	memcpy(out, file, length - suffix);
	out[length - suffix] = '\0';
	return name_is_valid(out) ? out : NULL;
}

static int by_time(const void *a, const void *b)
{
	const struct capture_file *first = a, *second = b;

	if (first->changed_ms != second->changed_ms)
		return first->changed_ms < second->changed_ms ? -1 : 1;
	return strcmp(first->name, second->name);
}

int captures_list(const struct captures *captures, struct capture_file *out, uint32_t max)
{
	DIR *directory = opendir(captures->directory);
	const struct dirent *entry;
	int count = 0;

	if (directory == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (count < (int)max && (entry = readdir(directory)) != NULL) {
		struct capture_file *file = &out[count];
		struct stat st;

		if (name_of_file(entry->d_name, file->name) == NULL ||
		    fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		file->bytes = (uint64_t)st.st_size;
		file->changed_ms =
			(uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
		count++;
	}
	closedir(directory);
	qsort(out, (size_t)count, sizeof(*out), by_time);
	return count;
}

/* A new file for the capture; negative errno. */
static int open_file(const struct captures *captures, const char *name, struct mr_error *error)
{
	struct capture_file files[CAPTURES_MAX];
	char path[PATH_MAX];
	int fd, rc;

	rc = directory_make(captures->directory);
	if (rc < 0)
		return mr_error_set(error, rc, "%s: %s", captures->directory, strerror(-rc));
	if (captures_list(captures, files, CAPTURES_MAX) == CAPTURES_MAX)
		return mr_error_set(error, -ENOSPC,
				    "%s holds %d captures, which is the limit: remove one",
				    captures->directory, CAPTURES_MAX);
	if (captures_path(captures, name, path, sizeof(path)) == NULL)
		return mr_error_set(error, -ENAMETOOLONG, "%s: too long", captures->directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0 ? fd : mr_error_set(error, -errno, "%s: %s", path, strerror(errno));
}

static int begin(struct captures *captures, const struct capture_request *request, int fd,
		 struct mr_error *error)
{
	const struct mr_capture_config config = {
		.filter = request->filter,
		.sent = request->sent,
		.frame_bytes = request->frame_bytes,
		.file_bytes = request->file_bytes,
		.service_names = (const char *const *)captures->service_names,
		.backend_names = (const char *const *)captures->backend_names,
	};
	const struct timeval duration = clock_timeval(request->duration_ms);
	const int rc = mr_capture_start(captures->dp, &config, fd, error);

	if (rc < 0)
		return rc;
	strcpy(captures->name, request->name);
	event_add(captures->deadline, &duration);
	return 0;
}

int captures_start(struct captures *captures, const struct balancer *balancer,
		   const struct capture_request *request, struct mr_error *error)
{
	char path[PATH_MAX];
	int fd, rc;

	if (is_running(captures))
		return mr_error_set(error, -EBUSY, "the capture %s is under way", captures->name);
	forget_names(captures);
	if (!name_services(captures, balancer) || !name_backends(captures, balancer))
		return mr_error_set(error, -ENOMEM, "out of memory");
	fd = open_file(captures, request->name, error);
	if (fd < 0)
		return fd;
	rc = begin(captures, request, fd, error);
	if (rc < 0 && captures_path(captures, request->name, path, sizeof(path)) != NULL)
		unlink(path);
	return rc;
}

bool captures_stop(struct captures *captures)
{
	if (!is_running(captures))
		return false;
	event_del(captures->deadline);
	mr_capture_stop(captures->dp);
	return true;
}

const char *captures_last(const struct captures *captures, struct mr_capture_status *out)
{
	return mr_capture_status(captures->dp, out) ? captures->name : NULL;
}

ssize_t captures_read(const struct captures *captures, const char *name, uint64_t offset, void *out,
		      size_t size)
{
	char path[PATH_MAX];
	ssize_t got;
	int fd;

	if (captures_path(captures, name, path, sizeof(path)) == NULL)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	got = pread(fd, out, size, (off_t)offset);
	if (got < 0)
		got = -errno;
	close(fd);
	return got;
}

int captures_remove(struct captures *captures, const char *name)
{
	char path[PATH_MAX];

	if (is_running(captures) && strcmp(captures->name, name) == 0)
		return -EBUSY;
	if (captures_path(captures, name, path, sizeof(path)) == NULL)
		return -ENAMETOOLONG;
	return unlink(path) < 0 ? -errno : 0;
}
