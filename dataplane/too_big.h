/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The answer to a packet that its path does not take whole and that must not be cut: ICMP
 * fragmentation needed (RFC 792; RFC 1191, section 4) or ICMPv6 packet too big (RFC 4443,
 * section 3.2), in the service's name.
 */
#ifndef MAILRAIL_DATAPLANE_TOO_BIG_H
#define MAILRAIL_DATAPLANE_TOO_BIG_H

#include <stdint.h>

#include "packet.h"

/*
 * Turns @packet, as parse leaves it, into that answer, back to the station it came from; sets
 * verdict and tx_port. Instead, the packet is dropped where no answer is allowed: to ICMP
 * errors, later IPv4 fragments, probes, sources that are no host's address (RFC 1122, section
 * 3.2.2; RFC 4443, section 2.4), when MR_TOO_BIG_PER_S are sent, when the mbuf has no headroom,
 * and when the IPv6 packet is of the size that every path must take.
 */
void too_big_answer(struct worker *worker, struct packet *packet, uint16_t packet_max_bytes);

#endif
