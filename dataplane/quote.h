/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors, and the packet that they quote: RFC 792, RFC 4443 section 3. */
#ifndef MAILRAIL_DATAPLANE_QUOTE_H
#define MAILRAIL_DATAPLANE_QUOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

/* Types that quote a packet, and tell of its fate. Not redirect: that is between neighbours. */
bool quote_is_in_icmp_v4(uint8_t type);
bool quote_is_in_icmp_v6(uint8_t type);

/*
 * For an ICMP error that is no fragment: reads l4_offset, l4_bytes and tuple's addresses, the
 * message's own. Sets kind, quote_offset, quote_l4_offset and tuple when it quotes TCP that
 * its own destination has sent, else its verdict.
 */
void quote_parse(struct packet *packet);

#endif
