/* SPDX-License-Identifier: BSD-3-Clause */
/* Made once for a backend, so that workers copy it and fill in what differs by packet. */
#include <mailrail/snapshot.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "checksum.h"

#define OUTER_TTL 64

/* Every link carries IPv4 packets of this size (RFC 791, section 3.2), and IPv6 (RFC 8200, 5). */
#define IPV4_MTU_MIN_BYTES 68
#define IPV6_MTU_MIN_BYTES 1280

static_assert(RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + sizeof(struct rte_ipv6_hdr) +
			      sizeof(struct rte_udp_hdr) ==
		      MR_FRONT_BYTES_MAX,
	      "the longest front fits");

/*
 * A single tag is a customer's (IEEE 802.1Q); of two, the outer one is a service tag (802.1ad).
 * Returns what follows the last type, which stays open.
 */
static uint8_t *add_link(uint8_t *bytes, const struct mr_way *way)
{
	const struct rte_ether_hdr ethernet = {
		.dst_addr = way->next_hop,
		.src_addr = way->source_mac,
	};
	uint16_t type = way->tag_count == 2 ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN;

	memcpy(bytes, &ethernet, sizeof(ethernet));
	bytes += offsetof(struct rte_ether_hdr, ether_type);
	for (uint8_t i = 0; i < way->tag_count; i++) {
		const rte_be16_t tag[2] = {rte_cpu_to_be_16(type), rte_cpu_to_be_16(way->tags[i])};

		memcpy(bytes, tag, sizeof(tag));
		bytes += sizeof(tag);
		type = RTE_ETHER_TYPE_VLAN;
	}
	return bytes + sizeof(ethernet.ether_type);
}

/* The low @bits of @address are left to the worker. */
static struct mr_addr without_low_bits(struct mr_addr address, uint8_t bits)
{
	for (uint32_t i = sizeof(address.bytes); i-- > 0 && bits > 0;) {
		const uint8_t here = bits < 8 ? bits : 8;

		address.bytes[i] &= (uint8_t)(0xff << here);
		bits -= here;
	}
	return address;
}

static uint8_t *add_outer_v4(uint8_t *bytes, const struct mr_addr *from, const struct mr_addr *to,
			     uint8_t protocol)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = OUTER_TTL,
		.next_proto_id = protocol,
	};

	memcpy(&ip.src_addr, &from->bytes[12], sizeof(ip.src_addr));
	memcpy(&ip.dst_addr, &to->bytes[12], sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	return bytes + sizeof(ip);
}

static uint8_t *add_outer_v6(uint8_t *bytes, const struct mr_addr *from, const struct mr_addr *to,
			     uint8_t protocol)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = RTE_BE32(6U << 28),
		.proto = protocol,
		.hop_limits = OUTER_TTL,
	};

	memcpy(ip.src_addr, from->bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, to->bytes, sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	return bytes + sizeof(ip);
}

/* UDP source port and length stay open; no checksum, as RFC 6935 allows tunnels in IPv6 too. */
static uint8_t *add_udp(uint8_t *bytes, uint16_t port)
{
	const struct rte_udp_hdr udp = {.dst_port = rte_cpu_to_be_16(port)};

	memcpy(bytes, &udp, sizeof(udp));
	return bytes + sizeof(udp);
}

/* At @bytes, behind the link header. Returns their end. */
static uint8_t *add_outer(uint8_t *bytes, struct mr_front *front, const struct mr_backend *backend,
			  const struct mr_way *way)
{
	const bool is_gue = backend->forwarding == MR_FORWARDING_GUE;
	const uint8_t protocol = is_gue ? IPPROTO_UDP : 0;
	const struct mr_addr from = without_low_bits(way->outer_source, way->source_bits);
	const struct mr_addr *to = &backend->address;
	const uint16_t type = mr_addr_is_v4(to) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	const rte_be16_t type_be = rte_cpu_to_be_16(type);
	uint8_t *end;

	memcpy(bytes - sizeof(type_be), &type_be, sizeof(type_be));
	front->outer_v6 = !mr_addr_is_v4(to);
	front->source_bits = way->source_bits;
	end = front->outer_v6 ? add_outer_v6(bytes, &from, to, protocol)
			      : add_outer_v4(bytes, &from, to, protocol);
	if (!front->outer_v6)
		front->outer_sum = checksum_sum_ipv4(bytes);
	return is_gue ? add_udp(end, way->gue_port) : end;
}

static struct mr_front make_front(const struct mr_backend *backend, const struct mr_way *way)
{
	const bool tunnel = backend->forwarding == MR_FORWARDING_IPIP ||
			    backend->forwarding == MR_FORWARDING_GUE;
	struct mr_front front = {0};
	uint8_t bytes[MR_FRONT_BYTES_MAX] = {0};
	uint8_t *const outer = add_link(bytes, way);
	uint8_t *const end = tunnel ? add_outer(outer, &front, backend, way) : outer;

	front.link_bytes = (uint8_t)(outer - bytes);
	front.outer_bytes = (uint8_t)(end - outer);
	memcpy(&front.room[MR_FRONT_ROOM_BYTES - (end - bytes)], bytes, (size_t)(end - bytes));
	return front;
}

int mr_backend_set_way(struct mr_backend *backend, const struct mr_way *way)
{
	const struct mr_front front = make_front(backend, way);

	if (way->mtu_bytes < front.outer_bytes + IPV4_MTU_MIN_BYTES ||
	    (!mr_addr_is_v4(&backend->address) && way->mtu_bytes < IPV6_MTU_MIN_BYTES))
		return -EMSGSIZE;
	backend->front = front;
	backend->port = way->port;
	backend->packet_max_bytes = (uint16_t)(way->mtu_bytes - front.outer_bytes);
	backend->plain_max_bytes =
		backend->forwarding == MR_FORWARDING_NAT ? 0 : backend->packet_max_bytes;
	backend->way_set = true;
	return 0;
}
