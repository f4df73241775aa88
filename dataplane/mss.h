/* SPDX-License-Identifier: BSD-3-Clause */
/* The maximum segment size that the ends of a session announce (RFC 9293, section 3.7.1). */
#ifndef MAILRAIL_DATAPLANE_MSS_H
#define MAILRAIL_DATAPLANE_MSS_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

/*
 * Lowers the MSS that a SYN or a SYN+ACK announces to @mss_max_bytes, and updates the TCP
 * checksum; true when it did. Other packets, options behind the first segment, those that
 * contradict themselves, and with a maximum of 0 all, stay as they are. No option is added.
 */
bool mss_clamp(struct packet *packet, uint16_t mss_max_bytes);

#endif
