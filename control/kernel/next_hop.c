/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two steps, each repeated when the kernel says that its ground has changed: routes give every
 * destination an interface and a neighbour; neighbours give the link-layer address.
 *
 * A neighbour keeps its last known address until the kernel calls it FAILED: on its way there,
 * or back to REACHABLE, the entry may pass through PROBE or INCOMPLETE, or be flushed and made
 * anew, and the way of the mail must not flap with it.
 */
#include "next_hop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "neighbour.h"
#include "netlink.h"
#include "route.h"

struct watch {
	struct mr_addr destination;
	bool asked; /* the kernel, for the route that @hop has */
	struct next_hop hop;
};

struct resolution {
	struct neighbour neighbour;
	bool resolved;
	struct rte_ether_addr mac;
};

struct next_hops {
	struct netlink netlink;
	struct netlink_listener *listener;
	next_hops_changed_fn *changed;
	void *context;
	struct event *notify;	 /* calls @changed from the event loop */
	struct event *ask_again; /* a second later, while an entry is not kept */
	struct watch *watches;	 /* sorted by destination */
	uint32_t watch_count;
	struct resolution *resolutions; /* sorted by interface and address */
	uint32_t resolution_count;
	bool routes_stale;
};

static int watch_compare(const void *a, const void *b)
{
	const struct watch *first = a, *second = b;

	return mr_addr_compare(&first->destination, &second->destination);
}

static struct watch *find_watch(const struct next_hops *hops, const struct mr_addr *destination)
{
	struct watch key = {.destination = *destination};

	if (hops->watch_count == 0)
		return NULL;
	return bsearch(&key, hops->watches, hops->watch_count, sizeof(key), watch_compare);
}

static int resolution_compare(const void *a, const void *b)
{
	const struct neighbour *first = &((const struct resolution *)a)->neighbour;
	const struct neighbour *second = &((const struct resolution *)b)->neighbour;

	if (first->ifindex != second->ifindex)
		return first->ifindex < second->ifindex ? -1 : 1;
	return mr_addr_compare(&first->address, &second->address);
}

static struct resolution *find_in(struct resolution *resolutions, uint32_t count, int ifindex,
				  const struct mr_addr *address)
{
	struct resolution key = {.neighbour = {.ifindex = ifindex, .address = *address}};

	if (count == 0)
		return NULL;
	return bsearch(&key, resolutions, count, sizeof(key), resolution_compare);
}

static struct resolution *find_resolution(const struct next_hops *hops, int ifindex,
					  const struct mr_addr *address)
{
	return find_in(hops->resolutions, hops->resolution_count, ifindex, address);
}

static void resolution_update(struct resolution *resolution)
{
	const struct neighbour *neighbour = &resolution->neighbour;

	if (neighbour_is_usable(neighbour)) {
		resolution->resolved = true;
		resolution->mac = neighbour->mac;
	} else if (neighbour->present && neighbour->state & NUD_FAILED) {
		resolution->resolved = false;
	}
}

/* Fills in what the neighbours say. True: the result is not what it was. */
static bool watch_set_hop(const struct next_hops *hops, struct watch *watch,
			  const struct next_hop *route)
{
	struct next_hop hop = *route;
	const struct resolution *resolution = NULL;
	bool differs;

	hop.resolved = false;
	hop.mac = (struct rte_ether_addr){0};
	if (hop.reachable)
		resolution = find_resolution(hops, hop.ifindex, &hop.gateway);
	if (resolution && resolution->resolved) {
		hop.resolved = true;
		hop.mac = resolution->mac;
	}
	differs = hop.reachable != watch->hop.reachable || hop.ifindex != watch->hop.ifindex ||
		  hop.on_link != watch->hop.on_link || hop.mtu_bytes != watch->hop.mtu_bytes ||
		  hop.resolved != watch->hop.resolved ||
		  !mr_addr_equal(&hop.gateway, &watch->hop.gateway) ||
		  !mr_addr_equal(&hop.source, &watch->hop.source) ||
		  !rte_is_same_ether_addr(&hop.mac, &watch->hop.mac);
	watch->hop = hop;
	return differs;
}

