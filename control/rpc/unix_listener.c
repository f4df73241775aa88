/* SPDX-License-Identifier: BSD-3-Clause */
#include "unix_listener.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int make_directory(const char *path)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
		rc = -errno;
	free(copy);
	return rc;
}

static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	if (fd < 0)
		return true; /* cannot tell: leave the file alone */
	served = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		 errno != ECONNREFUSED;
	close(fd);
	return served;
}

/* -EEXIST: something that is no socket; -EADDRINUSE: a living server. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (is_served(address))
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(struct unix_listener *listener, const struct sockaddr_un *address,
			   mode_t mode, gid_t group)
{
	int rc;

	/* Linux gives the file the mode of the socket: it is never more open than @mode. */
	if (fchmod(listener->fd, mode) < 0)
		return -errno;
	if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (lchown(address->sun_path, (uid_t)-1, group) == 0 &&
	    chmod(address->sun_path, mode) == 0 && listen(listener->fd, SOMAXCONN) == 0 &&
	    lstat(address->sun_path, &listener->file) == 0)
		return 0;
	rc = -errno;
	unlink(address->sun_path);
	return rc;
}

/* (gid_t)-1: none is wanted. */
static int find_group(const char *name, gid_t *out, struct mr_error *error)
{
	const struct group *group;

	*out = (gid_t)-1;
	if (!name)
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (!group)
		return mr_error_set(error, errno ? -errno : -ENOENT,
				    "/control/socket_group: %s: %s", name,
				    errno ? strerror(errno) : "there is no such group");
	*out = group->gr_gid;
	return 0;
}

static int refuse(struct mr_error *error, int rc, const char *path)
{
	switch (rc) {
	case -EADDRINUSE:
		return mr_error_set(error, rc, "/control/socket: %s is in use by another process",
				    path);
	case -EEXIST:
		return mr_error_set(error, rc, "/control/socket: %s exists and is not a socket",
				    path);
	default:
		return mr_error_set(error, rc, "/control/socket: %s: %s", path, strerror(-rc));
	}
}

int unix_listener_open(struct unix_listener *listener, const struct unix_listener_setup *setup,
		       struct mr_error *error)
{
	struct sockaddr_un address;
	gid_t group;
	int rc = find_group(setup->group, &group, error);

	if (rc < 0)
		return rc;
	rc = fill_address(&address, setup->path);
	if (rc == 0)
		rc = make_directory(setup->path);
	if (rc == 0)
		rc = remove_stale(&address);
	if (rc < 0)
		return refuse(error, rc, setup->path);

	*listener = (struct unix_listener){.path = strdup(setup->path)};
	if (!listener->path)
		return mr_error_set(error, -ENOMEM, "/control/socket: out of memory");
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = listener->fd < 0 ? -errno : bind_and_listen(listener, &address, setup->mode, group);
	if (rc == 0)
		return 0;
	if (listener->fd >= 0)
		close(listener->fd);
	free(listener->path);
	return refuse(error, rc, setup->path);
}

void unix_listener_close(struct unix_listener *listener)
{
	struct stat st;

	if (lstat(listener->path, &st) == 0 && st.st_dev == listener->file.st_dev &&
	    st.st_ino == listener->file.st_ino)
		unlink(listener->path);
	close(listener->fd);
	free(listener->path);
}
