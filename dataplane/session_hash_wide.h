/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session hash (mailrail/session.h) of several sessions at once, two blocks to a register:
 * for x86 processors with VAES and AVX2.
 */
#ifndef MAILRAIL_DATAPLANE_SESSION_HASH_WIDE_H
#define MAILRAIL_DATAPLANE_SESSION_HASH_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/session.h>

/* The last byte of the first block keeps the two families' messages prefix-free. */
#define SESSION_FAMILY_V4 4
#define SESSION_FAMILY_V6 6

#define SESSION_AES_ROUNDS 10

/* Sessions whose blocks are encrypted side by side: one waits for itself ten times in each. */
#define SESSION_LANES 8

/* Does this processor, with this kernel? */
bool session_hash_wide_works(void);

/* As mr_session_hash_wire() for SESSION_LANES of them. */
void session_hash_wide(const struct mr_hash_key *key, const void *const *wires, bool v4,
		       uint64_t out[SESSION_LANES]);

#endif
