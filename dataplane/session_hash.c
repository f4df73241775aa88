/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/session.h>

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>

#include "session_hash_wide.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCKS_MAX 3

/* FIPS 197, figure 7. */
static const uint8_t sbox[256] = {
	0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab,
	0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4,
	0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71,
	0xd8, 0x31, 0x15, 0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2,
	0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6,
	0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb,
	0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf, 0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45,
	0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
	0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44,
	0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73, 0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a,
	0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49,
	0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
	0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08, 0xba, 0x78, 0x25,
	0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e,
	0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1,
	0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
	0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb,
	0x16,
};

/* Multiplication by x in GF(2^8), FIPS 197, section 4.2.1. */
static uint8_t xtime(uint8_t byte)
{
	return (uint8_t)(byte << 1 ^ (byte >> 7) * 0x1b);
}

static inline bool is_v4(const struct mr_tuple *tuple)
{
	return mr_addr_is_v4(&tuple->client) && mr_addr_is_v4(&tuple->service);
}

/* Lays the tuple out in blocks; returns their number. */
static unsigned int tuple_to_blocks(const struct mr_tuple *tuple, uint8_t blocks[BLOCKS_MAX][16])
{
	memset(blocks[0], 0, 16);
	if (is_v4(tuple)) {
		memcpy(&blocks[0][0], &tuple->client.bytes[12], 4);
		memcpy(&blocks[0][4], &tuple->service.bytes[12], 4);
		memcpy(&blocks[0][8], &tuple->client_port, 2);
		memcpy(&blocks[0][10], &tuple->service_port, 2);
		blocks[0][15] = SESSION_FAMILY_V4;
		return 1;
	}
	memcpy(&blocks[0][0], &tuple->client_port, 2);
	memcpy(&blocks[0][2], &tuple->service_port, 2);
	blocks[0][15] = SESSION_FAMILY_V6;
	memcpy(blocks[1], tuple->client.bytes, 16);
	memcpy(blocks[2], tuple->service.bytes, 16);
	return BLOCKS_MAX;
}

static uint64_t hash_from_block(const uint8_t block[16])
{
	uint64_t hash;

	memcpy(&hash, block, sizeof(hash));
	hash = rte_le_to_cpu_64(hash);
	return hash != 0 ? hash : 1;
}

static void add_block(uint8_t state[16], const uint8_t block[16])
{
	for (unsigned int i = 0; i < 16; i++)
		state[i] ^= block[i];
}

static void sub_bytes_shift_rows(uint8_t state[16])
{
	uint8_t shifted[16];

	for (unsigned int column = 0; column < 4; column++) {
		for (unsigned int row = 0; row < 4; row++)
			shifted[4 * column + row] = sbox[state[4 * ((column + row) % 4) + row]];
	}
	memcpy(state, shifted, sizeof(shifted));
}

static void mix_columns(uint8_t state[16])
{
	for (unsigned int column = 0; column < 4; column++) {
		uint8_t *s = &state[4 * column];
		const uint8_t all = s[0] ^ s[1] ^ s[2] ^ s[3];
		const uint8_t first = s[0];

		s[0] ^= all ^ xtime(s[0] ^ s[1]);
		s[1] ^= all ^ xtime(s[1] ^ s[2]);
		s[2] ^= all ^ xtime(s[2] ^ s[3]);
		s[3] ^= all ^ xtime(s[3] ^ first);
	}
}

static void encrypt_portable(const struct mr_hash_key *key, uint8_t state[16])
{
	add_block(state, key->round_keys[0]);
	for (unsigned int round = 1; round < SESSION_AES_ROUNDS; round++) {
		sub_bytes_shift_rows(state);
		mix_columns(state);
		add_block(state, key->round_keys[round]);
	}
	sub_bytes_shift_rows(state);
	add_block(state, key->round_keys[SESSION_AES_ROUNDS]);
}

uint64_t mr_session_hash_portable(const struct mr_hash_key *key, const struct mr_tuple *tuple)
{
	uint8_t blocks[BLOCKS_MAX][16];
	const unsigned int count = tuple_to_blocks(tuple, blocks);
	uint8_t state[16] = {0};

	for (unsigned int i = 0; i < count; i++) {
		add_block(state, blocks[i]);
		encrypt_portable(key, state);
	}
	return hash_from_block(state);
}

