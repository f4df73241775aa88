/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#define IP_OPTION_NOP  1 /* RFC 791, section 3.1 */
#define TCP_OPTION_NOP 1 /* RFC 9293, section 3.1 */

struct mr_addr frame_addr(const char *text)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return mr_addr_from_v4(bytes);
	if (inet_pton(AF_INET6, text, bytes) != 1)
		abort();
	return mr_addr_from_v6(bytes);
}

static uint32_t write_ipv4(const struct frame_spec *spec, uint8_t *bytes, uint32_t l4_bytes)
{
	const struct mr_addr client = frame_addr(spec->client);
	const struct mr_addr service = frame_addr(spec->service);
	const uint32_t header_bytes = (uint32_t)sizeof(struct rte_ipv4_hdr) + spec->ip_option_bytes;
	struct rte_ipv4_hdr ip = {
		.version_ihl = (uint8_t)(4 << 4 | header_bytes / 4),
		.type_of_service = spec->traffic_class,
		.total_length = rte_cpu_to_be_16((uint16_t)(header_bytes + l4_bytes)),
		.fragment_offset = spec->dont_fragment ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
		.time_to_live = 61,
		.next_proto_id = IPPROTO_TCP,
	};

	memcpy(&ip.src_addr, &client.bytes[12], sizeof(ip.src_addr));
	memcpy(&ip.dst_addr, &service.bytes[12], sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	memset(&bytes[sizeof(ip)], IP_OPTION_NOP, spec->ip_option_bytes);
	return header_bytes;
}

static uint32_t write_ipv6(const struct frame_spec *spec, uint8_t *bytes, uint32_t l4_bytes)
{
	const struct mr_addr client = frame_addr(spec->client);
	const struct mr_addr service = frame_addr(spec->service);
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(6U << 28 | (uint32_t)spec->traffic_class << 20),
		.payload_len = rte_cpu_to_be_16((uint16_t)l4_bytes),
		.proto = IPPROTO_TCP,
		.hop_limits = 61,
	};

	memcpy(ip.src_addr, client.bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, service.bytes, sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	return sizeof(ip);
}

static void write_tcp(const struct frame_spec *spec, uint8_t *bytes)
{
	const struct rte_tcp_hdr tcp = {
		.src_port = rte_cpu_to_be_16(spec->client_port),
		.dst_port = rte_cpu_to_be_16(spec->service_port),
		.sent_seq = RTE_BE32(0x01020304),
		.recv_ack = RTE_BE32(0x0a0b0c0d),
		.data_off = (uint8_t)((sizeof(tcp) + spec->tcp_option_bytes) / 4 << 4),
		.tcp_flags = spec->tcp_flags,
		.rx_win = RTE_BE16(64240),
	};

	memcpy(bytes, &tcp, sizeof(tcp));
	memset(&bytes[sizeof(tcp)], TCP_OPTION_NOP, spec->tcp_option_bytes);
	memset(&bytes[sizeof(tcp) + spec->tcp_option_bytes], 'm', spec->payload_bytes);
}

static uint32_t write_link(const struct frame_spec *spec, uint8_t *bytes, uint16_t type)
{
	struct rte_ether_hdr ethernet = {.dst_addr = spec->to, .src_addr = spec->from};
	uint32_t count = sizeof(ethernet);

	ethernet.ether_type = rte_cpu_to_be_16(spec->tag_count > 0 ? RTE_ETHER_TYPE_VLAN : type);
	memcpy(bytes, &ethernet, sizeof(ethernet));
	for (uint8_t i = 0; i < spec->tag_count; i++) {
		const bool last = i + 1 == spec->tag_count;
		const struct rte_vlan_hdr tag = {
			.vlan_tci = rte_cpu_to_be_16(spec->tags[i]),
			.eth_proto = rte_cpu_to_be_16(last ? type : RTE_ETHER_TYPE_VLAN),
		};

		memcpy(&bytes[count], &tag, sizeof(tag));
		count += sizeof(tag);
	}
	return count;
}

void frame_set_checksums_v4(uint8_t *ip_packet)
{
	struct rte_ipv4_hdr *ip = (void *)ip_packet;
	struct rte_tcp_hdr *tcp = (void *)&ip_packet[rte_ipv4_hdr_len(ip)];

	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = 0;
	tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
}

uint32_t frame_build(const struct frame_spec *spec, uint8_t bytes[FRAME_BYTES_MAX])
{
	const uint32_t l4_bytes =
		(uint32_t)sizeof(struct rte_tcp_hdr) + spec->tcp_option_bytes + spec->payload_bytes;
	const bool is_ipv6 = strchr(spec->client, ':') != NULL;
	const uint32_t link_bytes =
		write_link(spec, bytes, is_ipv6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	uint8_t *ip = &bytes[link_bytes];
	const uint32_t ip_bytes =
		is_ipv6 ? write_ipv6(spec, ip, l4_bytes) : write_ipv4(spec, ip, l4_bytes);
	struct rte_tcp_hdr *tcp = (void *)&ip[ip_bytes];

	assert(link_bytes + ip_bytes + l4_bytes <= FRAME_BYTES_MAX);
	write_tcp(spec, (void *)tcp);
	if (is_ipv6)
		tcp->cksum = rte_ipv6_udptcp_cksum((void *)ip, tcp);
	else
		frame_set_checksums_v4(ip);
	return link_bytes + ip_bytes + l4_bytes;
}

struct frame_block {
	struct rte_mbuf_ext_shared_info shared;
	uint8_t *bytes;
};

static void block_free(void *bytes, void *context)
{
	free(bytes);
	free(context);
}

struct rte_mbuf *frame_to_mbuf_behind(struct rte_mempool *pool, uint16_t headroom,
				      const uint8_t *bytes, uint32_t count)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	const uint32_t room = headroom + count;
	struct frame_block *block;

	if (mbuf == NULL)
		return NULL;
	block = calloc(1, sizeof(*block));
	if (block == NULL)
		abort();
	/* malloc(0) may be NULL, which an mbuf does not take for a buffer. */
	block->bytes = malloc(room > 0 ? room : 1);
	if (block->bytes == NULL)
		abort();
	memcpy(&block->bytes[headroom], bytes, count);
	block->shared.free_cb = block_free;
	block->shared.fcb_opaque = block;
	rte_mbuf_ext_refcnt_set(&block->shared, 1);
	rte_pktmbuf_attach_extbuf(mbuf, block->bytes, 0, (uint16_t)room, &block->shared);
	mbuf->data_off = headroom;
	mbuf->data_len = (uint16_t)count;
	mbuf->pkt_len = count;
	return mbuf;
}

struct rte_mbuf *frame_to_mbuf(struct rte_mempool *pool, const uint8_t *bytes, uint32_t count)
{
	return frame_to_mbuf_behind(pool, 0, bytes, count);
}

struct rte_mbuf *frame_to_segments(struct rte_mempool *pool, uint16_t headroom,
				   const uint8_t *bytes, uint32_t count, uint32_t segment_bytes)
{
	uint32_t done = RTE_MIN(segment_bytes, count);
	struct rte_mbuf *head = frame_to_mbuf_behind(pool, headroom, bytes, done);

	while (head != NULL && done < count) {
		const uint32_t here = RTE_MIN(segment_bytes, count - done);
		struct rte_mbuf *segment = frame_to_mbuf(pool, &bytes[done], here);

		if (segment == NULL || rte_pktmbuf_chain(head, segment) < 0) {
			rte_pktmbuf_free(segment);
			rte_pktmbuf_free(head);
			return NULL;
		}
		done += here;
	}
	return head;
}
