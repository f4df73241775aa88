/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way into a tunnel, ipip or gue: a backend's front (mailrail/snapshot.h) before an IP
 * packet, with what differs from packet to packet. Workers.
 *
 * The packet inside is not touched, its TTL neither: mailrail is not a hop. Outside are
 *
 * - TOS or traffic class as inside, with DSCP (RFC 2983, section 3.1, uniform) and ECN (RFC
 *   6040, section 4.1, normal mode);
 * - IPv4: DF, and ID 0, as nobody may cut the packet (RFC 6864, section 4.1);
 * - IPv6: bits 44..63 of the session's hash as flow label (RFC 6438, section 2);
 * - ipip: protocol 4 or 41, by the family inside;
 * - gue: variant 1 (draft-ietf-intarea-gue-09, section 4), the inner IP header straight behind
 *   the UDP header; source port 0xc000 + bits 50..63 of the hash; no checksum (RFC 6935);
 * - the hash's low bits as those of the source address that the front leaves open.
 */
#ifndef MAILRAIL_DATAPLANE_TUNNEL_H
#define MAILRAIL_DATAPLANE_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <mailrail/snapshot.h>

/*
 * @packet begins with its IP header and ends with the IP packet, without padding; @front has
 * outer headers. False, and nothing is done: no headroom for the front.
 */
bool tunnel_enter(struct rte_mbuf *packet, const struct mr_front *front, uint64_t hash);

#endif