static struct mr_tuple tuple_of_wire(const uint8_t *wire, bool v4)
{
	const uint32_t address_bytes = v4 ? 4 : 16;
	struct mr_tuple tuple = {
		.client = v4 ? mr_addr_from_v4(wire) : mr_addr_from_v6(wire),
		.service = v4 ? mr_addr_from_v4(wire + address_bytes)
			      : mr_addr_from_v6(wire + address_bytes),
	};

	memcpy(&tuple.client_port, wire + 2 * address_bytes, sizeof(tuple.client_port));
	memcpy(&tuple.service_port, wire + 2 * address_bytes + 2, sizeof(tuple.service_port));
	return tuple;
}

void mr_session_hash_wire_portable(const struct mr_hash_key *key, const void *const *wires, bool v4,
				   uint32_t count, uint64_t *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct mr_tuple tuple = tuple_of_wire(wires[i], v4);

		out[i] = mr_session_hash_portable(key, &tuple);
	}
}

#if defined(__x86_64__)

#define WITH_AES __attribute__((target("aes,sse4.1")))

/* tuple_to_blocks() in registers: what is stored in pieces must not be loaded as a whole. */
WITH_AES static inline __m128i first_block(const struct mr_tuple *tuple, bool v4)
{
	const uint64_t ports = tuple->client_port | (uint64_t)tuple->service_port << 16;
	uint32_t client, service;

	if (!v4)
		return _mm_set_epi64x((int64_t)SESSION_FAMILY_V6 << 56, (int64_t)ports);
	memcpy(&client, &tuple->client.bytes[12], sizeof(client));
	memcpy(&service, &tuple->service.bytes[12], sizeof(service));
	return _mm_set_epi64x((int64_t)((uint64_t)SESSION_FAMILY_V4 << 56 | ports),
			      (int64_t)(client | (uint64_t)service << 32));
}

WITH_AES static inline __m128i address_block(const struct mr_addr *address)
{
	return _mm_loadu_si128((const __m128i *)(const void *)address->bytes);
}

WITH_AES static inline uint64_t hash_from_state(__m128i state)
{
	const uint64_t hash = (uint64_t)_mm_cvtsi128_si64(state);

	return hash != 0 ? hash : 1;
}

/* @count is a constant wherever this goes. */
WITH_AES static inline __attribute__((always_inline)) void encrypt_lanes(
	const struct mr_hash_key *key, __m128i *states, unsigned int count)
{
	const __m128i *round_keys = (const __m128i *)(const void *)key->round_keys;

	for (unsigned int i = 0; i < count; i++)
		states[i] = _mm_xor_si128(states[i], round_keys[0]);
	for (unsigned int round = 1; round < SESSION_AES_ROUNDS; round++) {
#pragma GCC unroll 8
		for (unsigned int i = 0; i < count; i++)
			states[i] = _mm_aesenc_si128(states[i], round_keys[round]);
	}
	for (unsigned int i = 0; i < count; i++)
		states[i] = _mm_aesenclast_si128(states[i], round_keys[SESSION_AES_ROUNDS]);
}

/* @count tuples of one family. */
WITH_AES static inline __attribute__((always_inline)) void hash_lanes(
	const struct mr_hash_key *key, const struct mr_tuple *const *tuples, bool v4,
	unsigned int count, uint64_t *out)
{
	__m128i states[SESSION_LANES];

	for (unsigned int i = 0; i < count; i++)
		states[i] = first_block(tuples[i], v4);
	encrypt_lanes(key, states, count);
	if (!v4) {
		for (unsigned int i = 0; i < count; i++)
			states[i] = _mm_xor_si128(states[i], address_block(&tuples[i]->client));
		encrypt_lanes(key, states, count);
		for (unsigned int i = 0; i < count; i++)
			states[i] = _mm_xor_si128(states[i], address_block(&tuples[i]->service));
		encrypt_lanes(key, states, count);
	}
	for (unsigned int i = 0; i < count; i++)
		out[i] = hash_from_state(states[i]);
}

