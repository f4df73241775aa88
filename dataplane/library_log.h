/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What DPDK, libbpf and libxdp have to say. An operator who did not ask for it never sees it,
 * but the first complaint after library_log_clear() is kept, so that the one line about a
 * failure can tell its cause. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_LIBRARY_LOG_H
#define MAILRAIL_DATAPLANE_LIBRARY_LOG_H

#include <stdbool.h>

/* @verbose: everything goes to standard error as well. Before rte_eal_init(). */
void library_log_start(bool verbose);
/* The libraries are back on standard error. */
void library_log_stop(void);

void library_log_clear(void);
/* One line without its newline; "no reason given" when nobody complained. */
const char *library_log_first(void);

#endif
