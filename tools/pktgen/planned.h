/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet that is to be sent, before it is one. */
#ifndef MAILRAIL_PKTGEN_PLANNED_H
#define MAILRAIL_PKTGEN_PLANNED_H

#include <stdbool.h>
#include <stdint.h>

struct planned {
	uint64_t serial;  /* of the session, from which its addresses come */
	uint64_t time_ns; /* in the time of the profile */
	uint32_t session; /* what the session is called on the wire: PLANNED_SLOT_BITS and a
			   * generation */
	uint32_t number;  /* in the session, from 0 */
	uint32_t offset;  /* of its first byte in the session's stream */
	uint16_t payload_bytes;
	uint16_t frame_bytes; /* without its check sequence, and without VLAN tags: payload as
			       * much as has room; 0: payload_bytes says */
	uint8_t tcp_flags;
	uint8_t kind; /* of the session, in the profile */
};

/* A place for a session is taken again when the one before has ended. */
#define PLANNED_SLOT_BITS 24
#define PLANNED_SLOTS	  (UINT32_C(1) << PLANNED_SLOT_BITS)

static inline uint32_t planned_session(uint32_t slot, uint8_t generation)
{
	return (uint32_t)generation << PLANNED_SLOT_BITS | slot;
}

#endif
