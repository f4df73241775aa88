/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Translation of random packets: segments whole and in fragments, ICMP errors with quotes of
 * every length, options, extension headers, several mbuf segments. What must come out is the
 * same packet built with the other addresses, its checksums computed from scratch.
 */
#include "nat.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "../lib/frame.h"
#include "../lib/mbuf_unit.h"

#define ROUNDS		   20000
#define ICMP_BYTES	   8
#define QUOTED_TCP_BYTES   8 /* the least (RFC 792) */
#define PAYLOAD_BYTES_MAX  1200
#define NOISE_BYTES	   1600 /* header, options, payload, and what is not sent */
#define DESTINATION_HEADER 60	/* IPv6 extension header's number (RFC 8200, section 4.6) */

/* Everything in a packet but its addresses. */
struct sample {
	bool v4;
	bool is_error;
	uint8_t fragment;	     /* enum packet_fragment */
	uint32_t link_bytes;	     /* Ethernet, with up to two tags */
	uint32_t extra_bytes;	     /* IPv4 options, or an IPv6 destination options header */
	uint32_t quoted_extra_bytes; /* of the quoted packet */
	uint32_t tcp_option_bytes;
	uint32_t payload_bytes;
	uint32_t quoted_tcp_bytes; /* header and payload; at most what the packet has */
	uint32_t padding_bytes;
	uint32_t damaged_byte; /* counted from the frame's end, behind the checksums; 0: none */
	uint8_t noise[NOISE_BYTES];
};

struct ends {
	struct mr_addr source, destination;
	struct mr_addr quoted_source, quoted_destination;
};

static struct rte_mempool *mbufs;

static uint32_t random_below(uint32_t limit)
{
	return (uint32_t)lrand48() % limit;
}

/* RFC 1071, section 4.1, byte by byte; @sum is what comes before. */
static uint32_t add_up(uint32_t sum, const uint8_t *data, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		sum += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_16(uint8_t *field, uint32_t value)
{
	field[0] = (uint8_t)(value >> 8);
	field[1] = (uint8_t)value;
}

/* RFC 9293, section 3.1, and RFC 8200, section 8.1. */
static uint32_t add_up_pseudo(const struct sample *sample, const struct mr_addr *source,
			      const struct mr_addr *destination, uint8_t protocol, uint32_t bytes)
{
	const uint32_t skipped = sample->v4 ? 12 : 0;
	uint32_t sum = protocol + bytes;

	sum = add_up(sum, &source->bytes[skipped], 16 - skipped);
	return add_up(sum, &destination->bytes[skipped], 16 - skipped);
}

static uint32_t write_ipv4(const struct sample *sample, const struct mr_addr *source,
			   const struct mr_addr *destination, uint8_t protocol,
			   uint32_t extra_bytes, uint32_t l4_bytes, uint8_t *bytes)
{
	const uint32_t header_bytes = (uint32_t)sizeof(struct rte_ipv4_hdr) + extra_bytes;
	struct rte_ipv4_hdr ip = {
		.version_ihl = (uint8_t)(4 << 4 | header_bytes / 4),
		.type_of_service = sample->noise[0],
		.total_length = rte_cpu_to_be_16((uint16_t)(header_bytes + l4_bytes)),
		.packet_id = sample->noise[1],
		.time_to_live = sample->noise[2],
		.next_proto_id = protocol,
	};

	memcpy(&ip.src_addr, &source->bytes[12], sizeof(ip.src_addr));
	memcpy(&ip.dst_addr, &destination->bytes[12], sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	memcpy(&bytes[sizeof(ip)], sample->noise, extra_bytes);
	put_16(&bytes[offsetof(struct rte_ipv4_hdr, hdr_checksum)],
	       ~add_up(0, bytes, header_bytes));
	return header_bytes;
}

static uint32_t write_ipv6(const struct sample *sample, const struct mr_addr *source,
			   const struct mr_addr *destination, uint8_t protocol,
			   uint32_t extra_bytes, uint32_t l4_bytes, uint8_t *bytes)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(6U << 28 | sample->noise[0]),
		.payload_len = rte_cpu_to_be_16((uint16_t)(extra_bytes + l4_bytes)),
		.proto = extra_bytes > 0 ? DESTINATION_HEADER : protocol,
		.hop_limits = sample->noise[2],
	};

	memcpy(ip.src_addr, source->bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, destination->bytes, sizeof(ip.dst_addr));
	memcpy(bytes, &ip, sizeof(ip));
	if (extra_bytes > 0) {
		memcpy(&bytes[sizeof(ip)], sample->noise, extra_bytes);
		bytes[sizeof(ip)] = protocol;
		bytes[sizeof(ip) + 1] = (uint8_t)(extra_bytes / 8 - 1);
	}
	return (uint32_t)sizeof(ip) + extra_bytes;
}

