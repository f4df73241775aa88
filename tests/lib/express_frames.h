/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames as the short way takes them, and the differences that others have: every one that
 * decides about a frame's way, and some that must not.
 */
#ifndef MAILRAIL_TESTS_EXPRESS_FRAMES_H
#define MAILRAIL_TESTS_EXPRESS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "express_world.h"

#define EXPRESS_DIFFERENCES_MAX 4

struct express_frame {
	uint8_t bytes[FRAME_BYTES_MAX];
	uint32_t count;
	bool v4;
	uint16_t l3_offset;
	uint8_t ring;		/* of the rig, that it arrives by */
	uint16_t headroom;	/* bytes before it in its mbuf */
	uint16_t segment_bytes; /* of each mbuf but the last; 0: one mbuf */
	uint64_t rx_flags;	/* what the card says of it: mbuf->ol_flags */
	uint32_t difference_count;
	const char *differences[EXPRESS_DIFFERENCES_MAX];
};

enum express_way {
	EXPRESS_SHORT,
	EXPRESS_LONG,
	EXPRESS_EITHER, /* as it comes */
};

struct express_difference {
	const char *name;
	/* False, and nothing is done: such a frame cannot have it. */
	bool (*make)(struct express_frame *frame);
	enum express_way way; /* of a frame that differs in nothing else */
};

/* All that there are; NULL behind the last one. */
const struct express_difference *express_difference_at(uint32_t index);
uint32_t express_difference_count(void);
/* The one of that name, which there is. */
const struct express_difference *express_difference_named(const char *name);

/* To @service, by @port of @world, from anybody. */
void express_frame_make(struct express_frame *frame, const struct express_world *world,
			uint32_t port, mr_service_id service, bool v4);
/* The same by any port to any service. */
void express_frame_make_any(struct express_frame *frame, const struct express_world *world);

/* Makes @frame, which is plain, one of the same session as @other, if their families are one. */
void express_frame_join(struct express_frame *frame, struct express_frame *other);

void express_frame_set_flags(struct express_frame *frame, uint8_t tcp_flags);

/* @difference, if it can be, and its name to the frame's. */
bool express_frame_differ(struct express_frame *frame, const struct express_difference *difference);

/* The checksum of an IPv4 header, so that the other differences come to be looked at. */
void express_frame_correct(struct express_frame *frame);

/* One line for people on standard output. */
void express_frame_tell(struct express_frame *frame);

/* NULL: the pool is empty. */
struct rte_mbuf *express_frame_to_mbuf(const struct express_frame *frame, struct rte_mempool *pool);

#endif
