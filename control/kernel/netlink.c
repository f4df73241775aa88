/* SPDX-License-Identifier: BSD-3-Clause */
#include "netlink.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"

#define EXCHANGE_MS	   1000
#define RECEIVE_BYTES	   32768	 /* more than the kernel puts into one datagram */
#define LISTEN_QUEUE_BYTES (1024 * 1024) /* some thousand notifications */
#define READS_PER_TURN	   256		 /* then the loop's other events have their turn */

int netlink_open(struct netlink *nl)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = -errno;

		mnl_socket_close(socket);
		return err;
	}
	nl->socket = socket;
	nl->sequence = 0;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

static ssize_t receive_until(struct netlink *nl, void *buffer, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd ready = {.fd = mnl_socket_get_fd(nl->socket), .events = POLLIN};
		ssize_t length = mnl_socket_recvfrom(nl->socket, buffer, RECEIVE_BYTES);
		int64_t left_ms = deadline_ms - (int64_t)clock_monotonic_ms();

		if (length >= 0)
			return length;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (left_ms <= 0)
			return -ETIMEDOUT;
		poll(&ready, 1, (int)left_ms);
	}
}

static bool is_answer_to_us(const struct netlink *nl, const struct nlmsghdr *message)
{
	return message->nlmsg_seq == nl->sequence &&
	       message->nlmsg_pid == mnl_socket_get_portid(nl->socket);
}

/* Returns 1 while more is to come, 0 at the end of the answer. */
static int take_message(const struct nlmsghdr *message, netlink_answer_fn *answer, void *context)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

		return mnl_nlmsg_get_payload_len(message) < sizeof(*error) ? -EBADMSG
									   : error->error;
	}
	if (message->nlmsg_type == NLMSG_DONE)
		return 0;
	if (answer && message->nlmsg_type >= NLMSG_MIN_TYPE) {
		int err = answer(context, message);

		if (err < 0)
			return err;
	}
	return 1;
}

static int take_datagram(const struct netlink *nl, const void *buffer, size_t bytes,
			 netlink_answer_fn *answer, void *context)
{
	const struct nlmsghdr *message = buffer;
	int left = (int)bytes;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		int result;

		/* The late answer to a request that timed out. */
		if (!is_answer_to_us(nl, message))
			continue;
		result = take_message(message, answer, context);
		if (result <= 0)
			return result;
	}
	return 1;
}

int netlink_exchange(struct netlink *nl, union netlink_request *request, netlink_answer_fn *answer,
		     void *context)
{
	_Alignas(struct nlmsghdr) char buffer[RECEIVE_BYTES];
	int64_t deadline_ms = (int64_t)clock_monotonic_ms() + EXCHANGE_MS;
	struct nlmsghdr *header = &request->header;

	assert(header->nlmsg_len <= sizeof(*request));
	header->nlmsg_seq = ++nl->sequence;
	header->nlmsg_flags |= NLM_F_REQUEST;
	/* A dump ends with NLMSG_DONE, anything else with an acknowledgement. */
	if (!answer || (header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		header->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->socket, header, header->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t length = receive_until(nl, buffer, deadline_ms);
		int result;

		if (length < 0)
			return (int)length;
		result = take_datagram(nl, buffer, (size_t)length, answer, context);
		if (result <= 0)
			return result;
	}
}

struct netlink_listener {
	struct mnl_socket *socket;
	struct event *readable;
	netlink_heard_fn *heard;
	netlink_settled_fn *settled;
	void *context;
};

static void hear_datagram(struct netlink_listener *listener, const void *buffer, size_t bytes)
{
	const struct nlmsghdr *message = buffer;
	int left = (int)bytes;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type >= NLMSG_MIN_TYPE)
			listener->heard(listener->context, message);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	_Alignas(struct nlmsghdr) char buffer[RECEIVE_BYTES];
	struct netlink_listener *listener = context;
	bool lost = false;

	(void)fd;
	(void)what;
	for (int reads = 0; reads < READS_PER_TURN; reads++) {
		ssize_t length = mnl_socket_recvfrom(listener->socket, buffer, sizeof(buffer));

		if (length >= 0)
			hear_datagram(listener, buffer, (size_t)length);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			lost = true;
	}
	listener->settled(listener->context, lost);
}

static int listener_join(struct netlink_listener *listener, const unsigned int *groups,
			 uint32_t group_count)
{
	int queue_bytes = LISTEN_QUEUE_BYTES;
	int fd = mnl_socket_get_fd(listener->socket);

	if (mnl_socket_bind(listener->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* Without CAP_NET_ADMIN the system's default has to do; an overrun is survived. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue_bytes, sizeof(queue_bytes));
	for (uint32_t i = 0; i < group_count; i++) {
		unsigned int group = groups[i];

		if (mnl_socket_setsockopt(listener->socket, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0)
			return -errno;
	}
	return 0;
}

int netlink_listener_create(struct event_base *base, const unsigned int *groups,
			    uint32_t group_count, netlink_heard_fn *heard,
			    netlink_settled_fn *settled, void *context,
			    struct netlink_listener **out)
{
	struct netlink_listener *listener = calloc(1, sizeof(*listener));
	int err;

	if (!listener)
		return -ENOMEM;
	listener->heard = heard;
	listener->settled = settled;
	listener->context = context;
	listener->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	err = listener->socket ? listener_join(listener, groups, group_count) : -errno;
	if (err < 0)
		goto err_destroy;
	err = -ENOMEM;
	listener->readable = event_new(base, mnl_socket_get_fd(listener->socket),
				       EV_READ | EV_PERSIST, on_readable, listener);
	if (!listener->readable || event_add(listener->readable, NULL) < 0)
		goto err_destroy;
	*out = listener;
	return 0;

err_destroy:
	netlink_listener_destroy(listener);
	return err;
}

void netlink_listener_destroy(struct netlink_listener *listener)
{
	if (!listener)
		return;
	if (listener->readable)
		event_free(listener->readable);
	if (listener->socket)
		mnl_socket_close(listener->socket);
	free(listener);
}

int netlink_family(const struct mr_addr *addr)
{
	return mr_addr_is_v4(addr) ? AF_INET : AF_INET6;
}

void netlink_put_addr(struct nlmsghdr *request, uint16_t type, const struct mr_addr *addr)
{
	if (mr_addr_is_v4(addr))
		mnl_attr_put(request, type, 4, &addr->bytes[12]);
	else
		mnl_attr_put(request, type, 16, addr->bytes);
}

bool netlink_get_addr(const struct nlattr *attribute, int family, struct mr_addr *out)
{
	const void *bytes = mnl_attr_get_payload(attribute);

	if (family == AF_INET && mnl_attr_get_payload_len(attribute) == 4)
		*out = mr_addr_from_v4(bytes);
	else if (family == AF_INET6 && mnl_attr_get_payload_len(attribute) == 16)
		*out = mr_addr_from_v6(bytes);
	else
		return false;
	return true;
}