/* Returns the bytes of the IP header with what belongs to it. */
static uint32_t write_ip(const struct sample *sample, const struct mr_addr *source,
			 const struct mr_addr *destination, uint8_t protocol, uint32_t extra_bytes,
			 uint32_t l4_bytes, uint8_t *bytes)
{
	if (sample->v4)
		return write_ipv4(sample, source, destination, protocol, extra_bytes, l4_bytes,
				  bytes);
	return write_ipv6(sample, source, destination, protocol, extra_bytes, l4_bytes, bytes);
}

static uint32_t tcp_bytes(const struct sample *sample)
{
	return (uint32_t)sizeof(struct rte_tcp_hdr) + sample->tcp_option_bytes +
	       sample->payload_bytes;
}

/* The first fragment's checksum is over the whole datagram: here, over what is not sent as well. */
static void write_tcp(const struct sample *sample, const struct mr_addr *source,
		      const struct mr_addr *destination, uint8_t *bytes)
{
	const uint32_t unsent_bytes = sample->fragment == FRAGMENT_FIRST ? 100 : 0;
	const uint32_t count = tcp_bytes(sample);
	uint8_t *checksum = &bytes[offsetof(struct rte_tcp_hdr, cksum)];
	uint32_t sum;

	memcpy(bytes, sample->noise, count);
	bytes[offsetof(struct rte_tcp_hdr, data_off)] =
		(uint8_t)((sizeof(struct rte_tcp_hdr) + sample->tcp_option_bytes) / 4 << 4);
	put_16(checksum, 0);
	sum = add_up_pseudo(sample, source, destination, IPPROTO_TCP, count + unsent_bytes);
	sum = add_up(sum, bytes, count);
	put_16(checksum, ~add_up(sum, &sample->noise[count], unsent_bytes));
}

/* Returns the bytes written. Of a checksum that is not there whole, what there is stays. */
static uint32_t write_quote(const struct sample *sample, const struct ends *ends, uint8_t *bytes)
{
	const uint32_t checksum_offset = offsetof(struct rte_tcp_hdr, cksum);
	const uint32_t ip_bytes =
		write_ip(sample, &ends->quoted_source, &ends->quoted_destination, IPPROTO_TCP,
			 sample->quoted_extra_bytes, tcp_bytes(sample), bytes);

	write_tcp(sample, &ends->quoted_source, &ends->quoted_destination, &bytes[ip_bytes]);
	if (sample->quoted_tcp_bytes == checksum_offset + 1)
		bytes[ip_bytes + checksum_offset] = sample->noise[0];
	return ip_bytes + sample->quoted_tcp_bytes;
}

/* Destination unreachable. Behind its end @bytes hold the rest of the quoted packet. */
static uint32_t write_icmp(const struct sample *sample, const struct ends *ends, uint8_t *bytes)
{
	const uint32_t count = ICMP_BYTES + write_quote(sample, ends, &bytes[ICMP_BYTES]);
	uint32_t sum = 0;

	memset(bytes, 0, ICMP_BYTES);
	bytes[0] = sample->v4 ? 3 : 1;
	if (!sample->v4)
		sum = add_up_pseudo(sample, &ends->source, &ends->destination, IPPROTO_ICMPV6,
				    count);
	put_16(&bytes[offsetof(struct rte_icmp_hdr, icmp_cksum)], ~add_up(sum, bytes, count));
	return count;
}

