/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Steering for AF_XDP ports: hands mailrail's frames to the socket of the receive queue they
 * arrived on, and everything else to the kernel. A queue without a socket is the kernel's too.
 * The only program of its object, because net_af_xdp attaches the first one it finds.
 */
#include "steer.h"

/* net_af_xdp enters its sockets here, by queue; it looks the map up by this name. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

SEC("xdp")
int mailrail_steer(struct xdp_md *frame)
{
	const void *data = (const void *)(long)frame->data;
	const void *end = (const void *)(long)frame->data_end;

	if (!steer_wants(data, end, end - data))
		return XDP_PASS;
	return bpf_redirect_map(&xsks_map, frame->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