static uint32_t drop_repeated(struct resolution *sorted, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || resolution_compare(&sorted[kept - 1], &sorted[i]) != 0)
			sorted[kept++] = sorted[i];
	}
	return kept;
}

/* The neighbours that @routes go by, each once, without what is known of them. */
static struct resolution *wanted_resolutions(const struct next_hop *routes, uint32_t count,
					     uint32_t *out_count)
{
	struct resolution *wanted = calloc(count ? count : 1, sizeof(*wanted));
	uint32_t used = 0;

	if (!wanted)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (!routes[i].reachable)
			continue;
		wanted[used].neighbour.ifindex = routes[i].ifindex;
		wanted[used++].neighbour.address = routes[i].gateway;
	}
	qsort(wanted, used, sizeof(*wanted), resolution_compare);
	*out_count = drop_repeated(wanted, used);
	return wanted;
}

static void ask_again_later(struct next_hops *hops)
{
	static const struct timeval second = {.tv_sec = 1};

	if (!event_pending(hops->ask_again, EV_TIMEOUT, NULL))
		event_add(hops->ask_again, &second);
}

/* A neighbour that cannot be asked for now (its link is down, say) is asked for again. */
static void ask(struct next_hops *hops, struct resolution *resolution)
{
	neighbour_ask(&hops->netlink, &resolution->neighbour);
	if (!neighbour_is_kept(&resolution->neighbour))
		ask_again_later(hops);
}

/* Takes over @wanted: what was known of its members stays known, others are given back. */
static void replace_resolutions(struct next_hops *hops, struct resolution *wanted, uint32_t count)
{
	struct resolution *old = hops->resolutions;
	uint32_t old_count = hops->resolution_count;

	hops->resolutions = wanted;
	hops->resolution_count = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct neighbour *neighbour = &wanted[i].neighbour;
		const struct resolution *known =
			find_in(old, old_count, neighbour->ifindex, &neighbour->address);

		if (known)
			wanted[i] = *known;
		else
			ask(hops, &wanted[i]);
		resolution_update(&wanted[i]);
	}
	for (uint32_t i = 0; i < old_count; i++) {
		struct neighbour *neighbour = &old[i].neighbour;

		if (!find_in(wanted, count, neighbour->ifindex, &neighbour->address))
			neighbour_give_back(&hops->netlink, neighbour);
	}
	free(old);
}

static bool update_hops(struct next_hops *hops)
{
	bool differs = false;

	for (uint32_t i = 0; i < hops->watch_count; i++)
		differs |= watch_set_hop(hops, &hops->watches[i], &hops->watches[i].hop);
	return differs;
}

/*
 * Asks for all routes if they may have changed, else for those of new destinations. On failure the
 * old routes stay, for the next try. @out_differs: a result changed.
 */
static int update_routes(struct next_hops *hops, bool *out_differs)
{
	uint32_t count = hops->watch_count, wanted_count;
	struct next_hop *routes = calloc(count ? count : 1, sizeof(*routes));
	struct resolution *wanted;
	bool differs = false;
	int err = routes ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < count && err == 0; i++) {
		routes[i] = hops->watches[i].hop;
		if (hops->routes_stale || !hops->watches[i].asked)
			err = route_get(&hops->netlink, &hops->watches[i].destination, &routes[i]);
	}
	if (err < 0)
		goto out_free;
	wanted = wanted_resolutions(routes, count, &wanted_count);
	err = wanted ? 0 : -ENOMEM;
	if (err < 0)
		goto out_free;
	replace_resolutions(hops, wanted, wanted_count);
	for (uint32_t i = 0; i < count; i++) {
		differs |= watch_set_hop(hops, &hops->watches[i], &routes[i]);
		hops->watches[i].asked = true;
	}
	hops->routes_stale = false;
	*out_differs = differs;