static uint32_t icmp_bytes(const struct sample *sample)
{
	return ICMP_BYTES +
	       (uint32_t)(sample->v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr)) +
	       sample->quoted_extra_bytes + sample->quoted_tcp_bytes;
}

/* Returns the frame's bytes. */
static uint32_t build(const struct sample *sample, const struct ends *ends, uint8_t *frame)
{
	uint32_t count = sample->link_bytes;

	memcpy(frame, sample->noise, count);
	if (sample->is_error) {
		count += write_ip(sample, &ends->source, &ends->destination,
				  sample->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, sample->extra_bytes,
				  icmp_bytes(sample), &frame[count]);
		count += write_icmp(sample, ends, &frame[count]);
	} else {
		count += write_ip(sample, &ends->source, &ends->destination, IPPROTO_TCP,
				  sample->extra_bytes, tcp_bytes(sample), &frame[count]);
		if (sample->fragment == FRAGMENT_LATER)
			memcpy(&frame[count], sample->noise, tcp_bytes(sample));
		else
			write_tcp(sample, &ends->source, &ends->destination, &frame[count]);
		count += tcp_bytes(sample);
	}
	memcpy(&frame[count], sample->noise, sample->padding_bytes);
	count += sample->padding_bytes;
	if (sample->damaged_byte > 0)
		frame[count - sample->damaged_byte] ^= 0x10;
	return count;
}

