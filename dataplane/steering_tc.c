/* SPDX-License-Identifier: BSD-3-Clause */
#include "steering.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>

#include "library_log.h"
#include "steer_tc.skel.h"

/*
 * Our filter's place: before everybody else's, since theirs may end the chain, and under a
 * handle that nobody else picks.
 */
#define FILTER_PRIORITY 1
#define FILTER_HANDLE	0x6d61696c /* "mail" */

static int filter_seen(const struct nlmsghdr *message, void *context)
{
	if (message->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)context = true;
	return MNL_CB_OK;
}

/* libmnl's advice for one read of a dump. */
#define DUMP_BYTES 32768

/* Has the hook @parent (TC_H_MIN_INGRESS, TC_H_MIN_EGRESS) a filter? Failure counts as one. */
static bool hook_is_used(int ifindex, uint32_t parent)
{
	_Alignas(NLMSG_ALIGNTO) char buffer[DUMP_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool used = false;
	ssize_t length = -1;
	int rc = MNL_CB_ERROR;

	message->nlmsg_type = RTM_GETTFILTER;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent);
	if (socket == NULL)
		return true;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(socket, message, message->nlmsg_len) >= 0)
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	while (length > 0) {
		rc = mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(socket),
				filter_seen, &used);
		if (rc <= MNL_CB_STOP)
			break;
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	}
	mnl_socket_close(socket);
	return used || rc != MNL_CB_STOP;
}

static void detach(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	bpf_tc_detach(&hook, &filter);
}

/* Removes the clsact qdisc when nobody uses it. */
static void remove_hook(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!hook_is_used(ifindex, TC_H_MIN_INGRESS) && !hook_is_used(ifindex, TC_H_MIN_EGRESS))
		bpf_tc_hook_destroy(&both);
}

/* Did a mailraild that was killed leave its filter? Then it made the hook too, as a rule. */
static bool is_left(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &filter) == 0;
}

static int attach(struct steering *steering)
{
	const int ifindex = steering->tc_ifindex;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(bpf_object__next_program(steering->tc, NULL)));
	int rc = bpf_tc_hook_create(&hook);
	const bool hook_is_new = rc == 0;
	bool left;

	if (rc != 0 && rc != -EEXIST)
		return rc;
	left = !hook_is_new && is_left(ifindex);
	rc = bpf_tc_attach(&hook, &filter);
	if (rc != 0) {
		if (hook_is_new)
			remove_hook(ifindex);
		return rc;
	}
	steering->tc_attached = true;
	steering->tc_hook_ours = hook_is_new || left;
	steering->tc_stays = left;
	return 0;
}

static int load_object(struct bpf_object **out)
{
	struct bpf_object *object;
	const void *bytes;
	size_t size;
	int rc;

	bytes = steer_tc_bpf__elf_bytes(&size);
	object = bpf_object__open_mem(bytes, size, NULL);
	if (object == NULL)
		return -errno;
	rc = bpf_object__load(object);
	if (rc != 0) {
		bpf_object__close(object);
		return rc;
	}
	*out = object;
	return 0;
}

int steering_tc_open(struct steering *steering, const struct netdev *netdev,
		     const struct steering_tags *tags, struct mr_error *error)
{
	struct bpf_object *object = NULL;
	int rc;

	library_log_clear();
	rc = load_object(&object);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: cannot load the tc program: %s", netdev->name,
				    library_log_first());
	rc = steering_tags_enter(tags, bpf_object__find_map_fd_by_name(object, STEER_TAGS_MAP));
	if (rc != 0) {
		bpf_object__close(object);
		return mr_error_set(error, rc, "%s: the tc program takes no tags: %s", netdev->name,
				    strerror(-rc));
	}
	steering->tc = object;
	steering->tc_ifindex = netdev->ifindex;
	for (uint32_t i = 0; i < STEERING_MAP_COUNT; i++)
		steering->maps[i] = bpf_object__find_map_fd_by_name(
			object, steering_map_name((enum steering_map)i));
	return 0;
}

int steering_tc_attach(struct steering *steering, const struct netdev *netdev,
		       struct mr_error *error)
{
	int rc;

	if (steering->tc_attached)
		return 0;
	library_log_clear();
	rc = attach(steering);
	if (rc != 0)
		return mr_error_set(error, rc, "%s: cannot attach the tc program: %s", netdev->name,
				    library_log_first());
	return 0;
}

void steering_tc_own(struct steering *steering)
{
	steering->tc_stays = false;
}

void steering_tc_leave(struct steering *steering)
{
	steering->tc_stays = true;
}

void steering_tc_close(struct steering *steering)
{
	if (steering->tc_attached && !steering->tc_stays) {
		detach(steering->tc_ifindex);
		if (steering->tc_hook_ours)
			remove_hook(steering->tc_ifindex);
	}
	bpf_object__close(steering->tc);
	steering_init(steering);
}
