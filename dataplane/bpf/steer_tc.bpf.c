/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Steering for af_packet ports: drops mailrail's frames at the ingress hook. AF_PACKET has
 * copied them by then, and the kernel must not answer them with a reset of its own.
 */
#include "steer.h"

#include <linux/pkt_cls.h>

/* The longest headers that steer_wants() reads: IPv4 with all options, and TCP. */
#define HEADERS_MAX (sizeof(struct ethhdr) + 60 + sizeof(struct tcphdr))

SEC("tc")
int mailrail_hide(struct __sk_buff *frame)
{
	const void *data;
	const void *end;

	/* A tag that the kernel or the card took off the frame counts as a tag. */
	if (frame->vlan_present)
		return TC_ACT_UNSPEC;
	if (bpf_skb_pull_data(frame, frame->len < HEADERS_MAX ? frame->len : HEADERS_MAX) != 0)
		return TC_ACT_UNSPEC;
	data = (const void *)(long)frame->data;
	end = (const void *)(long)frame->data_end;
	return steer_wants(data, end, frame->len) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
