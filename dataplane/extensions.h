/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 extension headers (RFC 8200, section 4): what lies behind them. */
#ifndef MAILRAIL_DATAPLANE_EXTENSIONS_H
#define MAILRAIL_DATAPLANE_EXTENSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "packet.h"

/* A place in a chain of headers; zeroed but for the first four, extensions_follow() starts. */
struct extensions {
	uint32_t offset;      /* of the header there, from the start of the frame, bytes */
	uint32_t end;	      /* of the IP packet, likewise; the frame has as many */
	uint8_t protocol;     /* what the header there is: IPPROTO_TCP ... */
	bool is_quoted;	      /* the packet was longer than @end tells */
	uint8_t fragment;     /* enum packet_fragment */
	uint32_t fragment_id; /* of a fragment, as in its header */
};

/*
 * Walks @chain to the first header that is none of: hop-by-hop options, destination options,
 * routing without segments left, fragment, authentication (RFC 4302). Stops behind the fragment
 * header of a later fragment, where no header follows; @protocol is the one that it names.
 * Pulls up what it reads. Returns UNDECIDED; MR_DROP_NOT_SERVICE for what is not ours to look
 * behind; or why the packet is to be dropped.
 */
uint8_t extensions_follow(struct rte_mbuf *mbuf, struct extensions *chain);

/* Is @protocol a header that extensions_follow() looks behind? */
bool extensions_have(uint8_t protocol);

#endif
