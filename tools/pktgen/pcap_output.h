/* SPDX-License-Identifier: BSD-3-Clause */
/* Traffic in a file, for other tools, instead of on a port. */
#ifndef MAILRAIL_PKTGEN_PCAP_OUTPUT_H
#define MAILRAIL_PKTGEN_PCAP_OUTPUT_H

#include <stdint.h>

#include <mailrail/error.h>

#include "traffic.h"
#include "wire.h"

/*
 * Writes the first @packets packets, or those of the first @seconds if @packets is 0. Frames of a
 * flood, which has no time of its own, are a microsecond apart.
 */
int pcap_output(const char *path, struct traffic *traffic, const struct wire *wire,
		uint64_t packets, double seconds, struct mr_error *error);

#endif
