/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Adds up the time in softirqs by the process that they came on top of. That is what a kernel
 * without CONFIG_IRQ_TIME_ACCOUNTING takes for the process's own time.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define PROCESSES_MAX 4096

/* Softirqs do not nest: one at a time on each core. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} began_ns SEC(".maps");

/* By process id, as the first pid namespace has it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} spent_ns SEC(".maps");

SEC("raw_tp/softirq_entry")
int softirq_begins(void *context)
{
	const __u32 key = 0;
	const __u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&began_ns, &key, &now, BPF_ANY);
	return 0;
}

SEC("raw_tp/softirq_exit")
int softirq_ends(void *context)
{
	const __u32 key = 0;
	const __u32 process = bpf_get_current_pid_tgid() >> 32;
	const __u64 *began = bpf_map_lookup_elem(&began_ns, &key);
	__u64 *spent = bpf_map_lookup_elem(&spent_ns, &process);
	__u64 took;

	if (began == NULL || *began == 0)
		return 0;
	took = bpf_ktime_get_ns() - *began;
	if (spent != NULL)
		__sync_fetch_and_add(spent, took);
	else
		bpf_map_update_elem(&spent_ns, &process, &took, BPF_NOEXIST);
	return 0;
}

char terms[] SEC("license") = "Dual BSD/GPL";
