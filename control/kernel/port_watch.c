/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_PORTS

#include "port_watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "netlink.h"
#include "vlan_interface.h"

struct port_watch {
	const struct mr_dataplane *dp;
	struct netlink netlink;
	struct netlink_listener *listener;
	port_watch_changed_fn *changed;
	void *context;
	uint32_t port_count;
	char names[MR_PORTS_MAX][MR_NAME_MAX];
	char interfaces[MR_PORTS_MAX][IF_NAMESIZE]; /* as configured; "": to be found */
	struct way_ports ports;
};

/* The device's own interface, or the one for its frames with the port's tags. */
static int find_interface(struct port_watch *watch, uint32_t port, const struct mr_port_info *info)
{
	int ifindex = info->ifindex;

	if (watch->interfaces[port][0] != '\0')
		return (int)if_nametoindex(watch->interfaces[port]);
	if (ifindex != 0)
		vlan_interface_find(&watch->netlink, ifindex, info->tags, info->tag_count,
				    &ifindex);
	return ifindex;
}

static int read_port(struct port_watch *watch, uint32_t port, struct way_port *out)
{
	struct mr_port_info info;
	const int rc = mr_dataplane_port_info(watch->dp, port, &info);

	if (rc < 0)
		return rc;
	out->ifindex = find_interface(watch, port, &info);
	out->mtu_bytes = info.mtu;
	memcpy(out->tags, info.tags, sizeof(out->tags));
	out->tag_count = info.tag_count;
	out->mac = info.mac;
	return 0;
}

/*
 * Of several ports with one interface, as when tagged ones share a device that has no VLAN
 * interfaces, routes lead to the one without tags, or to the first.
 */
static void settle_shared(struct way_ports *ports, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < i && ports->list[i].ifindex != 0; j++) {
			struct way_port *a = &ports->list[j], *b = &ports->list[i];

			if (a->ifindex != b->ifindex)
				continue;
			if (b->tag_count == 0 && a->tag_count > 0)
				a->ifindex = 0;
			else
				b->ifindex = 0;
		}
	}
}

static int read_ports(struct port_watch *watch, struct way_ports *out, struct mr_error *error)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < watch->port_count; i++) {
		const int rc = read_port(watch, i, &out->list[i]);

		if (rc < 0)
			return mr_error_set(error, rc, "/ports/%u: no information about it", i);
	}
	settle_shared(out, watch->port_count);
	return 0;
}

/* A configured interface may come later, but nothing can be reached before it does. */
static void warn_missing(const struct port_watch *watch)
{
	for (uint32_t i = 0; i < watch->port_count; i++) {
		if (watch->interfaces[i][0] != '\0' && watch->ports.list[i].ifindex == 0)
			log_write(LOG_WARNING,
				  "port %s: there is no interface %s, or it is "
				  "another port's: no route leads here",
				  watch->names[i], watch->interfaces[i]);
	}
}

static void on_heard(void *context, const struct nlmsghdr *message)
{
	(void)context;
	(void)message;
}

static bool port_is_same(const struct way_port *a, const struct way_port *b)
{
	return a->ifindex == b->ifindex && a->mtu_bytes == b->mtu_bytes &&
	       a->tag_count == b->tag_count && a->tags[0] == b->tags[0] &&
	       a->tags[1] == b->tags[1] && rte_is_same_ether_addr(&a->mac, &b->mac);
}

static bool ports_are_same(const struct way_ports *a, const struct way_ports *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!port_is_same(&a->list[i], &b->list[i]))
			return false;
	}
	return true;
}

static void on_settled(void *context, bool lost)
{
	struct port_watch *watch = context;
	struct mr_error error;
	struct way_ports now;

	(void)lost;
	if (read_ports(watch, &now, &error) < 0) {
		log_write(LOG_ERR, "%s", error.text);
		return;
	}
	if (ports_are_same(&now, &watch->ports, watch->port_count))
		return;
	watch->ports = now;
	warn_missing(watch);
	watch->changed(watch->context);
}

static void copy_names(struct port_watch *watch, const struct config *config)
{
	watch->port_count = config->port_count;
	for (uint32_t i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		snprintf(watch->names[i], sizeof(watch->names[i]), "%s", port->name);
		if (port->interface != NULL)
			snprintf(watch->interfaces[i], sizeof(watch->interfaces[i]), "%s",
				 port->interface);
	}
}

int port_watch_create(struct event_base *base, const struct mr_dataplane *dp,
		      const struct config *config, port_watch_changed_fn *changed, void *context,
		      struct port_watch **out, struct mr_error *error)
{
	static const unsigned int groups[] = {RTNLGRP_LINK};
	struct port_watch *watch = calloc(1, sizeof(*watch));
	int rc;

	if (watch == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	watch->dp = dp;
	watch->changed = changed;
	watch->context = context;
	copy_names(watch, config);
	rc = netlink_open(&watch->netlink);
	if (rc == 0)
		rc = netlink_listener_create(base, groups, 1, on_heard, on_settled, watch,
					     &watch->listener);
	if (rc < 0) {
		mr_error_set(error, rc, "ports: cannot listen to rtnetlink: %s", strerror(-rc));
		goto err_destroy;
	}
	rc = read_ports(watch, &watch->ports, error);
	if (rc < 0)
		goto err_destroy;
	warn_missing(watch);
	*out = watch;
	return 0;

err_destroy:
	port_watch_destroy(watch);
	return rc;
}

void port_watch_destroy(struct port_watch *watch)
{
	if (watch == NULL)
		return;
	netlink_listener_destroy(watch->listener);
	netlink_close(&watch->netlink);
	free(watch);
}

const struct way_ports *port_watch_get(const struct port_watch *watch)
{
	return &watch->ports;
}