/* As parse leaves it, in up to three segments; the headers are in the first one. */
static struct packet to_packet(const struct sample *sample, const uint8_t *frame, uint32_t count)
{
	const uint32_t ip_bytes =
		(uint32_t)(sample->v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	struct packet packet = {
		.verdict = UNDECIDED,
		.kind = sample->is_error ? PACKET_ICMP_ERROR : PACKET_TCP,
		.fragment = sample->fragment,
		.l3_offset = (uint16_t)sample->link_bytes,
		.l4_offset = (uint16_t)(sample->link_bytes + ip_bytes + sample->extra_bytes),
	};
	uint32_t first, second;

	packet.l3_bytes = count - sample->link_bytes - sample->padding_bytes;
	packet.l4_bytes = (uint16_t)(count - packet.l4_offset - sample->padding_bytes);
	first = packet.l4_offset;
	if (sample->is_error) {
		packet.quote_offset = (uint16_t)(packet.l4_offset + ICMP_BYTES);
		packet.quote_l4_offset =
			(uint16_t)(packet.quote_offset + ip_bytes + sample->quoted_extra_bytes);
		first = packet.quote_l4_offset + QUOTED_TCP_BYTES;
	} else if (sample->fragment != FRAGMENT_LATER) {
		first += (uint32_t)sizeof(struct rte_tcp_hdr);
	}
	/* Short middle segments, so that the cut often runs through a quoted checksum. */
	first += random_below(RTE_MIN(count - first, 24U) + 1);
	second = first + random_below(RTE_MIN(count - first, 24U) + 1);
	packet.mbuf = frame_to_mbuf(mbufs, frame, first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(packet.mbuf);
	if (second > first)
		rte_pktmbuf_chain(packet.mbuf, frame_to_mbuf(mbufs, &frame[first], second - first));
	if (count > second)
		rte_pktmbuf_chain(packet.mbuf,
				  frame_to_mbuf(mbufs, &frame[second], count - second));
	return packet;
}

static void assert_frame(const struct packet *packet, const uint8_t *expected, uint32_t count)
{
	uint8_t copy[FRAME_BYTES_MAX];
	const uint8_t *frame;

	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_pkt_len(packet->mbuf), count);
	frame = rte_pktmbuf_read(packet->mbuf, 0, count, copy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	for (uint32_t i = 0; i < count; i++) {
		if (frame[i] == expected[i])
			continue;
		printf("\nbyte %u is %02x, not %02x (IP at %u, above it at %u, quote at %u)\n", i,
		       frame[i], expected[i], packet->l3_offset, packet->l4_offset,
		       packet->quote_offset);
		CU_FAIL_FATAL("frame differs");
	}
}

static void random_address(bool v4, struct mr_addr *out)
{
	uint8_t bytes[16];

	/* Zeros and ones here and there, where one's complement is treacherous. */
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(random_below(4) == 0 ? -random_below(2) : random_below(256));
	bytes[0] = 0x20;
	*out = v4 ? mr_addr_from_v4(bytes) : mr_addr_from_v6(bytes);
}

static struct sample random_sample(bool is_error)
{
	struct sample sample = {
		.v4 = random_below(2),
		.is_error = is_error,
		.fragment = (uint8_t)(is_error ? FRAGMENT_NONE : random_below(3)),
		.link_bytes = RTE_ETHER_HDR_LEN + 4 * random_below(3),
		.tcp_option_bytes = 4 * random_below(11),
		.payload_bytes = random_below(PAYLOAD_BYTES_MAX),
		.padding_bytes = random_below(3) == 0 ? random_below(20) : 0,
	};

	sample.extra_bytes = sample.v4 ? 4 * random_below(11) : 8 * random_below(11);
	sample.quoted_extra_bytes = sample.v4 ? 4 * random_below(11) : 8 * random_below(11);
	sample.quoted_tcp_bytes =
		QUOTED_TCP_BYTES + random_below(tcp_bytes(&sample) - QUOTED_TCP_BYTES + 1);
	for (unsigned int i = 0; i < sizeof(sample.noise); i++)
		sample.noise[i] = (uint8_t)lrand48();
	return sample;
}

/* The backend, or the service, and others that have no part in the translation. */
struct cast {
	struct mr_addr client, router, service, backend;
};

static struct cast random_cast(bool v4)
{
	struct cast cast;

	random_address(v4, &cast.client);
	random_address(v4, &cast.router);
	random_address(v4, &cast.service);
	random_address(v4, &cast.backend);
	return cast;
}

static void assert_to_backend(const struct sample *sample, const struct cast *cast)
{
	const struct mr_backend backend = {.address = cast->backend};
	const struct ends before = {sample->is_error ? cast->router : cast->client, cast->service,
				    cast->service, cast->client};
	const struct ends after = {before.source, cast->backend, cast->backend, cast->client};
	uint8_t frame[FRAME_BYTES_MAX], expected[FRAME_BYTES_MAX];
	const uint32_t count = build(sample, &before, frame);
	struct packet packet = to_packet(sample, frame, count);

	CU_ASSERT_EQUAL(build(sample, &after, expected), count);
	CU_ASSERT(nat_to_backend(&packet, &backend));
	assert_frame(&packet, expected, count);
	rte_pktmbuf_free(packet.mbuf);
}

/* @source: of an error; otherwise it is the backend. */
static void assert_to_client(const struct sample *sample, const struct cast *cast,
			     const struct mr_addr *source)
{
	const struct mr_nat_source nat_source = {.address = cast->backend,
						 .service_address = cast->service};
	const struct ends before = {*source, cast->client, cast->client, cast->backend};
	const struct ends after = {mr_addr_equal(source, &cast->backend) ? cast->service : *source,
				   cast->client, cast->client, cast->service};
	uint8_t frame[FRAME_BYTES_MAX], expected[FRAME_BYTES_MAX];
	const uint32_t count = build(sample, &before, frame);
	struct packet packet = to_packet(sample, frame, count);

	packet.nat_source = &nat_source;
	CU_ASSERT_EQUAL(build(sample, &after, expected), count);
	nat_to_client(&packet);
	assert_frame(&packet, expected, count);
	rte_pktmbuf_free(packet.mbuf);
}

static void assert_all_ways(const struct sample *sample, const struct cast *cast)
{
	assert_to_backend(sample, cast);
	assert_to_client(sample, cast, &cast->backend);
	if (sample->is_error)
		assert_to_client(sample, cast, &cast->router);
}

static void test_random_tcp(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct sample sample = random_sample(false);
		const struct cast cast = random_cast(sample.v4);

		assert_all_ways(&sample, &cast);
	}
}

static void test_random_errors(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct sample sample = random_sample(true);
		const struct cast cast = random_cast(sample.v4);

		assert_all_ways(&sample, &cast);
	}
}

