/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink (RFC 3549) in two forms: requests that are answered before the function returns,
 * within a bounded time, and multicast groups that the event loop listens to. A socket belongs
 * to the network namespace of the thread that opened it, for as long as it lives. Control
 * thread.
 */
#ifndef MAILRAIL_CONTROL_NETLINK_H
#define MAILRAIL_CONTROL_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <libmnl/libmnl.h>

#include <mailrail/address.h>

/* For requests. The caller owns the storage. */
struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
};

int netlink_open(struct netlink *nl);
void netlink_close(struct netlink *nl);

/* A buffer that any request of this program fits into. */
#define NETLINK_REQUEST_BYTES 512
union netlink_request {
	struct nlmsghdr header;
	char bytes[NETLINK_REQUEST_BYTES];
};

/* Called for each message of the answer; stops the exchange when it returns an errno. */
typedef int netlink_answer_fn(void *context, const struct nlmsghdr *message);

/*
 * Sends @request and waits for the whole answer; adds the sequence number and the flags that
 * every request has. @answer may be NULL. The kernel's own error is returned as it is;
 * -ETIMEDOUT: no whole answer within a second; -EINTR: the dump changed under our hands.
 */
int netlink_exchange(struct netlink *nl, union netlink_request *request, netlink_answer_fn *answer,
		     void *context);

/* @heard for each message; then @settled once, when all that had arrived was heard. */
typedef void netlink_heard_fn(void *context, const struct nlmsghdr *message);
/* @lost: the kernel dropped messages (ENOBUFS); what was heard so far may be stale. */
typedef void netlink_settled_fn(void *context, bool lost);

struct netlink_listener;

/* Joins the @group_count multicast @groups (RTNLGRP_*). */
int netlink_listener_create(struct event_base *base, const unsigned int *groups,
			    uint32_t group_count, netlink_heard_fn *heard,
			    netlink_settled_fn *settled, void *context,
			    struct netlink_listener **out);
void netlink_listener_destroy(struct netlink_listener *listener);

/* Appends @addr as an attribute, 4 or 16 bytes long as its family wants. */
void netlink_put_addr(struct nlmsghdr *request, uint16_t type, const struct mr_addr *addr);
/* False unless the attribute is as long as an address of @family. */
bool netlink_get_addr(const struct nlattr *attribute, int family, struct mr_addr *out);
/* AF_INET or AF_INET6. */
int netlink_family(const struct mr_addr *addr);

#endif
