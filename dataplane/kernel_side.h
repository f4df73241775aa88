/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's side of ports on kernel interfaces, one for all of them: a TAP in the host's
 * network namespace. What workers send through it comes to the kernel as if from a network card:
 * frames that a port's steering took although they are the kernel's, and nat's answers, which
 * the kernel alone knows to route. Nothing is ever received from it. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_KERNEL_SIDE_H
#define MAILRAIL_DATAPLANE_KERNEL_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include <mailrail/error.h>

#include "tap.h"

/* Zeroed: none. */
struct kernel_side {
	struct tap tap;
	struct rte_mempool *mbufs;
	uint16_t frame_max_bytes; /* longer frames do not get through */
};

/* What kernel_side_open() takes of DPDK's memory. */
uint64_t kernel_side_memory_bytes(uint32_t worker_count);

/*
 * After EAL is up. @mtu_bytes: of the widest port; no more than a TAP carries is used. On failure
 * kernel_side_close() undoes what was done.
 */
int kernel_side_open(struct kernel_side *side, uint32_t worker_count, uint16_t mtu_bytes,
		     struct mr_error *error);
void kernel_side_close(struct kernel_side *side);

/*
 * Does a setting of the host keep the kernel from routing what comes from a local address, as
 * nat's answers do? Then @out says which, in one line.
 */
bool kernel_side_is_blocked_v4(const struct kernel_side *side, struct mr_error *out);
bool kernel_side_is_blocked_v6(const struct kernel_side *side, struct mr_error *out);

#endif
