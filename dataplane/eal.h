/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment: lcore 0 is the calling (control) thread and floats over every CPU that
 * the process may use; worker i is lcore i + 1, pinned to its core. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_EAL_H
#define MAILRAIL_DATAPLANE_EAL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/error.h>

struct eal_config {
	const uint16_t *cores;
	uint32_t worker_count;
	uint64_t memory_bytes; /* what ports and workers will take */
	bool has_pci;	       /* PCI devices will be plugged; none is taken on its own */
	bool telemetry;	       /* DPDK's telemetry socket, in its runtime directory */
};

/* Can every worker have its core? @error names the one that cannot. Touches nothing. */
int eal_check_cores(const struct eal_config *config, struct mr_error *error);

/* Hugepages that are free, of all sizes. */
uint64_t eal_free_hugepage_bytes(void);
/* That many bytes, and some for snapshots, should be free before hugepages are used. */
uint64_t eal_hugepage_bytes_wanted(const struct eal_config *config);

/*
 * @hugepages: use them, else ordinary pages. Once per process. From then on realtime signals
 * are for DPDK's threads, and all others for the calling thread alone.
 */
int eal_start(const struct eal_config *config, bool hugepages, struct mr_error *error);
void eal_stop(void);

static inline uint32_t eal_worker_lcore(uint32_t worker)
{
	return worker + 1;
}

#endif
