/* SPDX-License-Identifier: BSD-3-Clause */
#include "extensions.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "fragments.h"
#include "pull_up.h"

/* Every extension header has as many at least, and tells its length there. */
#define HEADER_BYTES_MIN 8

bool extensions_have(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH;
}

/* Each kind counts its length in its own units, from its own start. */
static uint32_t header_length(uint8_t protocol, const uint8_t *header)
{
	if (protocol == IPPROTO_FRAGMENT)
		return sizeof(struct rte_ipv6_fragment_ext);
	if (protocol == IPPROTO_AH)
		return (header[1] + 2U) * 4;
	return (header[1] + 1U) * 8;
}

/* An atomic fragment (RFC 6946) is the whole datagram. */
static uint8_t read_fragment(struct extensions *chain, const uint8_t *header)
{
	const struct rte_ipv6_fragment_ext *fragment = (const void *)header;
	const uint16_t field = rte_be_to_cpu_16(fragment->frag_data);
	const uint32_t offset_bytes = field & RTE_IPV6_EHDR_FO_MASK;
	const bool more = (field & RTE_IPV6_EHDR_MF_MASK) != 0;
	const uint32_t bytes = chain->end - chain->offset - sizeof(*fragment);

	if (offset_bytes == 0 && !more)
		return UNDECIDED;
	if (chain->fragment != FRAGMENT_NONE)
		return MR_DROP_BAD_IP;
	if (!chain->is_quoted && !fragment_fits(offset_bytes, bytes, more))
		return MR_DROP_BAD_IP;
	chain->fragment = offset_bytes == 0 ? FRAGMENT_FIRST : FRAGMENT_LATER;
	chain->fragment_id = fragment->id;
	return UNDECIDED;
}

/* What @chain's header says besides its length; @at_start: it is the first of all. */
static uint8_t read_header(struct extensions *chain, const uint8_t *header, bool at_start)
{
	switch (chain->protocol) {
	case IPPROTO_HOPOPTS:
		return at_start ? UNDECIDED : MR_DROP_BAD_IP;
	case IPPROTO_ROUTING:
		/* Segments left: its destination is another one than the header says. */
		return header[3] == 0 ? UNDECIDED : MR_DROP_NOT_SERVICE;
	case IPPROTO_FRAGMENT:
		return read_fragment(chain, header);
	default:
		return UNDECIDED;
	}
}

/* Over one header. @room_bytes: how many it may have. */
static uint8_t step(struct rte_mbuf *mbuf, struct extensions *chain, uint32_t room_bytes,
		    bool at_start)
{
	/* The first fragment has all headers, RFC 7112. */
	const uint8_t too_short =
		chain->fragment == FRAGMENT_FIRST ? MR_DROP_FRAGMENT_TINY : MR_DROP_BAD_IP;
	const uint8_t *header;
	uint32_t bytes;
	uint8_t verdict;

	if (chain->end - chain->offset < HEADER_BYTES_MIN)
		return too_short;
	if (!pull_up(mbuf, chain->offset + HEADER_BYTES_MIN))
		return MR_DROP_SCATTERED;
	header = rte_pktmbuf_mtod_offset(mbuf, const uint8_t *, chain->offset);
	bytes = header_length(chain->protocol, header);
	if (bytes > chain->end - chain->offset)
		return too_short;
	if (bytes > room_bytes)
		return MR_DROP_EXTENSIONS;
	verdict = read_header(chain, header, at_start);
	if (verdict != UNDECIDED)
		return verdict;
	chain->protocol = header[0];
	chain->offset += bytes;
	return UNDECIDED;
}

uint8_t extensions_follow(struct rte_mbuf *mbuf, struct extensions *chain)
{
	const uint32_t start = chain->offset;
	uint8_t verdict = UNDECIDED;

	for (uint32_t i = 0; verdict == UNDECIDED && extensions_have(chain->protocol) &&
			     chain->fragment != FRAGMENT_LATER;
	     i++) {
		const uint32_t room_bytes = start + MR_EXTENSION_BYTES_MAX - chain->offset;

		if (i == MR_EXTENSIONS_MAX)
			return MR_DROP_EXTENSIONS;
		verdict = step(mbuf, chain, room_bytes, i == 0);
	}
	return verdict;
}
