/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool's table in 64 bits, so that automation can see that nodes agree: the same configuration,
 * key and health give the same fingerprint, whatever the order in the file, the ids that a node
 * has given out, and the changes that led there. Control thread.
 *
 * It is the first 8 bytes of HMAC-SHA-256 (RFC 2104), under all 32 bytes of node.key, of:
 *
 *   23 bytes           "mailrail fingerprint 1" and a NUL
 *   n + 1 bytes        the pool's name and a NUL
 *   4 bytes            the number of slots, S
 *   4 bytes            the number of backends that are current in any slot, B
 *   B times            in the order of their names, by bytes (strcmp(3)):
 *     n + 1 bytes        the name and a NUL
 *     16 bytes           the address; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2)
 *   S times 2 bytes    slot by slot: the number of its current backend in that list, counted
 *                      from 0; 0xffff when nobody gets its sessions
 *
 * with all numbers in network byte order. Bases have no part in it: where slots move, nodes that
 * agree may still send sessions from before the change to different backends.
 */
#ifndef MAILRAIL_CONTROL_FINGERPRINT_H
#define MAILRAIL_CONTROL_FINGERPRINT_H

#include <stdint.h>

#include "config.h"
#include "pool.h"

#define FINGERPRINT_BYTES 8

/* Of @pool, which has slots. -ENOMEM. */
int fingerprint_make(const struct pool *pool, const uint8_t key[CONFIG_KEY_BYTES],
		     uint8_t out[FINGERPRINT_BYTES]);

#endif
