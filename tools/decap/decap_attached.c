/* SPDX-License-Identifier: BSD-3-Clause */
#include "decap_attached.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static const char *mode_name(uint8_t attach_mode)
{
	switch (attach_mode) {
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "offloaded";
	default:
		return "mixed";
	}
}

static int read_program(struct decap_attached *attached)
{
	struct bpf_prog_info info = {
		.nr_map_ids = DECAP_MAPS_MAX,
		.map_ids = (uintptr_t)attached->maps,
	};
	uint32_t info_bytes = sizeof(info);
	const int fd = bpf_prog_get_fd_by_id(attached->id);
	int rc;

	if (fd < 0)
		return fd;
	rc = bpf_obj_get_info_by_fd(fd, &info, &info_bytes);
	close(fd);
	if (rc != 0)
		return rc;
	memcpy(attached->name, info.name, sizeof(attached->name));
	attached->map_count = info.nr_map_ids < DECAP_MAPS_MAX ? info.nr_map_ids : DECAP_MAPS_MAX;
	attached->is_ours = strcmp(info.name, DECAP_PROGRAM_NAME) == 0;
	return 0;
}

int decap_attached_read(int ifindex, struct decap_attached *out)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct decap_attached attached = {0};
	int rc = bpf_xdp_query(ifindex, 0, &query);

	if (rc == 0)
		/* With several modes at once the kernel names no single program. */
		rc = bpf_xdp_query_id(ifindex, 0, &attached.id);
	attached.mode = mode_name(query.attach_mode);
	if (rc == 0 && attached.id != 0)
		rc = read_program(&attached);
	if (rc == 0)
		*out = attached;
	return rc;
}

static bool is_counters(const struct bpf_map_info *info)
{
	return strcmp(info->name, "counters") == 0 && info->type == BPF_MAP_TYPE_PERCPU_ARRAY &&
	       info->max_entries == DECAP_VERDICT_COUNT &&
	       info->value_size == sizeof(struct decap_count);
}

static int open_counters(const struct decap_attached *attached)
{
	for (uint32_t i = 0; i < attached->map_count; i++) {
		const int fd = bpf_map_get_fd_by_id(attached->maps[i]);
		struct bpf_map_info info = {0};
		uint32_t info_bytes = sizeof(info);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0 && is_counters(&info))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* @per_cpu: room for one count of every CPU. */
static int sum(int fd, uint32_t verdict, int cpus, struct decap_count *per_cpu,
	       struct decap_count *out)
{
	const int rc = bpf_map_lookup_elem(fd, &verdict, per_cpu);

	if (rc != 0)
		return rc;
	*out = (struct decap_count){0};
	for (int cpu = 0; cpu < cpus; cpu++) {
		out->packets += per_cpu[cpu].packets;
		out->bytes += per_cpu[cpu].bytes;
	}
	return 0;
}

int decap_attached_counts(const struct decap_attached *attached,
			  struct decap_count out[DECAP_VERDICT_COUNT])
{
	const int cpus = libbpf_num_possible_cpus();
	struct decap_count *per_cpu;
	int fd, rc = 0;

	if (cpus < 0)
		return cpus;
	fd = open_counters(attached);
	if (fd < 0)
		return fd;
	per_cpu = calloc((size_t)cpus, sizeof(*per_cpu));
	if (per_cpu == NULL)
		rc = -ENOMEM;
	for (uint32_t verdict = 0; rc == 0 && verdict < DECAP_VERDICT_COUNT; verdict++)
		rc = sum(fd, verdict, cpus, per_cpu, &out[verdict]);
	free(per_cpu);
	close(fd);
	return rc;
}
