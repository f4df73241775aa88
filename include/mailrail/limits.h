/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fixed bound that control and dataplane share. Tests hold each of them. */
#ifndef MAILRAIL_LIMITS_H
#define MAILRAIL_LIMITS_H

#define MR_WORKERS_MAX	     64
#define MR_PORTS_MAX	     16
#define MR_QUEUES_MAX	     64 /* of one port */
#define MR_POOLS_MAX	     4096
#define MR_SERVICES_MAX	     16384
#define MR_ENDPOINTS_MAX     65536 /* addresses x ports over all services */
#define MR_BACKENDS_MAX	     32767 /* over all pools; ids are 15 bits wide */
#define MR_PROBE_SOURCES_MAX 64
#define MR_NAT_SOURCES_MAX   65536 /* backends x ports over all services of nat pools */
#define MR_NAME_MAX	     64	   /* a name's bytes with its NUL */

/*
 * How long after its first SYN a client may still repeat it: Linux gives up after 127 s (tcp(7),
 * tcp_syn_retries 6), RFC 9293, section 3.8.3 asks for three minutes at least.
 */
#define MR_SYN_REPEAT_S 180

/* The longest session_idle that a pool may have. */
#define MR_SESSION_IDLE_MAX_S (24 * 3600)

/* The work that one packet may cause. */
#define MR_EXTENSIONS_MAX      8   /* IPv6 extension headers that are looked behind */
#define MR_EXTENSION_BYTES_MAX 512 /* their length in all */

/* Fragments: of each worker. */
#define MR_DATAGRAMS_MAX      4096 /* datagrams in pieces that are followed at a time */
#define MR_FRAGMENTS_KEPT_MAX 512  /* fragments that wait for the first one */
#define MR_FRAGMENT_TIMEOUT_S 5

/* ICMP errors (fragmentation needed, packet too big) that a worker sends in one second. */
#define MR_TOO_BIG_PER_S 1000

/* How long a worker that may sleep does so at a time, as far as the kernel wakes it in time. */
#define MR_WORKER_SLEEP_US 60

#endif
