/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_mtu.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

/* A report and its quote of at most 1280 bytes (RFC 4443, section 2.4 c); more is not read. */
#define REPORT_BYTES 1280

/* Reports that are read in one turn of the loop; the socket's buffer bounds the rest. */
#define REPORTS_PER_TURN 64

struct path {
	struct path_mtu_tunnel tunnel;
	uint32_t mtu_bytes; /* 0: nothing reported */
	struct timeval until;
};

struct path_mtus {
	struct event_base *base;
	struct timeval timeout;
	path_mtu_changed_fn *changed;
	void *context;
	int sockets[2];
	struct event *readable[2];
	struct event *expiry;
	struct path *paths; /* sorted by destination */
	uint32_t path_count;
};

/* The outer packet that a report quotes, as far as it matters. */
struct quote {
	struct mr_addr source;
	struct mr_addr destination;
	uint8_t protocol;
	uint16_t udp_port; /* 0: not UDP */
};

static int compare_paths(const void *a, const void *b)
{
	const struct path *left = a, *right = b;

	return mr_addr_compare(&left->tunnel.destination, &right->tunnel.destination);
}

/* The first path to @destination, or the count: there is none. */
static uint32_t first_path(const struct path_mtus *mtus, const struct mr_addr *destination)
{
	uint32_t low = 0, high = mtus->path_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (mr_addr_compare(&mtus->paths[middle].tunnel.destination, destination) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_path_to(const struct path_mtus *mtus, uint32_t index,
		       const struct mr_addr *destination)
{
	return index < mtus->path_count &&
	       mr_addr_equal(&mtus->paths[index].tunnel.destination, destination);
}

static bool read_udp_port(const uint8_t *bytes, size_t count, struct quote *quote)
{
	struct rte_udp_hdr udp;

	if (quote->protocol != IPPROTO_UDP)
		return true;
	if (count < sizeof(udp))
		return false;
	memcpy(&udp, bytes, sizeof(udp));
	quote->udp_port = rte_be_to_cpu_16(udp.dst_port);
	return true;
}

static bool read_quote_v4(const uint8_t *bytes, size_t count, struct quote *out)
{
	struct rte_ipv4_hdr ip;
	size_t header_bytes;

	if (count < sizeof(ip))
		return false;
	memcpy(&ip, bytes, sizeof(ip));
	header_bytes = rte_ipv4_hdr_len(&ip);
	if (ip.version != 4 || header_bytes < sizeof(ip) || header_bytes > count)
		return false;
	out->source = mr_addr_from_v4(&ip.src_addr);
	out->destination = mr_addr_from_v4(&ip.dst_addr);
	out->protocol = ip.next_proto_id;
	return read_udp_port(bytes + header_bytes, count - header_bytes, out);
}

static bool read_quote_v6(const uint8_t *bytes, size_t count, struct quote *out)
{
	struct rte_ipv6_hdr ip;

	if (count < sizeof(ip))
		return false;
	memcpy(&ip, bytes, sizeof(ip));
	if (rte_be_to_cpu_32(ip.vtc_flow) >> 28 != 6)
		return false;
	out->source = mr_addr_from_v6(ip.src_addr);
	out->destination = mr_addr_from_v6(ip.dst_addr);
	out->protocol = ip.proto;
	return read_udp_port(bytes + sizeof(ip), count - sizeof(ip), out);
}

/* Would mailrail have sent a packet like this into @tunnel? */
static bool quote_is_of(const struct quote *quote, const struct path_mtu_tunnel *tunnel)
{
	if (tunnel->gue_port != 0)
		return quote->protocol == IPPROTO_UDP && quote->udp_port == tunnel->gue_port;
	return quote->protocol == IPPROTO_IPIP || quote->protocol == IPPROTO_IPV6;
}

static bool path_lower(struct path_mtus *mtus, struct path *path, uint32_t mtu_bytes)
{
	const bool lower = path->mtu_bytes == 0 || mtu_bytes < path->mtu_bytes;

	/* A path that got wider is found by trying, not by report. */
	if (!lower && mtu_bytes != path->mtu_bytes)
		return false;
	event_base_gettimeofday_cached(mtus->base, &path->until);
	evutil_timeradd(&path->until, &mtus->timeout, &path->until);
	path->mtu_bytes = mtu_bytes;
	return lower;
}

/* @mtu_bytes 0: from a router that is older than RFC 1191, and says nothing of use. */
static void take_report(struct path_mtus *mtus, const struct quote *quote, uint32_t mtu_bytes)
{
	const uint32_t least =
		mr_addr_is_v4(&quote->destination) ? PATH_MTU_MIN_V4_BYTES : PATH_MTU_MIN_V6_BYTES;
	bool changed = false;

	if (mtu_bytes == 0)
		return;
	if (mtu_bytes < least)
		mtu_bytes = least;
	for (uint32_t i = first_path(mtus, &quote->destination);
	     is_path_to(mtus, i, &quote->destination); i++) {
		if (quote_is_of(quote, &mtus->paths[i].tunnel))
			changed |= path_lower(mtus, &mtus->paths[i], mtu_bytes);
	}
	if (!changed)
		return;
	if (!event_pending(mtus->expiry, EV_TIMEOUT, NULL))
		event_add(mtus->expiry, &mtus->timeout);
	mtus->changed(mtus->context);
}

/* The kernel gives raw IPv4 sockets their copy before it looks at the ICMP checksum. */
static void read_report_v4(struct path_mtus *mtus, const uint8_t *bytes, size_t count)
{
	struct quote quote = {0};
	struct rte_ipv4_hdr ip;
	struct icmphdr icmp;
	struct mr_addr to;
	size_t header_bytes;

	if (count < sizeof(ip))
		return;
	memcpy(&ip, bytes, sizeof(ip));
	header_bytes = rte_ipv4_hdr_len(&ip);
	if (count < header_bytes + sizeof(icmp))
		return;
	memcpy(&icmp, bytes + header_bytes, sizeof(icmp));
	if (icmp.type != ICMP_DEST_UNREACH || icmp.code != ICMP_FRAG_NEEDED ||
	    rte_raw_cksum(bytes + header_bytes, count - header_bytes) != 0xffff)
		return;
	header_bytes += sizeof(icmp);
	if (!read_quote_v4(bytes + header_bytes, count - header_bytes, &quote))
		return;
	to = mr_addr_from_v4(&ip.dst_addr);
	if (mr_addr_equal(&to, &quote.source))
		take_report(mtus, &quote, rte_be_to_cpu_16(icmp.un.frag.mtu));
}

static void read_report_v6(struct path_mtus *mtus, const uint8_t *bytes, size_t count)
{
	struct quote quote = {0};
	struct icmp6_hdr icmp;

	if (count < sizeof(icmp))
		return;
	memcpy(&icmp, bytes, sizeof(icmp));
	if (icmp.icmp6_type == ICMP6_PACKET_TOO_BIG &&
	    read_quote_v6(bytes + sizeof(icmp), count - sizeof(icmp), &quote))
		take_report(mtus, &quote, rte_be_to_cpu_32(icmp.icmp6_mtu));
}

static void on_readable(evutil_socket_t fd, short events, void *context)
{
	struct path_mtus *mtus = context;
	uint8_t bytes[REPORT_BYTES];

	(void)events;
	for (uint32_t i = 0; i < REPORTS_PER_TURN; i++) {
		const ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (count < 0)
			return;
		if (fd == mtus->sockets[0])
			read_report_v4(mtus, bytes, (size_t)count);
		else
			read_report_v6(mtus, bytes, (size_t)count);
	}
}

static void on_expiry(evutil_socket_t fd, short events, void *context)
{
	struct path_mtus *mtus = context;
	struct timeval now, next = {0};
	bool changed = false;

	(void)fd, (void)events;
	event_base_gettimeofday_cached(mtus->base, &now);
	for (uint32_t i = 0; i < mtus->path_count; i++) {
		struct path *path = &mtus->paths[i];

		if (path->mtu_bytes == 0)
			continue;
		if (evutil_timercmp(&path->until, &now, <=)) {
			path->mtu_bytes = 0;
			changed = true;
		} else if (!evutil_timerisset(&next) || evutil_timercmp(&path->until, &next, <)) {
			next = path->until;
		}
	}
	if (evutil_timerisset(&next)) {
		evutil_timersub(&next, &now, &next);
		event_add(mtus->expiry, &next);
	}
	if (changed)
		mtus->changed(mtus->context);
}

static int filter_v4(int fd)
{
	const struct icmp_filter filter = {.data = ~(1U << ICMP_DEST_UNREACH)};

	return setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
}

static int filter_v6(int fd)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

static int listen_to(struct path_mtus *mtus, int index)
{
	const int type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int fd = index == 0 ? socket(AF_INET, type, IPPROTO_ICMP)
				  : socket(AF_INET6, type, IPPROTO_ICMPV6);

	mtus->sockets[index] = fd;
	if (fd < 0 && index == 1 && errno == EAFNOSUPPORT)
		return 0; /* a host without IPv6 */
	if (fd < 0 || (index == 0 ? filter_v4(fd) : filter_v6(fd)) < 0)
		return -errno;
	mtus->readable[index] = event_new(mtus->base, fd, EV_READ | EV_PERSIST, on_readable, mtus);
	if (mtus->readable[index] == NULL || event_add(mtus->readable[index], NULL) < 0)
		return -ENOMEM;
	return 0;
}

int path_mtus_create(struct event_base *base, uint32_t timeout_s, path_mtu_changed_fn *changed,
		     void *context, struct path_mtus **out, struct mr_error *error)
{
	struct path_mtus *mtus = calloc(1, sizeof(*mtus));
	int rc;

	if (mtus == NULL)
		return mr_error_set(error, -ENOMEM, "out of memory");
	*mtus = (struct path_mtus){
		.base = base,
		.timeout = {.tv_sec = timeout_s},
		.changed = changed,
		.context = context,
		.sockets = {-1, -1},
		.expiry = event_new(base, -1, 0, on_expiry, mtus),
	};
	rc = mtus->expiry != NULL ? listen_to(mtus, 0) : -ENOMEM;
	if (rc == 0)
		rc = listen_to(mtus, 1);
	if (rc < 0) {
		path_mtus_destroy(mtus);
		return mr_error_set(error, rc, "cannot listen for ICMP: %s", strerror(-rc));
	}
	*out = mtus;
	return 0;
}

void path_mtus_destroy(struct path_mtus *mtus)
{
	if (mtus == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		if (mtus->readable[i] != NULL)
			event_free(mtus->readable[i]);
		if (mtus->sockets[i] >= 0)
			close(mtus->sockets[i]);
	}
	if (mtus->expiry != NULL)
		event_free(mtus->expiry);
	free(mtus->paths);
	free(mtus);
}

/* What is known of a path to the same destination, by the same kind of tunnel. */
static void inherit(const struct path_mtus *mtus, struct path *path)
{
	const struct mr_addr *destination = &path->tunnel.destination;

	for (uint32_t i = first_path(mtus, destination); is_path_to(mtus, i, destination); i++) {
		if (mtus->paths[i].tunnel.gue_port == path->tunnel.gue_port) {
			path->mtu_bytes = mtus->paths[i].mtu_bytes;
			path->until = mtus->paths[i].until;
		}
	}
}

int path_mtus_watch(struct path_mtus *mtus, const struct path_mtu_tunnel *tunnels, uint32_t count)
{
	struct path *paths = calloc(count + 1, sizeof(*paths));

	if (paths == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		paths[i].tunnel = tunnels[i];
		inherit(mtus, &paths[i]);
	}
	qsort(paths, count, sizeof(*paths), compare_paths);
	free(mtus->paths);
	mtus->paths = paths;
	mtus->path_count = count;
	return 0;
}

uint32_t path_mtu_get(const struct path_mtus *mtus, const struct mr_addr *destination)
{
	uint32_t mtu_bytes = 0;

	for (uint32_t i = first_path(mtus, destination); is_path_to(mtus, i, destination); i++) {
		const uint32_t reported = mtus->paths[i].mtu_bytes;

		if (reported != 0 && (mtu_bytes == 0 || reported < mtu_bytes))
			mtu_bytes = reported;
	}
	return mtu_bytes;
}
