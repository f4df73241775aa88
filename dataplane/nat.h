/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nat: the service's address becomes a backend's on the way in, and the backend's the service's
 * on the way back; ports stay. No session is remembered: where a packet goes decides, and back,
 * where it comes from. Checksums are updated, never computed anew, so that a packet that was
 * damaged before stays so (RFC 3022, section 4.1). Workers; packets as parse leaves them.
 */
#ifndef MAILRAIL_DATAPLANE_NAT_H
#define MAILRAIL_DATAPLANE_NAT_H

#include <stdbool.h>

#include <mailrail/snapshot.h>

#include "packet.h"

/*
 * A packet's destination; of an ICMP error also the quoted packet's source. False, and nothing
 * is touched: @backend's address is of the other family.
 */
bool nat_to_backend(struct packet *packet, const struct mr_backend *backend);

/*
 * Of a packet with a nat_source: its source. Of an ICMP error the quoted packet's destination,
 * and its source if that is the backend's own address rather than that of a router behind us.
 */
void nat_to_client(struct packet *packet);

#endif
