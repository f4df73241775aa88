/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of a packet. One row per verdict yields the enum, the worker's counter, the
 * field of stats.get and the line of the manual. Every received packet gets exactly one, so
 * that the counters of all verdicts add up to the packets received.
 */
#ifndef MAILRAIL_VERDICT_H
#define MAILRAIL_VERDICT_H

/* X(enumerator, name in stats.get, sentence for people) */
#define MR_VERDICTS(X)                                                                             \
	X(FORWARDED, "forwarded", "sent to a backend")                                             \
	X(FORWARDED_ICMP, "forwarded_icmp", "ICMP error about a session, sent to its backend")     \
	X(RETURNED, "returned", "nat: a backend's packet, sent on under the service's address")    \
	X(PROBE_SENT, "probe_sent", "health probe sent to its backend")                            \
	X(PROBE_REPLY, "probe_reply", "backend's answer handed to the prober")                     \
	X(TOO_BIG, "too_big",                                                                      \
	  "longer than the path to its backend takes, answered with an ICMP error")                \
	X(RESET_EXCLUDED, "reset_excluded", "from an excluded source, answered with a TCP reset")  \
	X(RESET_NO_BACKEND, "reset_no_backend",                                                    \
	  "pool has no backend to offer, answered with a TCP reset")                               \
	X(LEFT_TO_KERNEL, "left_to_kernel", "not for a service; the kernel has its own copy")      \
	X(PASSED_TO_KERNEL, "passed_to_kernel", "not for a service; handed to the kernel")         \
	X(FROM_KERNEL, "from_kernel", "from the kernel's side of the port, sent as it is")         \
	X(DROP_NOT_SERVICE, "drop_not_service", "not for a service, on a port without a kernel")   \
	X(DROP_NOT_OURS, "drop_not_ours", "addressed to another station on the link")              \
	X(DROP_VLAN, "drop_vlan", "not tagged as the port is, on a port without a kernel")         \
	X(DROP_TRUNCATED, "drop_truncated", "frame ends inside a header")                          \
	X(DROP_SCATTERED, "drop_scattered", "headers in more buffers than could be joined")        \
	X(DROP_BAD_IP, "drop_bad_ip", "IP header contradicts itself or the frame")                 \
	X(DROP_BAD_CHECKSUM, "drop_bad_checksum", "IPv4 header checksum is wrong")                 \
	X(DROP_TTL, "drop_ttl", "TTL or hop limit is zero")                                        \
	X(DROP_EXTENSIONS, "drop_extensions",                                                      \
	  "more IPv6 extension headers than mailrail looks behind")                                \
	X(DROP_BAD_TCP, "drop_bad_tcp", "TCP header contradicts itself or the packet")             \
	X(DROP_FRAGMENT_TINY, "drop_fragment_tiny",                                                \
	  "first fragment without the whole TCP header, or one that would overwrite it")           \
	X(DROP_FRAGMENT_LATE, "drop_fragment_late",                                                \
	  "fragment whose first fragment did not come in time")                                    \
	X(DROP_FRAGMENT_FULL, "drop_fragment_full",                                                \
	  "fragment that there was no room to keep until the first one comes")                     \
	X(DROP_EXCLUDED, "drop_excluded", "from an excluded source, dropped in silence")           \
	X(DROP_NO_BACKEND, "drop_no_backend",                                                      \
	  "pool has no backend to offer, and a TCP reset must not be answered")                    \
	X(DROP_NO_NEXT_HOP, "drop_no_next_hop", "backend's link-layer address is not known")       \
	X(DROP_NO_PROBE, "drop_no_probe", "left the prober, but no probe is open on its port")     \
	X(DROP_FAMILY, "drop_family", "nat: backend's address is of the other family")             \
	X(DROP_TOO_BIG, "drop_too_big",                                                            \
	  "longer than its way on takes; the sender is not told, or was told enough")              \
	X(DROP_NO_ROOM, "drop_no_room", "no buffer with room for its outer headers or its pieces") \
	X(DROP_TX_FULL, "drop_tx_full", "transmit queue was full")

enum mr_verdict {
#define MR_VERDICT_ENUM(id, name, text) MR_##id,
	MR_VERDICTS(MR_VERDICT_ENUM)
#undef MR_VERDICT_ENUM
		MR_VERDICT_COUNT
};

/* Static strings; NULL outside the enum. */
const char *mr_verdict_name(enum mr_verdict verdict);
const char *mr_verdict_text(enum mr_verdict verdict);

#endif
