/* SPDX-License-Identifier: BSD-3-Clause */
#include "steering.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "steer_xdp.skel.h"

/* The function of steer_xdp.bpf.c, by which our program is known. */
#define PROGRAM_NAME "mailrail_steer"

/* The longest list of maps that is looked at: ours has seven. */
#define MAPS_MAX 16

/* A program on an interface; id 0: none. */
struct attached {
	uint32_t id;
	int fd;
	struct bpf_prog_info info;
	uint32_t maps[MAPS_MAX];
};

static bool is_ours(const struct attached *attached)
{
	return attached->id != 0 && strcmp(attached->info.name, PROGRAM_NAME) == 0;
}

/* The caller closes @out->fd when the id is not 0. */
static int read_attached(const struct netdev *netdev, struct attached *out, struct mr_error *error)
{
	struct attached attached = {.fd = -1};
	uint32_t info_bytes = sizeof(attached.info);
	int rc = bpf_xdp_query_id(netdev->ifindex, 0, &attached.id);

	if (rc != 0)
		return mr_error_set(error, rc, "%s: cannot ask for its XDP program: %s",
				    netdev->name, strerror(-rc));
	if (attached.id == 0) {
		*out = attached;
		return 0;
	}
	attached.fd = bpf_prog_get_fd_by_id(attached.id);
	if (attached.fd < 0)
		return mr_error_set(error, attached.fd, "%s: cannot look at its XDP program: %s",
				    netdev->name, strerror(-attached.fd));
	attached.info.nr_map_ids = MAPS_MAX;
	attached.info.map_ids = (uintptr_t)attached.maps;
	rc = bpf_obj_get_info_by_fd(attached.fd, &attached.info, &info_bytes);
	if (rc != 0) {
		close(attached.fd);
		return mr_error_set(error, rc, "%s: cannot look at its XDP program: %s",
				    netdev->name, strerror(-rc));
	}
	*out = attached;
	return 0;
}

bool steering_xdp_is_foreign(const struct netdev *netdev)
{
	struct attached attached = {0};
	struct mr_error ignored = {""};

	if (read_attached(netdev, &attached, &ignored) != 0 || attached.id == 0)
		return false;
	close(attached.fd);
	return !is_ours(&attached);
}

int steering_xdp_clear(const struct netdev *netdev, bool need_free, struct mr_error *error)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	struct attached attached = {0};
	int rc = read_attached(netdev, &attached, error);

	if (rc != 0 || attached.id == 0)
		return rc;
	if (is_ours(&attached)) {
		/* Only this very program, should another have taken its place meanwhile. */
		options.old_prog_fd = attached.fd;
		rc = bpf_xdp_detach(netdev->ifindex, XDP_FLAGS_REPLACE, &options);
		if (rc != 0)
			rc = mr_error_set(error, rc, "%s: old XDP program (id %u) stays: %s",
					  netdev->name, attached.id, strerror(-rc));
	} else if (need_free) {
		rc = mr_error_set(error, -EBUSY, "%s is held by XDP program \"%s\" (id %u)",
				  netdev->name, attached.info.name, attached.id);
	}
	close(attached.fd);
	return rc;
}

int steering_xdp_object(struct mr_error *error)
{
	size_t size;
	const void *object = steer_xdp_bpf__elf_bytes(&size);
	const int fd = memfd_create("mailrail-steer", MFD_CLOEXEC);

	if (fd < 0)
		return mr_error_set(error, -errno, "memfd_create: %s", strerror(errno));
	if (write(fd, object, size) != (ssize_t)size) {
		close(fd);
		return mr_error_set(error, -ENOMEM, "no memory for the XDP program");
	}
	return fd;
}

/* -1: the program has no map of that name. */
static int open_map(const struct attached *attached, const char *name)
{
	for (uint32_t i = 0; i < attached->info.nr_map_ids && i < MAPS_MAX; i++) {
		const int fd = bpf_map_get_fd_by_id(attached->maps[i]);
		struct bpf_map_info info = {0};
		uint32_t info_bytes = sizeof(info);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0 &&
		    strcmp(info.name, name) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

/* The maps that mr_dataplane_steer() fills; on failure those that were found are closed again. */
static int open_maps(const struct attached *attached, struct steering *steering)
{
	struct steering opened;

	steering_init(&opened);
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++) {
		opened.maps[i] = open_map(attached, steering_map_name((enum steering_map)i));
		if (opened.maps[i] < 0) {
			steering_close(&opened);
			return -ENOENT;
		}
	}
	*steering = opened;
	return 0;
}

static int enter_tags(const struct attached *attached, const struct steering_tags *tags)
{
	const int map = open_map(attached, STEER_TAGS_MAP);
	int rc;

	if (map < 0)
		return -ENOENT;
	rc = steering_tags_enter(tags, map);
	close(map);
	return rc;
}

int steering_xdp_open(struct steering *steering, const struct netdev *netdev,
		      const struct steering_tags *tags, struct mr_error *error)
{
	struct attached attached = {0};
	struct steering opened;
	int rc = read_attached(netdev, &attached, error);

	if (rc != 0)
		return rc;
	if (attached.id == 0)
		return mr_error_set(error, -ENOENT, "%s has lost its XDP program", netdev->name);
	rc = open_maps(&attached, &opened);
	if (rc == 0) {
		rc = enter_tags(&attached, tags);
		if (rc != 0)
			steering_close(&opened);
	}
	close(attached.fd);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: maps of XDP program \"%s\" do not open: %s",
				    netdev->name, attached.info.name, strerror(-rc));
	*steering = opened;
	return 0;
}