/* As first_block() of the tuple: the addresses and ports lie in the same order. */
WITH_AES static inline __m128i block_of_wire_v4(const void *wire)
{
	const __m128i session = _mm_set_epi32(0, -1, -1, -1);
	const __m128i family = _mm_set_epi32(SESSION_FAMILY_V4 << 24, 0, 0, 0);
	const __m128i bytes = _mm_loadu_si128(wire);

	return _mm_or_si128(_mm_and_si128(bytes, session), family);
}

/* @count is a constant wherever this goes. */
WITH_AES static inline __attribute__((always_inline)) void hash_wire_lanes_v4(
	const struct mr_hash_key *key, const void *const *wires, unsigned int count, uint64_t *out)
{
	__m128i states[SESSION_LANES];

	for (unsigned int i = 0; i < count; i++)
		states[i] = block_of_wire_v4(wires[i]);
	encrypt_lanes(key, states, count);
	for (unsigned int i = 0; i < count; i++)
		out[i] = hash_from_state(states[i]);
}

/* An IPv6 session lies in its packet as it does in a tuple. */
static_assert(offsetof(struct mr_tuple, service) == 16 &&
		      offsetof(struct mr_tuple, client_port) == 32,
	      "addresses, then ports");

WITH_AES static inline void hash_wire_lanes(const struct mr_hash_key *key, const void *const *wires,
					    bool v4, uint64_t out[SESSION_LANES])
{
	const struct mr_tuple *tuples[SESSION_LANES];

	if (key->wide_aes) {
		session_hash_wide(key, wires, v4, out);
		return;
	}
	if (v4) {
		hash_wire_lanes_v4(key, wires, SESSION_LANES, out);
		return;
	}
	for (unsigned int i = 0; i < SESSION_LANES; i++)
		tuples[i] = wires[i];
	hash_lanes(key, tuples, false, SESSION_LANES, out);
}

/* The last lanes, if they are not all taken, repeat the first one. */
WITH_AES static void hash_wire_with_aes(const struct mr_hash_key *key, const void *const *wires,
					bool v4, uint32_t count, uint64_t *out)
{
	const uint32_t whole = count - count % SESSION_LANES;
	const void *last[SESSION_LANES];
	uint64_t hashes[SESSION_LANES];

	for (uint32_t i = 0; i < whole; i += SESSION_LANES)
		hash_wire_lanes(key, &wires[i], v4, &out[i]);
	if (whole == count)
		return;
	for (uint32_t i = 0; i < SESSION_LANES; i++)
		last[i] = wires[whole + i < count ? whole + i : whole];
	hash_wire_lanes(key, last, v4, hashes);
	memcpy(&out[whole], hashes, (count - whole) * sizeof(*out));
}

/* Tuples of one family on their way to SESSION_LANES of them. */
struct lanes {
	const struct mr_tuple *tuples[SESSION_LANES];
	uint64_t *hashes[SESSION_LANES]; /* where they go */
	unsigned int count;
};

/* Lanes that are not taken repeat the first one. */
WITH_AES static void lanes_flush(const struct mr_hash_key *key, struct lanes *lanes, bool v4)
{
	uint64_t hashes[SESSION_LANES];

	for (unsigned int i = lanes->count; i < SESSION_LANES; i++)
		lanes->tuples[i] = lanes->tuples[0];
	if (v4)
		hash_lanes(key, lanes->tuples, true, SESSION_LANES, hashes);
	else
		hash_lanes(key, lanes->tuples, false, SESSION_LANES, hashes);
	for (unsigned int i = 0; i < lanes->count; i++)
		*lanes->hashes[i] = hashes[i];
	lanes->count = 0;
}

WITH_AES static void hash_many_with_aes(const struct mr_hash_key *key,
					const struct mr_tuple *const *tuples, uint32_t count,
					uint64_t *out)
{
	struct lanes families[2];

	families[0].count = families[1].count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const bool v4 = is_v4(tuples[i]);
		struct lanes *lanes = &families[v4];

		lanes->tuples[lanes->count] = tuples[i];
		lanes->hashes[lanes->count++] = &out[i];
		if (lanes->count == SESSION_LANES)
			lanes_flush(key, lanes, v4);
	}
	for (unsigned int v4 = 0; v4 < 2; v4++) {
		if (families[v4].count > 0)
			lanes_flush(key, &families[v4], v4);
	}
}

