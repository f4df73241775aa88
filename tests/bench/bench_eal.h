/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL for benches: none of the machine's devices, no files, huge pages where enough are free. */
#ifndef MAILRAIL_BENCH_EAL_H
#define MAILRAIL_BENCH_EAL_H

#include <stdint.h>

/*
 * The calling thread is on core @core from then on. Returns 0, or a negative number after a
 * message on standard error. Once per process.
 */
int bench_eal_start(unsigned int core, uint64_t memory_bytes);
void bench_eal_stop(void);

#endif