out_free:
	free(routes);
	return err;
}

/* Brings every result up to date. A netlink failure is tried again a second later. */
static void evaluate(struct next_hops *hops)
{
	bool differs = false;

	if (hops->routes_stale && update_routes(hops, &differs) < 0)
		ask_again_later(hops);
	for (uint32_t i = 0; i < hops->resolution_count; i++) {
		resolution_update(&hops->resolutions[i]);
		if (!neighbour_is_kept(&hops->resolutions[i].neighbour))
			ask_again_later(hops);
	}
	differs |= update_hops(hops);
	if (differs)
		event_active(hops->notify, EV_TIMEOUT, 0);
}

/* A router with a full table hears of thousands of routes that do not matter here. */
static bool route_matters(const struct next_hops *hops, const struct nlmsghdr *message)
{
	uint32_t low = 0, high = hops->watch_count;
	struct mr_prefix prefix;

	if (!route_parse_prefix(message, &prefix))
		return true;
	/* The destinations that a prefix covers follow its first address in the order. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (mr_addr_compare(&hops->watches[middle].destination, &prefix.addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < hops->watch_count && mr_prefix_holds(&prefix, &hops->watches[low].destination);
}

static void heard_neighbour(struct next_hops *hops, const struct nlmsghdr *message)
{
	struct resolution *resolution;
	struct neighbour neighbour;

	if (!neighbour_parse(message, &neighbour))
		return;
	resolution = find_resolution(hops, neighbour.ifindex, &neighbour.address);
	if (resolution)
		resolution->neighbour = neighbour;
}

static void on_heard(void *context, const struct nlmsghdr *message)
{
	struct next_hops *hops = context;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		heard_neighbour(hops, message);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		hops->routes_stale |= route_matters(hops, message);
		break;
	default: /* links, addresses, rules, next hop objects */
		hops->routes_stale = true;
		break;
	}
}

static void on_settled(void *context, bool lost)
{
	struct next_hops *hops = context;

	if (lost) {
		hops->routes_stale = true;
		for (uint32_t i = 0; i < hops->resolution_count; i++)
			neighbour_get(&hops->netlink, &hops->resolutions[i].neighbour);
	}
	evaluate(hops);
}

static void on_ask_again(evutil_socket_t fd, short what, void *context)
{
	struct next_hops *hops = context;

	(void)fd;
	(void)what;
	for (uint32_t i = 0; i < hops->resolution_count; i++) {
		if (!neighbour_is_kept(&hops->resolutions[i].neighbour))
			ask(hops, &hops->resolutions[i]);
	}
	evaluate(hops);
}

static void on_notify(evutil_socket_t fd, short what, void *context)
{
	struct next_hops *hops = context;

	(void)fd;
	(void)what;
	hops->changed(hops->context);
}

static int create_events(struct next_hops *hops, struct event_base *base)
{
	static const unsigned int groups[] = {
		RTNLGRP_NEIGH,	    RTNLGRP_LINK,	 RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE,	 RTNLGRP_NEXTHOP,
	};

	hops->notify = event_new(base, -1, 0, on_notify, hops);
	hops->ask_again = event_new(base, -1, 0, on_ask_again, hops);
	if (!hops->notify || !hops->ask_again)
		return -ENOMEM;
	return netlink_listener_create(base, groups, sizeof(groups) / sizeof(groups[0]), on_heard,
				       on_settled, hops, &hops->listener);
}

int next_hops_create(struct event_base *base, next_hops_changed_fn *changed, void *context,
		     struct next_hops **out, struct mr_error *error)
{
	struct next_hops *hops = calloc(1, sizeof(*hops));
	int err;

