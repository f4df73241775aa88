/* SPDX-License-Identifier: BSD-3-Clause */
#include "session_hash_wide.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#include <rte_cpuflags.h>

#define WITH_VAES __attribute__((target("vaes,avx2")))

#define PAIRS (SESSION_LANES / 2)

bool session_hash_wide_works(void)
{
	/* The compiler's own question asks the kernel too; clang 14 does not know it for VAES. */
	return __builtin_cpu_supports("avx2") && rte_cpu_get_flag_enabled(RTE_CPUFLAG_VAES) > 0;
}

WITH_VAES static inline __m256i two_blocks(const void *first, const void *second)
{
	return _mm256_loadu2_m128i(second, first);
}

/* Addresses and ports, as they lie there, and the family. */
WITH_VAES static inline __m256i first_blocks_v4(const void *first, const void *second)
{
	const __m256i session = _mm256_set_epi32(0, -1, -1, -1, 0, -1, -1, -1);
	const __m256i family = _mm256_set_epi32(SESSION_FAMILY_V4 << 24, 0, 0, 0,
						SESSION_FAMILY_V4 << 24, 0, 0, 0);

	return _mm256_or_si256(_mm256_and_si256(two_blocks(first, second), session), family);
}

/* Ports, which lie behind the addresses, and the family. */
WITH_VAES static inline __m256i first_blocks_v6(const void *first, const void *second)
{
	int ports[2];

	memcpy(&ports[0], (const uint8_t *)first + 32, sizeof(ports[0]));
	memcpy(&ports[1], (const uint8_t *)second + 32, sizeof(ports[1]));
	return _mm256_set_epi32(SESSION_FAMILY_V6 << 24, 0, 0, ports[1], SESSION_FAMILY_V6 << 24, 0,
				0, ports[0]);
}

WITH_VAES static inline __m256i round_key(const struct mr_hash_key *key, unsigned int round)
{
	return _mm256_broadcastsi128_si256(
		_mm_load_si128((const __m128i *)(const void *)key->round_keys[round]));
}

WITH_VAES static inline __attribute__((always_inline)) void encrypt(const struct mr_hash_key *key,
								    __m256i states[PAIRS])
{
	for (unsigned int i = 0; i < PAIRS; i++)
		states[i] = _mm256_xor_si256(states[i], round_key(key, 0));
	for (unsigned int round = 1; round < SESSION_AES_ROUNDS; round++) {
#pragma GCC unroll 4
		for (unsigned int i = 0; i < PAIRS; i++)
			states[i] = _mm256_aesenc_epi128(states[i], round_key(key, round));
	}
	for (unsigned int i = 0; i < PAIRS; i++)
		states[i] = _mm256_aesenclast_epi128(states[i], round_key(key, SESSION_AES_ROUNDS));
}

/* The address at @offset of each. */
WITH_VAES static inline __attribute__((always_inline)) void add_addresses(__m256i states[PAIRS],
									  const void *const *wires,
									  unsigned int offset)
{
	for (unsigned int i = 0; i < PAIRS; i++) {
		const uint8_t *first = wires[i / 2 * 4 + i % 2];
		const uint8_t *second = wires[i / 2 * 4 + i % 2 + 2];

		states[i] =
			_mm256_xor_si256(states[i], two_blocks(first + offset, second + offset));
	}
}

/* The low halves of both pairs in the order of their sessions; 1 in place of 0. */
WITH_VAES static inline void store_hashes(__m256i even, __m256i odd, uint64_t out[4])
{
	const __m256i hashes = _mm256_unpacklo_epi64(even, odd);
	const __m256i is_zero = _mm256_cmpeq_epi64(hashes, _mm256_setzero_si256());

	_mm256_storeu_si256((__m256i *)(void *)out, _mm256_sub_epi64(hashes, is_zero));
}

/* Pair 0 has sessions 0 and 2, pair 1 has 1 and 3, and so on: store_hashes() puts them right. */
WITH_VAES void session_hash_wide(const struct mr_hash_key *key, const void *const *wires, bool v4,
				 uint64_t out[SESSION_LANES])
{
	__m256i states[PAIRS];

	for (unsigned int i = 0; i < PAIRS; i++) {
		const void *first = wires[i / 2 * 4 + i % 2];
		const void *second = wires[i / 2 * 4 + i % 2 + 2];

		states[i] = v4 ? first_blocks_v4(first, second) : first_blocks_v6(first, second);
	}
	encrypt(key, states);
	for (unsigned int offset = 0; !v4 && offset < 32; offset += 16) {
		add_addresses(states, wires, offset);
		encrypt(key, states);
	}
	for (unsigned int i = 0; i < PAIRS; i += 2)
		store_hashes(states[i], states[i + 1], &out[2 * i]);
}

#else

bool session_hash_wide_works(void)
{
	return false;
}

void session_hash_wide(const struct mr_hash_key *key, const void *const *wires, bool v4,
		       uint64_t out[SESSION_LANES])
{
	mr_session_hash_wire_portable(key, wires, v4, SESSION_LANES, out);
}

#endif
