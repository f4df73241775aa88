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
#define MR_NAME_MAX	     64 /* a name's bytes with its NUL */

#endif
