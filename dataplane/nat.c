/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat.h"

#include <stddef.h>

#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "checksum.h"

enum end {
	SOURCE,
	DESTINATION,
};

static uint8_t *address_field(uint8_t *ip, bool v4, enum end end)
{
	static const uint8_t offsets[2][2] = {
		{offsetof(struct rte_ipv6_hdr, src_addr), offsetof(struct rte_ipv6_hdr, dst_addr)},
		{offsetof(struct rte_ipv4_hdr, src_addr), offsetof(struct rte_ipv4_hdr, dst_addr)},
	};

	return &ip[offsets[v4][end]];
}

static uint32_t address_bytes(bool v4)
{
	return v4 ? sizeof(rte_be32_t) : sizeof(struct mr_addr);
}

/* An IPv4 address is the tail of its mapped form. */
static const uint8_t *address_on_wire(const struct mr_addr *address, bool v4)
{
	return &address->bytes[sizeof(address->bytes) - address_bytes(v4)];
}

/* Returns the change, for the checksums that cover the address. IPv4's own is done here. */
static uint32_t set_address(uint8_t *ip, bool v4, enum end end, const struct mr_addr *address)
{
	uint8_t *field = address_field(ip, v4, end);
	const uint8_t *wanted = address_on_wire(address, v4);
	const uint32_t change = checksum_change(field, wanted, address_bytes(v4));

	memcpy(field, wanted, address_bytes(v4));
	if (v4)
		checksum_update(&ip[offsetof(struct rte_ipv4_hdr, hdr_checksum)], change);
	return change;
}

/* Only the headers that parse looked at are sure to be in the first segment. */
static uint8_t *byte_at(struct rte_mbuf *mbuf, uint32_t offset)
{
	while (offset >= rte_pktmbuf_data_len(mbuf)) {
		offset -= rte_pktmbuf_data_len(mbuf);
		mbuf = mbuf->next;
	}
	return rte_pktmbuf_mtod_offset(mbuf, uint8_t *, offset);
}

/*
 * The quoted packet's TCP checksum, of which an error need not quote that much (RFC 792). Returns
 * what its own change means to the ICMP checksum.
 */
static uint32_t update_quoted_tcp(const struct packet *packet, uint32_t change)
{
	const uint32_t offset = packet->quote_l4_offset + offsetof(struct rte_tcp_hdr, cksum);
	uint8_t before[sizeof(rte_be16_t)], after[sizeof(rte_be16_t)];
	uint8_t *high, *low;

	if (offset + sizeof(before) > (uint32_t)packet->l4_offset + packet->l4_bytes)
		return 0;
	high = byte_at(packet->mbuf, offset);
	low = byte_at(packet->mbuf, offset + 1);
	before[0] = after[0] = *high;
	before[1] = after[1] = *low;
	checksum_update(after, change);
	*high = after[0];
	*low = after[1];
	return checksum_change(before, after, sizeof(after));
}

/*
 * Returns what it means to the ICMP checksum, which covers the whole quote. A quoted IPv4 header
 * means nothing to it: what its address adds, its own checksum takes away.
 */
static uint32_t translate_quote(struct packet *packet, bool v4, enum end end,
				const struct mr_addr *address)
{
	uint8_t *ip = &packet_bytes(packet)[packet->quote_offset];
	const uint32_t change = set_address(ip, v4, end, address);
	const uint32_t tcp_change = update_quoted_tcp(packet, change);

	return v4 ? tcp_change : change + tcp_change;
}

/* The checksum is at the same place in ICMPv6 (RFC 4443), which covers the addresses as well. */
static void update_icmp(struct packet *packet, uint32_t change)
{
	uint8_t *icmp = &packet_bytes(packet)[packet->l4_offset];

	checksum_update(&icmp[offsetof(struct rte_icmp_hdr, icmp_cksum)], change);
}

/* Later fragments have no TCP header; the first one's checksum covers the addresses for all. */
static void translate_tcp(struct packet *packet, bool v4, enum end end,
			  const struct mr_addr *address)
{
	uint8_t *frame = packet_bytes(packet);
	const uint32_t change = set_address(&frame[packet->l3_offset], v4, end, address);

	if (packet->fragment != FRAGMENT_LATER)
		checksum_update(&frame[packet->l4_offset + offsetof(struct rte_tcp_hdr, cksum)],
				change);
}

static void translate_error_to_backend(struct packet *packet, bool v4,
				       const struct mr_addr *address)
{
	uint8_t *ip = &packet_bytes(packet)[packet->l3_offset];
	const uint32_t outer_change = set_address(ip, v4, DESTINATION, address);
	const uint32_t quote_change = translate_quote(packet, v4, SOURCE, address);

	update_icmp(packet, v4 ? quote_change : outer_change + quote_change);
}

static void translate_error_to_client(struct packet *packet, bool v4,
				      const struct mr_nat_source *source)
{
	uint8_t *ip = &packet_bytes(packet)[packet->l3_offset];
	uint32_t change = translate_quote(packet, v4, DESTINATION, &source->service_address);
	uint32_t outer_change;

	if (memcmp(address_field(ip, v4, SOURCE), address_on_wire(&source->address, v4),
		   address_bytes(v4)) == 0) {
		outer_change = set_address(ip, v4, SOURCE, &source->service_address);
		if (!v4)
			change += outer_change;
	}
	update_icmp(packet, change);
}

bool nat_to_backend(struct packet *packet, const struct mr_backend *backend)
{
	const bool v4 = packet_is_v4(packet);

	if (v4 != mr_addr_is_v4(&backend->address))
		return false;
	switch ((enum packet_kind)packet->kind) {
	case PACKET_TCP:
		translate_tcp(packet, v4, DESTINATION, &backend->address);
		break;
	case PACKET_ICMP_ERROR:
		translate_error_to_backend(packet, v4, &backend->address);
		break;
	}
	return true;
}

void nat_to_client(struct packet *packet)
{
	const struct mr_nat_source *source = packet->nat_source;
	const bool v4 = packet_is_v4(packet);

	switch ((enum packet_kind)packet->kind) {
	case PACKET_TCP:
		translate_tcp(packet, v4, SOURCE, &source->service_address);
		break;
	case PACKET_ICMP_ERROR:
		translate_error_to_client(packet, v4, source);
		break;
	}
}
