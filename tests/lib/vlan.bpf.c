/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VLAN interface for kernels without one. TRUNK and VLAN are the ifindexes of the real
 * interface and of one that stands for the VLAN; OUTER and INNER its ids, INNER 0: one tag only.
 * "in" is attached to the trunk's ingress, "out" to the other's egress.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VID_MASK 0xfff

static int has_tag(const struct __sk_buff *skb, __u16 id)
{
	return skb->vlan_present && (skb->vlan_tci & VID_MASK) == id;
}

SEC("in")
int take_tags(struct __sk_buff *skb)
{
	if (!has_tag(skb, OUTER))
		return TC_ACT_UNSPEC;
	if (bpf_skb_vlan_pop(skb) != 0)
		return TC_ACT_SHOT;
	/* What is left must be the other tag, or none. */
	if (INNER == 0 ? skb->vlan_present : !has_tag(skb, INNER))
		return TC_ACT_SHOT;
	if (INNER != 0 && bpf_skb_vlan_pop(skb) != 0)
		return TC_ACT_SHOT;
	return bpf_redirect(VLAN, BPF_F_INGRESS);
}

SEC("out")
int put_tags(struct __sk_buff *skb)
{
	if (INNER != 0 && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), INNER) != 0)
		return TC_ACT_SHOT;
	if (bpf_skb_vlan_push(skb, bpf_htons(INNER != 0 ? ETH_P_8021AD : ETH_P_8021Q), OUTER) != 0)
		return TC_ACT_SHOT;
	return bpf_redirect(TRUNK, 0);
}

char terms[] SEC("license") = "BSD";
