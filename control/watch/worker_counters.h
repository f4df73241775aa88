/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker counts beside verdicts, for people: stats.get and metrics. */
#ifndef MAILRAIL_CONTROL_WORKER_COUNTERS_H
#define MAILRAIL_CONTROL_WORKER_COUNTERS_H

#include <mailrail/counters.h>

/* X(member of struct mr_worker_counters, which is its name here too, sentence for people) */
#define WORKER_COUNTERS(X)                                                                         \
	X(rx_packets, "Packets received")                                                          \
	X(rx_bytes, "Bytes received")                                                              \
	X(tx_packets, "Packets sent")                                                              \
	X(tx_bytes, "Bytes sent")                                                                  \
	X(pins_created, "Sessions remembered from their SYN on")                                   \
	X(pins_adopted, "Older sessions met and remembered after a change")                        \
	X(pins_refused, "New sessions that there was no room to remember: they went to the "       \
			"backend of older ones")                                                   \
	X(pins_deferred, "Packets of older sessions that there was no room to remember for now")   \
	X(pins_evicted,                                                                            \
	  "New sessions, of which only the SYN was seen, that made room for older ones")           \
	X(pins_rehashed, "Sessions given to another backend because theirs is gone")               \
	X(pins_reused, "SYNs with the addresses and ports of a session that was still remembered") \
	X(pins_repeatable, "Of the sessions in pins_created, those that may have sent their SYN "  \
			   "before a change too")                                                  \
	X(fragments_kept, "Fragments that came before the first one of their datagram")            \
	X(fragments_released, "Of these, those whose first one came, or came too late")            \
	X(fragments_handed, "Fragments handed to the worker that follows their datagram")          \
	X(fragments_taken, "Of these, those that it has taken")                                    \
	X(cut_packets, "IPv4 packets sent in fragments, as the path is narrow")                    \
	X(mss_clamped, "SYNs whose maximum segment size was lowered")                              \
	X(cycles, "Time in which workers ran or slept, in cycles of the time stamp counter")       \
	X(busy_cycles, "Of these, those of rounds in which packets came")                          \
	X(busy_rounds, "Times that a worker asked all its queues and found packets")               \
	X(sleeps, "Times that a worker slept, as nothing had arrived; only with adaptive polling")

#endif
