/* SPDX-License-Identifier: BSD-3-Clause */
#include "head.h"

#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

static_assert(RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + offsetof(struct rte_ipv4_hdr, next_proto_id) <
		      HEAD_BYTES,
	      "a head reaches to the protocol");

static void expect(struct head *head, uint32_t offset, uint16_t value, uint16_t mask)
{
	const rte_be16_t wire_value = rte_cpu_to_be_16(value);
	const rte_be16_t wire_mask = rte_cpu_to_be_16(mask);

	memcpy((uint8_t *)head->value + offset, &wire_value, sizeof(wire_value));
	memcpy((uint8_t *)head->mask + offset, &wire_mask, sizeof(wire_mask));
}

/* Whatever priority the tags carry. Returns the offset of what follows. */
static uint16_t expect_link(struct head *head, const struct rte_ether_addr *mac,
			    const uint16_t *tags, uint32_t tag_count, uint16_t type)
{
	uint32_t offset = offsetof(struct rte_ether_hdr, ether_type);

	memcpy(head->value, mac, sizeof(*mac));
	memset(head->mask, 0xff, sizeof(*mac));
	for (uint32_t i = 0; i < tag_count; i++) {
		const bool is_outer = i + 1 < tag_count;

		expect(head, offset, is_outer ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN,
		       UINT16_MAX);
		expect(head, offset + sizeof(rte_be16_t), tags[i], RTE_ETHER_MAX_VLAN_ID);
		offset += RTE_VLAN_HLEN;
	}
	expect(head, offset, type, UINT16_MAX);
	return (uint16_t)(offset + sizeof(type));
}

void heads_of(const struct rte_ether_addr *mac, const uint16_t *tags, uint32_t tag_count,
	      struct heads *out)
{
	uint32_t ip;

	*out = (struct heads){0};
	ip = out->l3_offset = expect_link(&out->v4, mac, tags, tag_count, RTE_ETHER_TYPE_IPV4);
	expect(&out->v4, ip, RTE_IPV4_VHL_DEF << 8, 0xff00);
	expect(&out->v4, ip + offsetof(struct rte_ipv4_hdr, fragment_offset), 0,
	       RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	expect(&out->v4, ip + offsetof(struct rte_ipv4_hdr, time_to_live), IPPROTO_TCP, 0x00ff);

	expect_link(&out->v6, mac, tags, tag_count, RTE_ETHER_TYPE_IPV6);
	expect(&out->v6, ip, 6 << 12, 0xf000);
	expect(&out->v6, ip + offsetof(struct rte_ipv6_hdr, proto), IPPROTO_TCP << 8, 0xff00);
}