/* From the 8 bytes that are the least to the whole segment, odd ends as well. */
static void test_every_quote_length(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct sample sample = random_sample(true);
		const struct cast cast = random_cast(sample.v4);

		sample.payload_bytes = 201;
		for (uint32_t bytes = QUOTED_TCP_BYTES; bytes <= tcp_bytes(&sample); bytes++) {
			sample.quoted_tcp_bytes = bytes;
			assert_all_ways(&sample, &cast);
		}
	}
}

/* A TCP checksum of 0 is one like any other, and never turns into 0xffff. */
static void make_checksum_zero(struct sample *sample, const struct mr_addr *source,
			       const struct mr_addr *destination)
{
	const uint32_t at = sizeof(struct rte_tcp_hdr) + sample->tcp_option_bytes;
	uint8_t segment[FRAME_BYTES_MAX];
	uint8_t *checksum = &segment[offsetof(struct rte_tcp_hdr, cksum)];

	put_16(&sample->noise[at], 0);
	write_tcp(sample, source, destination, segment);
	memcpy(&sample->noise[at], checksum, sizeof(rte_be16_t));
	write_tcp(sample, source, destination, segment);
	CU_ASSERT_EQUAL(checksum[0] | checksum[1], 0);
}

static void test_checksum_of_zero(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		struct sample sample = random_sample(i % 2);
		const struct cast cast = random_cast(sample.v4);

		sample.payload_bytes += 2;
		make_checksum_zero(&sample, &cast.client, &cast.service);
		assert_to_backend(&sample, &cast);
		make_checksum_zero(&sample, &cast.client, &cast.backend);
		assert_to_backend(&sample, &cast);
		make_checksum_zero(&sample, &cast.backend, &cast.client);
		assert_to_client(&sample, &cast, &cast.backend);
		make_checksum_zero(&sample, &cast.service, &cast.client);
		assert_to_client(&sample, &cast, &cast.backend);
	}
}

/* What was damaged on the way is not whitewashed: the checksum stays wrong by as much. */
static void test_damage_stays(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		struct sample sample = random_sample(i % 2);
		const struct cast cast = random_cast(sample.v4);

		sample.padding_bytes = 0;
		sample.payload_bytes += 1;
		sample.quoted_tcp_bytes = tcp_bytes(&sample);
		sample.damaged_byte = 1 + random_below(sample.payload_bytes);
		assert_all_ways(&sample, &cast);
	}
}

static void test_other_family(void)
{
	for (unsigned int i = 0; i < 100; i++) {
		const struct sample sample = random_sample(i % 2);
		const struct cast cast = random_cast(sample.v4);
		const struct mr_backend backend = {.address = random_cast(!sample.v4).backend};
		const struct ends ends = {cast.client, cast.service, cast.service, cast.client};
		uint8_t frame[FRAME_BYTES_MAX];
		const uint32_t count = build(&sample, &ends, frame);
		struct packet packet = to_packet(&sample, frame, count);

		CU_ASSERT_FALSE(nat_to_backend(&packet, &backend));
		assert_frame(&packet, frame, count);
		rte_pktmbuf_free(packet.mbuf);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_random_tcp),
		UNIT_TEST(test_random_errors),
		UNIT_TEST(test_every_quote_length),
		UNIT_TEST(test_checksum_of_zero),
		UNIT_TEST(test_damage_stays),
		UNIT_TEST(test_other_family),
		CU_TEST_INFO_NULL,
	};

	srand48(unit_seed());
	return mbuf_unit_run("nat", tests, &mbufs);
}
