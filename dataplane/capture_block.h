/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Enhanced Packet Blocks of pcapng (draft-ietf-opsawg-pcapng, section 4.3) as rte_pcapng_copy()
 * makes them, completed with what it cannot know of a packet that was copied by a worker before.
 */
#ifndef MAILRAIL_DATAPLANE_CAPTURE_BLOCK_H
#define MAILRAIL_DATAPLANE_CAPTURE_BLOCK_H

#include <stdint.h>

#include <rte_mbuf.h>

/* Longer ones are cut. */
#define CAPTURE_COMMENT_BYTES_MAX 256

/* What a comment adds to a block at most. */
#define CAPTURE_COMMENT_ROOM_BYTES (CAPTURE_COMMENT_BYTES_MAX + 8)

/*
 * @block is in one segment with room behind it. @time_ns: since the epoch; @frame_bytes: of the
 * frame, of which the block may have less; @comment: becomes its opt_comment (section 3.5).
 */
void capture_block_complete(struct rte_mbuf *block, uint64_t time_ns, uint32_t frame_bytes,
			    const char *comment);

#endif
