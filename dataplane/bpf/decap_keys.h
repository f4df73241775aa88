/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * The decapsulator's maps and counters, as the BPF program and its loader both see them. Keys
 * have no padding, since maps compare them byte by byte.
 */
#ifndef MAILRAIL_BPF_DECAP_KEYS_H
#define MAILRAIL_BPF_DECAP_KEYS_H

#include <linux/types.h>

/* An end of a tunnel. */
struct decap_address {
	__u32 family;	/* AF_INET or AF_INET6, host byte order */
	__u8 bytes[16]; /* network byte order; the first four for IPv4, the others are 0 */
};

/* Tunnel sources that may send: the key of a longest-prefix-match trie. */
struct decap_source {
	__u32 prefix_bits; /* host byte order; counts those of the family too */
	struct decap_address address;
};

#define DECAP_FAMILY_BITS 32

_Static_assert(sizeof(struct decap_address) == 20, "a map key has no padding");
_Static_assert(sizeof(struct decap_source) == 24, "a map key has no padding");

/* Prefixes that may send, and addresses that are listened to (twice: a change adds first). */
#define DECAP_SOURCES_MAX      1024
#define DECAP_DESTINATIONS_MAX (2 * 1024)

/* Assigned to "gue" by IANA. */
#define DECAP_GUE_PORT 6080

/*
 * What became of a frame: every frame gets exactly one verdict.
 * X(enumerator, fate, name in --stats, sentence for people). The order of the first eight is
 * computed with: families within encapsulations. A frame that passes is untouched.
 */
#define DECAP_VERDICTS(X)                                                                        \
	X(IPIP_4IN4, DECAPSULATED, "ipip_4in4", "IPv4 taken out of IPv4")                        \
	X(IPIP_6IN4, DECAPSULATED, "ipip_6in4", "IPv6 taken out of IPv4")                        \
	X(IPIP_4IN6, DECAPSULATED, "ipip_4in6", "IPv4 taken out of IPv6")                        \
	X(IPIP_6IN6, DECAPSULATED, "ipip_6in6", "IPv6 taken out of IPv6")                        \
	X(GUE_4IN4, DECAPSULATED, "gue_4in4", "IPv4 taken out of UDP over IPv4")                 \
	X(GUE_6IN4, DECAPSULATED, "gue_6in4", "IPv6 taken out of UDP over IPv4")                 \
	X(GUE_4IN6, DECAPSULATED, "gue_4in6", "IPv4 taken out of UDP over IPv6")                 \
	X(GUE_6IN6, DECAPSULATED, "gue_6in6", "IPv6 taken out of UDP over IPv6")                 \
	X(NO_TUNNEL, PASSED, "no_tunnel", "neither IP in IP nor UDP")                            \
	X(OTHER_PORT, PASSED, "other_port", "UDP to another port")                               \
	X(FOREIGN_DESTINATION, PASSED, "foreign_destination", "tunnel to another address")       \
	X(FOREIGN_SOURCE, PASSED, "foreign_source", "tunnel from a source not allowed")          \
	X(FRAGMENT, PASSED, "fragment", "outer packet is a fragment")                            \
	X(OPTIONS, PASSED, "options", "outer IPv4 options or IPv6 extension headers")            \
	X(BAD_CHECKSUM, PASSED, "bad_checksum", "wrong checksum of the outer IPv4 header")       \
	X(TRUNCATED, PASSED, "truncated", "ends before its headers say")                         \
	X(INNER_VERSION, PASSED, "inner_version", "carries no IP of the version that it should") \
	X(INNER_PROTOCOL, PASSED, "inner_protocol", "carries neither TCP nor an ICMP error")     \
	X(NESTED, PASSED, "nested", "carries another tunnel")                                    \
	X(NOT_RESIZED, PASSED, "not_resized", "kernel refused to shorten the frame")             \
	X(ECN, DROPPED, "ecn", "congestion experienced, but the sender does not know ECN")

enum decap_verdict {
#define DECAP_VERDICT_ENUM(id, fate, name, text) DECAP_##id,
	DECAP_VERDICTS(DECAP_VERDICT_ENUM)
#undef DECAP_VERDICT_ENUM
		DECAP_VERDICT_COUNT
};

/* One per verdict and CPU; only ever grows. */
struct decap_count {
	__u64 packets;
	__u64 bytes; /* of frames as they arrived, Ethernet header included */
};

#endif
