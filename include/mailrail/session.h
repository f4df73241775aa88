/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session is one client TCP connection, named by its 4-tuple, and hashed with a secret key
 * so that nobody outside can choose the slot that a session falls on.
 */
#ifndef MAILRAIL_SESSION_H
#define MAILRAIL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include <mailrail/address.h>

struct mr_tuple {
	struct mr_addr client;
	struct mr_addr service;
	rte_be16_t client_port;
	rte_be16_t service_port;
};

#define MR_HASH_KEY_BYTES 16

/* AES-128 key schedule (FIPS 197, section 5.2), expanded once. Read-only afterwards. */
struct mr_hash_key {
	_Alignas(16) uint8_t round_keys[11][16];
	bool aes_instructions; /* this CPU has them, and gets the hash right with them */
	bool wide_aes;	       /* likewise those on two blocks at once (VAES) */
};

void mr_hash_key_init(struct mr_hash_key *key, const uint8_t secret[MR_HASH_KEY_BYTES]);

/*
 * The first 8 bytes, read little-endian, of the AES-128 CBC-MAC (ISO/IEC 9797-1, MAC
 * algorithm 1) of the tuple: one block for IPv4, three for IPv6, told apart by the last byte
 * of the first block. Never 0. The same on every machine; AES-NI is used where the CPU has it.
 */
uint64_t mr_session_hash(const struct mr_hash_key *key, const struct mr_tuple *tuple);

/*
 * out[i] is what mr_session_hash() says of *tuples[i]: sooner, since several are encrypted side by
 * side.
 */
void mr_session_hash_many(const struct mr_hash_key *key, const struct mr_tuple *const *tuples,
			  uint32_t count, uint64_t *out);

/*
 * The same of sessions that lie in packets: each of @wires is the source address in an IP header
 * without options, behind which come destination address and TCP ports. 16 bytes of an IPv4
 * packet are read there.
 */
void mr_session_hash_wire(const struct mr_hash_key *key, const void *const *wires, bool v4,
			  uint32_t count, uint64_t *out);

/* The portable twins; same result, for CPUs without AES-NI and for tests. */
uint64_t mr_session_hash_portable(const struct mr_hash_key *key, const struct mr_tuple *tuple);
void mr_session_hash_wire_portable(const struct mr_hash_key *key, const void *const *wires, bool v4,
				   uint32_t count, uint64_t *out);

/* Maps a session hash evenly to 0..@size-1 (Lemire, "Fast random integer generation", 2019). */
static inline uint32_t mr_session_slot(uint64_t hash, uint32_t size)
{
	return (uint32_t)(((hash >> 32) * size) >> 32);
}

#endif
