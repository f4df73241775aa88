/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The guard of kernel ports: drops mailrail's frames at the ingress hook, for the kernel must not
 * answer them with a reset of its own. AF_PACKET has copied them by then. XDP has handed them
 * over before, so that on AF_XDP ports they come here only while mailraild does not run, or is
 * not ready yet; that is what they are dropped for.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

typedef struct __sk_buff steer_context;

#include "steer.h"

/* linux/if_packet.h is not for BPF: addressed to this interface. */
#define STEER_PACKET_HOST 0

static __always_inline bool steer_load(steer_context *context, __u32 offset, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes(context, offset, to, bytes) == 0;
}

SEC("tc")
int mailrail_hide(struct __sk_buff *frame)
{
	struct steer_link link = {0};

	/* What is another station's may be a bridge's to forward; workers do not want it. */
	if (frame->pkt_type != STEER_PACKET_HOST)
		return TC_ACT_UNSPEC;
	/* The outer tag is not in the frame: the kernel or the card has taken it off. */
	if (frame->vlan_present)
		steer_add_tag(&link, frame->vlan_tci);
	return steer_wants(frame, frame->len, &link) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