	if (!hops)
		return mr_error_set(error, -ENOMEM, "next hops: no memory");
	hops->changed = changed;
	hops->context = context;
	err = netlink_open(&hops->netlink);
	if (err == 0)
		err = create_events(hops, base);
	if (err < 0) {
		next_hops_destroy(hops);
		return mr_error_set(error, err, "next hops: cannot listen to rtnetlink: %s",
				    strerror(-err));
	}
	*out = hops;
	return 0;
}

void next_hops_destroy(struct next_hops *hops)
{
	if (!hops)
		return;
	netlink_listener_destroy(hops->listener);
	if (hops->ask_again)
		event_free(hops->ask_again);
	if (hops->notify)
		event_free(hops->notify);
	for (uint32_t i = 0; i < hops->resolution_count; i++)
		neighbour_give_back(&hops->netlink, &hops->resolutions[i].neighbour);
	netlink_close(&hops->netlink);
	free(hops->resolutions);
	free(hops->watches);
	free(hops);
}

/* Sorted, each once. NULL: no memory. */
static struct mr_addr *sorted_destinations(const struct mr_addr *destinations, uint32_t count,
					   uint32_t *out_count)
{
	struct mr_addr *sorted = calloc(count ? count : 1, sizeof(*sorted));
	uint32_t kept = 0;

	if (!sorted)
		return NULL;
	if (count > 0)
		memcpy(sorted, destinations, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), mr_addr_order);
	for (uint32_t i = 0; i < count; i++) {
		if (kept == 0 || !mr_addr_equal(&sorted[kept - 1], &sorted[i]))
			sorted[kept++] = sorted[i];
	}
	*out_count = kept;
	return sorted;
}

static bool watches_are(const struct next_hops *hops, const struct mr_addr *sorted, uint32_t count)
{
	if (hops->watch_count != count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!mr_addr_equal(&hops->watches[i].destination, &sorted[i]))
			return false;
	}
	return true;
}

/* Negative errno: what was watched still is. */
static int watch_sorted(struct next_hops *hops, const struct mr_addr *sorted, uint32_t count)
{
	struct watch *watches = calloc(count ? count : 1, sizeof(*watches));
	struct watch *old = hops->watches;
	const uint32_t old_count = hops->watch_count;
	bool differs = false;
	int err;

	if (!watches)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct watch *known = find_watch(hops, &sorted[i]);

		if (known)
			watches[i] = *known;
		watches[i].destination = sorted[i];
	}
	hops->watches = watches;
	hops->watch_count = count;
	err = update_routes(hops, &differs);
	if (err < 0) {
		hops->watches = old;
		hops->watch_count = old_count;
		free(watches);
		return err;
	}
	free(old);
	/* A result that the caller knew may have changed as well. */
	if (differs)
		event_active(hops->notify, EV_TIMEOUT, 0);
	return 0;
}

int next_hops_watch(struct next_hops *hops, const struct mr_addr *destinations, uint32_t count,
		    struct mr_error *error)
{
	struct mr_addr *sorted = sorted_destinations(destinations, count, &count);
	int err = sorted ? 0 : -ENOMEM;

	/* What the kernel says of the same ones is listened to anyway. */
	if (err == 0 && (hops->routes_stale || !watches_are(hops, sorted, count)))
		err = watch_sorted(hops, sorted, count);
	free(sorted);
	return err < 0 ? mr_error_set(error, err, "next hops: cannot ask the kernel for routes: %s",
				      strerror(-err))
		       : 0;
}

int next_hops_get(const struct next_hops *hops, const struct mr_addr *destination,
		  struct next_hop *out)
{
	const struct watch *watch = find_watch(hops, destination);

	if (!watch)
		return -ENOENT;
	*out = watch->hop;
	return 0;
}

int next_hops_interface_address(struct next_hops *hops, int ifindex, int family,
				const struct mr_addr *not_these, uint32_t not_these_count,
				struct mr_addr *out)
{
	return route_interface_address(&hops->netlink, ifindex, family, not_these, not_these_count,
				       out);
}
