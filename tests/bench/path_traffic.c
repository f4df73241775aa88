/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_traffic.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/frame.h"

/* Where clients are, 2^30 addresses; of each kibi, they have the upper half. */
#define CLIENT_BASE UINT32_C(0x40000000)
#define CLIENT_BITS 30
#define CLIENT_HALF UINT32_C(0x200)

#define EXCLUDED_BYTES_MAX 256 /* addresses of one range */

#define TCP_OPTION_BYTES 12 /* timestamps, as every segment has them */

/* Finalizer of SplitMix64 (Steele et al., 2014): neighbours have nothing in common. */
static uint64_t mixed(uint64_t number)
{
	number += 0x9e3779b97f4a7c15ULL;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
	return number ^ number >> 31;
}

static struct mr_addr address_of(bool v4, uint16_t group, uint32_t number)
{
	const rte_be32_t last = rte_cpu_to_be_32(number);
	struct mr_addr addr = {
		.bytes = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(group >> 8), (uint8_t)group}};

	if (v4)
		return mr_addr_from_v4(&last);
	memcpy(&addr.bytes[12], &last, sizeof(last));
	return addr;
}

struct mr_addr path_service_address(bool v4, uint32_t service)
{
	return address_of(v4, 0x5, 0x0a800000 + service);
}

struct mr_range path_excluded_range(bool v4, uint32_t index, uint32_t count)
{
	const uint32_t distance = (UINT32_C(1) << CLIENT_BITS) / count;
	const uint32_t first = CLIENT_BASE + RTE_ALIGN_CEIL(index * distance, 2 * CLIENT_HALF);
	const uint32_t bytes = 1 + (uint32_t)mixed(index) % EXCLUDED_BYTES_MAX;

	return (struct mr_range){
		.first = address_of(v4, 0xc, first),
		.last = address_of(v4, 0xc, first + bytes - 1),
	};
}

struct mr_tuple path_tuple(const struct path_case *settings, uint32_t number)
{
	const bool v4 = settings->family == PATH_MIXED ? number % 2 == 0 : path_has_v4(settings);
	const uint64_t bits = mixed(number);
	const uint32_t client = (uint32_t)bits >> (32 - CLIENT_BITS);

	return (struct mr_tuple){
		.client = address_of(v4, 0xc, CLIENT_BASE | client | CLIENT_HALF),
		.service = path_service_address(v4, (uint32_t)(bits >> 32) % settings->services),
		.client_port = rte_cpu_to_be_16((uint16_t)(bits >> 40) | 0x400),
		.service_port = RTE_BE16(PATH_SERVICE_PORT),
	};
}

static void build(const struct path_case *settings, bool v4, uint8_t out[PATH_FRAME_BYTES])
{
	const uint32_t header_bytes =
		sizeof(struct rte_ether_hdr) + sizeof(struct rte_tcp_hdr) + TCP_OPTION_BYTES +
		(v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	const struct frame_spec spec = {
		.to = {{0x02, 0, 0, 0, 0, 0}},
		.from = {{0x02, 0, 0, 0, 0x09, 0x09}},
		.client = v4 ? "64.0.0.1" : "2001:db8:c::1",
		.service = v4 ? "10.128.0.0" : "2001:db8:5::a80:0",
		.client_port = 1024,
		.service_port = PATH_SERVICE_PORT,
		.tcp_flags =
			settings->is_flood ? RTE_TCP_SYN_FLAG : RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG,
		.dont_fragment = true,
		.tcp_option_bytes = TCP_OPTION_BYTES,
		.payload_bytes = (uint16_t)(PATH_FRAME_BYTES - header_bytes),
	};
	uint8_t bytes[FRAME_BYTES_MAX];

	frame_build(&spec, bytes);
	memcpy(out, bytes, PATH_FRAME_BYTES);
}

void path_traffic_init(struct path_traffic *traffic, const struct path_case *settings)
{
	*traffic = (struct path_traffic){
		.settings = settings,
		.next = settings->sessions,
	};
	build(settings, true, traffic->frame_v4);
	build(settings, false, traffic->frame_v6);
}

static uint32_t draw(struct path_traffic *traffic)
{
	if (traffic->settings->slots == PATH_ADOPTED)
		return traffic->next++;
	return (uint32_t)((mixed(traffic->drawn++) >> 32) * traffic->settings->sessions >> 32);
}

/* The checksum of TCP stays the template's: nobody on the path reads it, nat only updates it. */
static void write_v4(const struct path_traffic *traffic, const struct mr_tuple *tuple,
		     uint8_t *frame)
{
	struct rte_ipv4_hdr *ip = (void *)&frame[sizeof(struct rte_ether_hdr)];
	struct rte_tcp_hdr *tcp = (void *)&ip[1];

	memcpy(frame, traffic->frame_v4, PATH_FRAME_BYTES);
	memcpy(&ip->src_addr, &tuple->client.bytes[12], sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, &tuple->service.bytes[12], sizeof(ip->dst_addr));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->src_port = tuple->client_port;
}

static void write_v6(const struct path_traffic *traffic, const struct mr_tuple *tuple,
		     uint8_t *frame)
{
	struct rte_ipv6_hdr *ip = (void *)&frame[sizeof(struct rte_ether_hdr)];
	struct rte_tcp_hdr *tcp = (void *)&ip[1];

	memcpy(frame, traffic->frame_v6, PATH_FRAME_BYTES);
	memcpy(ip->src_addr, tuple->client.bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, tuple->service.bytes, sizeof(ip->dst_addr));
	tcp->src_port = tuple->client_port;
}

void path_traffic_write(struct path_traffic *traffic, struct rte_mbuf **mbufs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct mr_tuple tuple = path_tuple(traffic->settings, draw(traffic));
		uint8_t *frame;

		rte_pktmbuf_reset(mbufs[i]);
		frame = (void *)rte_pktmbuf_append(mbufs[i], PATH_FRAME_BYTES);
		if (mr_addr_is_v4(&tuple.service))
			write_v4(traffic, &tuple, frame);
		else
			write_v6(traffic, &tuple, frame);
	}
}