WITH_AES static uint64_t hash_with_aes(const struct mr_hash_key *key, const struct mr_tuple *tuple)
{
	uint64_t hash;

	if (is_v4(tuple))
		hash_lanes(key, &tuple, true, 1, &hash);
	else
		hash_lanes(key, &tuple, false, 1, &hash);
	return hash;
}

#else

static uint64_t hash_with_aes(const struct mr_hash_key *key, const struct mr_tuple *tuple)
{
	return mr_session_hash_portable(key, tuple);
}

static void hash_many_with_aes(const struct mr_hash_key *key, const struct mr_tuple *const *tuples,
			       uint32_t count, uint64_t *out)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] = mr_session_hash_portable(key, tuples[i]);
}

static void hash_wire_with_aes(const struct mr_hash_key *key, const void *const *wires, bool v4,
			       uint32_t count, uint64_t *out)
{
	mr_session_hash_wire_portable(key, wires, v4, count, out);
}

#endif

uint64_t mr_session_hash(const struct mr_hash_key *key, const struct mr_tuple *tuple)
{
	return key->aes_instructions ? hash_with_aes(key, tuple)
				     : mr_session_hash_portable(key, tuple);
}

void mr_session_hash_many(const struct mr_hash_key *key, const struct mr_tuple *const *tuples,
			  uint32_t count, uint64_t *out)
{
	if (key->aes_instructions) {
		hash_many_with_aes(key, tuples, count, out);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		out[i] = mr_session_hash_portable(key, tuples[i]);
}

void mr_session_hash_wire(const struct mr_hash_key *key, const void *const *wires, bool v4,
			  uint32_t count, uint64_t *out)
{
	if (key->aes_instructions)
		hash_wire_with_aes(key, wires, v4, count, out);
	else
		mr_session_hash_wire_portable(key, wires, v4, count, out);
}

static void expand(struct mr_hash_key *key, const uint8_t secret[MR_HASH_KEY_BYTES])
{
	uint8_t *bytes = &key->round_keys[0][0];
	uint8_t rcon = 1;

	memcpy(bytes, secret, MR_HASH_KEY_BYTES);
	for (unsigned int i = 16; i < sizeof(key->round_keys); i += 4) {
		uint8_t word[4];

		memcpy(word, &bytes[i - 4], 4);
		if (i % 16 == 0) {
			const uint8_t first = word[0];

			word[0] = sbox[word[1]] ^ rcon;
			word[1] = sbox[word[2]];
			word[2] = sbox[word[3]];
			word[3] = sbox[first];
			rcon = xtime(rcon);
		}
		for (unsigned int j = 0; j < 4; j++)
			bytes[i + j] = bytes[i - 16 + j] ^ word[j];
	}
}

/*
 * Does the variant that @key has chosen say what the portable twin says? QEMU 7.2 emulates VAES
 * with another result, and both ways of a packet must come to one hash.
 */
static bool is_right(const struct mr_hash_key *key)
{
	uint8_t bytes[SESSION_LANES][sizeof(struct mr_tuple)];
	uint64_t hashes[SESSION_LANES], expected[SESSION_LANES];
	const void *wires[SESSION_LANES];

	for (uint32_t i = 0; i < SESSION_LANES; i++) {
		for (uint32_t j = 0; j < sizeof(bytes[i]); j++)
			bytes[i][j] = (uint8_t)(37 * i + 11 * j);
		wires[i] = bytes[i];
	}
	for (uint32_t v4 = 0; v4 < 2; v4++) {
		mr_session_hash_wire(key, wires, v4, SESSION_LANES, hashes);
		mr_session_hash_wire_portable(key, wires, v4, SESSION_LANES, expected);
		if (memcmp(hashes, expected, sizeof(hashes)) != 0)
			return false;
	}
	return true;
}

void mr_hash_key_init(struct mr_hash_key *key, const uint8_t secret[MR_HASH_KEY_BYTES])
{
	expand(key, secret);
#if defined(__x86_64__)
	key->aes_instructions = __builtin_cpu_supports("aes");
#else
	key->aes_instructions = false;
#endif
	key->wide_aes = key->aes_instructions && session_hash_wide_works();
	if (!is_right(key))
		key->wide_aes = false;
	if (!is_right(key))
		key->aes_instructions = false;
}
