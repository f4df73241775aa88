/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <assert.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "stamp.h"

#define FRAME_MIN (RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN)
#define LINE	  72

/* MSS 1460, SACK permitted, timestamps, no-operation, window scale 7 (RFC 9293, 2018, 7323). */
static const uint8_t syn_options[20] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, [16] = 1, 3, 3, 7};
/* Two no-operations and timestamps (RFC 7323, appendix A). */
static const uint8_t segment_options[12] = {1, 1, 8, 10};

static void init_link(struct wire *wire, const struct wire_config *config)
{
	struct rte_ether_hdr *ethernet = (void *)wire->link;
	uint8_t *type = &wire->link[offsetof(struct rte_ether_hdr, ether_type)];
	rte_be16_t words[2];

	ethernet->dst_addr = config->to;
	ethernet->src_addr = config->from;
	for (uint32_t i = 0; i < config->vlan_count; i++) {
		words[0] = i + 1 < config->vlan_count ? RTE_BE16(RTE_ETHER_TYPE_QINQ)
						      : RTE_BE16(RTE_ETHER_TYPE_VLAN);
		words[1] = rte_cpu_to_be_16(config->vlan[i]);
		memcpy(type, words, sizeof(words));
		type += sizeof(words);
	}
	words[0] = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	memcpy(type, words, sizeof(words[0]));
	wire->link_bytes = (uint32_t)(type + sizeof(words[0]) - wire->link);
}

static void init_text(struct wire *wire)
{
	for (uint32_t i = 0; i < WIRE_PAYLOAD_MAX; i++)
		wire->text[i] = (uint8_t)('a' + i % LINE % 26);
	for (uint32_t i = LINE; i <= WIRE_PAYLOAD_MAX; i += LINE)
		memcpy(&wire->text[i - 2], "\r\n", 2);
	for (uint32_t i = 0; i < WIRE_PAYLOAD_MAX / 2; i++) {
		uint16_t word;

		memcpy(&word, &wire->text[i * 2], sizeof(word));
		wire->text_sums[i + 1] = wire->text_sums[i] + word;
	}
}

void wire_init(struct wire *wire, const struct wire_config *config)
{
	*wire = (struct wire){.timestamps = config->timestamps};
	init_link(wire, config);
	init_text(wire);
}

/* Sums of 32-bit words fold to the same as those of 16-bit words (RFC 1071, section 2 (C)). */
static inline uint64_t sum_words(const void *data, uint32_t bytes)
{
	uint64_t sum = 0;
	uint32_t word;

	for (uint32_t i = 0; i < bytes; i += sizeof(word)) {
		memcpy(&word, (const uint8_t *)data + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static inline uint16_t finish(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* The text's sum from @begin, which is even, to @end. */
static inline uint64_t sum_text(const struct wire *wire, uint32_t begin, uint32_t end)
{
	uint64_t sum = wire->text_sums[end / 2] - wire->text_sums[begin / 2];
	uint16_t last = 0;

	memcpy(&last, &wire->text[end - 1 + (end == 0)], end & 1);
	return sum + last;
}

static inline uint32_t write_v4(const struct planned *planned, const struct mr_tuple *tuple,
				uint32_t tcp_bytes, uint8_t *at)
{
	struct rte_ipv4_hdr *ip = (void *)at;

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + tcp_bytes)),
		.packet_id = rte_cpu_to_be_16((uint16_t)planned->number),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
	};
	memcpy(&ip->src_addr, &tuple->client.bytes[12], sizeof(ip->src_addr));
	memcpy(&ip->dst_addr, &tuple->service.bytes[12], sizeof(ip->dst_addr));
	ip->hdr_checksum = finish(sum_words(ip, sizeof(*ip)));
	return sizeof(*ip);
}

static inline uint32_t write_v6(const struct mr_tuple *tuple, uint32_t tcp_bytes, uint8_t *at)
{
	struct rte_ipv6_hdr *ip = (void *)at;

	ip->vtc_flow = RTE_BE32(UINT32_C(6) << 28);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)tcp_bytes);
	ip->proto = IPPROTO_TCP;
	ip->hop_limits = 64;
	memcpy(ip->src_addr, tuple->client.bytes, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, tuple->service.bytes, sizeof(ip->dst_addr));
	return sizeof(*ip);
}

