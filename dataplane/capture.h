/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures, as the dataplane runs them: the taps that workers are given, and the thread that
 * writes what they choose. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_CAPTURE_H
#define MAILRAIL_DATAPLANE_CAPTURE_H

#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include <mailrail/capture.h>

#include "crew.h"

struct capture;

/* What capture_create() takes of DPDK's memory. */
uint64_t capture_memory_bytes(void);

/* Once for the life of the dataplane. @crew and @qsbr are borrowed. -ENOMEM. */
int capture_create(struct crew *crew, struct rte_rcu_qsbr *qsbr, struct capture **out);
/* Ends the capture under way, and waits for it; the workers may run on. NULL is allowed. */
void capture_destroy(struct capture *capture);

/* As mr_capture_start() and its like. */
int capture_start(struct capture *capture, const struct mr_capture_config *config, int fd,
		  struct mr_error *error);
void capture_stop(struct capture *capture);
void capture_end(struct capture *capture);
bool capture_status(const struct capture *capture, struct mr_capture_status *out);

#endif
