/* SPDX-License-Identifier: BSD-3-Clause */
#include "dissect.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

/* What is left of the frame. */
struct rest {
	const uint8_t *at;
	uint32_t bytes;
};

static bool skip(struct rest *rest, uint32_t bytes)
{
	if (rest->bytes < bytes)
		return false;
	rest->at += bytes;
	rest->bytes -= bytes;
	return true;
}

static bool cut_to(struct rest *rest, uint32_t bytes)
{
	if (rest->bytes < bytes)
		return false;
	rest->bytes = bytes;
	return true;
}

static bool skip_link(struct rest *rest, struct rte_ether_addr *out_to)
{
	const struct rte_ether_hdr *ethernet = (const void *)rest->at;
	rte_be16_t type;

	if (!skip(rest, sizeof(*ethernet)))
		return false;
	*out_to = ethernet->dst_addr;
	type = ethernet->ether_type;
	for (int tags = 0; tags < 2; tags++) {
		const struct rte_vlan_hdr *vlan = (const void *)rest->at;

		if (type != RTE_BE16(RTE_ETHER_TYPE_VLAN) && type != RTE_BE16(RTE_ETHER_TYPE_QINQ))
			break;
		if (!skip(rest, sizeof(*vlan)))
			return false;
		type = vlan->eth_proto;
	}
	return type == RTE_BE16(RTE_ETHER_TYPE_IPV4) || type == RTE_BE16(RTE_ETHER_TYPE_IPV6);
}

static bool skip_v4(struct rest *rest, uint8_t *out_protocol, struct mr_addr *out_to)
{
	const struct rte_ipv4_hdr *ip = (const void *)rest->at;
	const uint32_t fragment = RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK;

	if (rest->bytes < sizeof(*ip) || !cut_to(rest, rte_be_to_cpu_16(ip->total_length)))
		return false;
	if ((rte_be_to_cpu_16(ip->fragment_offset) & fragment) != 0)
		return false;
	*out_protocol = ip->next_proto_id;
	*out_to = mr_addr_from_v4(&ip->dst_addr);
	return rte_ipv4_hdr_len(ip) >= sizeof(*ip) && skip(rest, rte_ipv4_hdr_len(ip));
}

static bool skip_v6(struct rest *rest, uint8_t *out_protocol, struct mr_addr *out_to)
{
	const struct rte_ipv6_hdr *ip = (const void *)rest->at;

	if (!skip(rest, sizeof(*ip)) || !cut_to(rest, rte_be_to_cpu_16(ip->payload_len)))
		return false;
	*out_protocol = ip->proto;
	*out_to = mr_addr_from_v6(ip->dst_addr);
	return true;
}

static bool skip_ip(struct rest *rest, uint8_t *out_protocol, struct mr_addr *out_to)
{
	if (rest->bytes == 0)
		return false;
	switch (rest->at[0] >> 4) {
	case 4:
		return skip_v4(rest, out_protocol, out_to);
	case 6:
		return skip_v6(rest, out_protocol, out_to);
	default:
		return false;
	}
}

/* Variant 1 is the inner IP header itself, told by its version; variant 0 has a header. */
static bool skip_gue(struct rest *rest, uint16_t gue_port)
{
	const struct rte_udp_hdr *udp = (const void *)rest->at;

	if (!skip(rest, sizeof(*udp)) || udp->dst_port != rte_cpu_to_be_16(gue_port))
		return false;
	if (rest->bytes == 0 || rest->at[0] >> 6 != 0)
		return rest->bytes > 0;
	return skip(rest, 4 + 4 * (rest->at[0] & 0x1fU));
}

/* True: another IP header follows. */
static bool skip_tunnel(struct rest *rest, uint8_t protocol, uint16_t gue_port)
{
	switch (protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return true;
	case IPPROTO_GRE:
		return rest->bytes >= 4 && rest->at[0] == 0 && rest->at[1] == 0 && skip(rest, 4);
	case IPPROTO_UDP:
		return skip_gue(rest, gue_port);
	default:
		return false;
	}
}

bool dissect(const uint8_t *frame, uint32_t bytes, uint16_t gue_port, struct dissected *out)
{
	struct rest rest = {frame, bytes};
	uint8_t protocol;
	uint32_t header_bytes;

	if (!skip_link(&rest, &out->to) || !skip_ip(&rest, &protocol, &out->outer))
		return false;
	out->inner = out->outer;
	if (protocol != IPPROTO_TCP &&
	    (!skip_tunnel(&rest, protocol, gue_port) || !skip_ip(&rest, &protocol, &out->inner)))
		return false;
	out->tcp = (const void *)rest.at;
	if (protocol != IPPROTO_TCP || rest.bytes < sizeof(*out->tcp))
		return false;
	header_bytes = (out->tcp->data_off >> 4) * 4U;
	if (header_bytes < sizeof(*out->tcp) || !skip(&rest, header_bytes))
		return false;
	out->payload = rest.at;
	out->payload_bytes = rest.bytes;
	return true;
}
