/* SPDX-License-Identifier: BSD-3-Clause */
/* The backends that packets came to, in the order of their first one. One thread. */
#ifndef MAILRAIL_PKTGEN_ROSTER_H
#define MAILRAIL_PKTGEN_ROSTER_H

#include <stdint.h>

#include "dissect.h"

#define ROSTER_MAX     4096
#define ROSTER_OTHERS  ROSTER_MAX /* stands for all that had no room */
#define ROSTER_BUCKETS (2 * ROSTER_MAX)

/* What tells backends apart. */
enum roster_by { ROSTER_BY_MAC, ROSTER_BY_OUTER, ROSTER_BY_ADDRESS };

struct roster_backend {
	struct mr_addr key; /* an address, or a MAC address and zeros */
	uint64_t packets;
	uint64_t sessions;
};

/* Zero it, then set @by. */
struct roster {
	enum roster_by by;
	uint32_t count;
	struct roster_backend backends[ROSTER_MAX + 1];
	uint16_t buckets[ROSTER_BUCKETS]; /* place among @backends, plus 1 */
};

/* The place of the packet's backend among @backends. */
uint16_t roster_find(struct roster *roster, const struct dissected *packet);

#define ROSTER_TEXT_MAX MR_ADDR_TEXT_MAX
/* What the backend is called: its address; @out has ROSTER_TEXT_MAX bytes. */
void roster_format(const struct roster *roster, uint32_t backend, char *out);

#endif
