/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Steering for AF_XDP ports: hands mailrail's frames to the socket of the receive queue they
 * arrived on, and everything else to the kernel. Those of a queue without a socket, as all are
 * once mailraild was killed, pass too, and meet the guard: steer_tc.bpf.c.
 * The only program of its object, because net_af_xdp attaches the first one it finds.
 */
#include <linux/bpf.h>

typedef struct xdp_md steer_context;

#include "steer.h"

/* net_af_xdp enters its sockets here, by queue; it looks the map up by this name. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

static __always_inline bool steer_load(steer_context *context, __u32 offset, void *to, __u32 bytes)
{
	const __u8 *at;

	/* For the verifier: that the sum below cannot overflow. */
	barrier_var(offset);
	at = (const __u8 *)(long)context->data + (offset & STEER_OFFSET_MAX);
	if (at + bytes > (const __u8 *)(long)context->data_end)
		return false;
	__builtin_memcpy(to, at, bytes);
	return true;
}

SEC("xdp")
int mailrail_steer(struct xdp_md *frame)
{
	struct steer_link link = {0};

	if (!steer_wants(frame, frame->data_end - frame->data, &link))
		return XDP_PASS;
	return bpf_redirect_map(&xsks_map, frame->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "Dual BSD/GPL";