/* Returns their size. */
static inline uint32_t write_options(const struct wire *wire, const struct planned *planned,
				     uint64_t time, uint8_t *at)
{
	const bool syn = (planned->tcp_flags & RTE_TCP_SYN_FLAG) != 0;
	const uint32_t bytes = syn ? sizeof(syn_options) : sizeof(segment_options);
	const rte_be32_t value = rte_cpu_to_be_32((uint32_t)(time >> 21));

	if (!wire->timestamps)
		return 0;
	memcpy(at, syn ? syn_options : segment_options, bytes);
	memcpy(&at[syn ? 8 : 4], &value, sizeof(value));
	return bytes;
}

/* Writes what the segment's stamp and headers leave, and returns the sum of the payload. */
static inline uint64_t write_payload(const struct wire *wire, const struct planned *planned,
				     uint32_t bytes, uint64_t time, struct rte_tcp_hdr *tcp,
				     uint8_t *at)
{
	if (bytes < STAMP_BYTES) {
		stamp_write_header(tcp, planned->session, planned->number, time);
		memcpy(at, wire->text, bytes);
		return sum_text(wire, 0, bytes);
	}
	stamp_write_payload(at, planned->session, planned->number, time);
	memcpy(&at[STAMP_BYTES], &wire->text[STAMP_BYTES], bytes - STAMP_BYTES);
	return sum_words(at, STAMP_BYTES) + sum_text(wire, STAMP_BYTES, bytes);
}

static inline uint64_t sum_pseudo_header(const struct mr_tuple *tuple, bool v4, uint32_t tcp_bytes)
{
	const uint32_t skip = v4 ? 12 : 0;

	return sum_words(&tuple->client.bytes[skip], 16 - skip) +
	       sum_words(&tuple->service.bytes[skip], 16 - skip) + RTE_BE16(IPPROTO_TCP) +
	       rte_cpu_to_be_16((uint16_t)tcp_bytes);
}

/* @header_bytes: of all headers but VLAN tags. */
static inline uint32_t payload_bytes_of(const struct planned *planned, uint32_t header_bytes)
{
	if (planned->frame_bytes == 0)
		return planned->payload_bytes;
	return planned->frame_bytes > header_bytes ? planned->frame_bytes - header_bytes : 0;
}

uint32_t wire_write(const struct wire *wire, const struct planned *planned,
		    const struct mr_tuple *tuple, uint64_t time, uint8_t *frame)
{
	const bool v4 = mr_addr_is_v4(&tuple->client);
	const uint32_t ip_bytes = v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	struct rte_tcp_hdr *tcp = (void *)&frame[wire->link_bytes + ip_bytes];
	uint32_t header_bytes, payload_bytes, bytes;
	uint64_t sum;

	memcpy(frame, wire->link, sizeof(wire->link));
	*tcp = (struct rte_tcp_hdr){
		.src_port = tuple->client_port,
		.dst_port = tuple->service_port,
		.sent_seq = rte_cpu_to_be_32(planned->session + planned->offset),
		.recv_ack = RTE_BE32(1),
		.tcp_flags = planned->tcp_flags,
		.rx_win = RTE_BE16(UINT16_MAX),
	};
	header_bytes =
		(uint32_t)sizeof(*tcp) + write_options(wire, planned, time, (void *)(tcp + 1));
	tcp->data_off = (uint8_t)(header_bytes / 4 << 4);
	payload_bytes = payload_bytes_of(planned, RTE_ETHER_HDR_LEN + ip_bytes + header_bytes);
	sum = write_payload(wire, planned, payload_bytes, time, tcp,
			    &frame[wire->link_bytes + ip_bytes + header_bytes]);
	bytes = header_bytes + payload_bytes;
	sum += sum_words(tcp, header_bytes) + sum_pseudo_header(tuple, v4, bytes);
	tcp->cksum = finish(sum);
	if (v4) {
		bytes += write_v4(planned, tuple, bytes, &frame[wire->link_bytes]);
	} else {
		bytes += write_v6(tuple, bytes, &frame[wire->link_bytes]);
		frame[wire->link_bytes - 2] = RTE_ETHER_TYPE_IPV6 >> 8;
		frame[wire->link_bytes - 1] = RTE_ETHER_TYPE_IPV6 & 0xff;
	}
	bytes += wire->link_bytes;
	if (bytes < FRAME_MIN) {
		memset(&frame[bytes], 0, FRAME_MIN - bytes);
		bytes = FRAME_MIN;
	}
	return bytes;
}
