/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session hash against published AES vectors, against OpenSSL's AES-128-CBC, and against
 * its own portable twin.
 */
#include <mailrail/session.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <rte_byteorder.h>
#include <rte_cpuflags.h>

#include "../lib/unit.h"

#define RANDOM_TUPLES 20000
#define MANY_MAX      40

static struct drand48_data dice;

static uint8_t random_byte(void)
{
	long value;

	lrand48_r(&dice, &value);
	return (uint8_t)(value >> 11);
}

static void random_bytes(void *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((uint8_t *)out)[i] = random_byte();
}

static struct mr_tuple random_tuple(bool client_v4, bool service_v4)
{
	struct mr_tuple tuple;

	random_bytes(&tuple, sizeof(tuple));
	if (client_v4)
		tuple.client = mr_addr_from_v4(&tuple.client.bytes[12]);
	if (service_v4)
		tuple.service = mr_addr_from_v4(&tuple.service.bytes[12]);
	return tuple;
}

static void aes_block(const uint8_t key[16], const uint8_t in[16], uint8_t out[16], int encrypt)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int count = 0;

	CU_ASSERT_EQUAL_FATAL(
		EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL, encrypt), 1);
	EVP_CIPHER_CTX_set_padding(context, 0);
	CU_ASSERT_EQUAL_FATAL(EVP_CipherUpdate(context, out, &count, in, 16), 1);
	CU_ASSERT_EQUAL_FATAL(count, 16);
	EVP_CIPHER_CTX_free(context);
}

/* What session.h promises, written down a second time: the tuple's blocks, and their count. */
static int expected_blocks(const struct mr_tuple *tuple, uint8_t blocks[48])
{
	memset(blocks, 0, 48);
	if (mr_addr_is_v4(&tuple->client) && mr_addr_is_v4(&tuple->service)) {
		memcpy(&blocks[0], &tuple->client.bytes[12], 4);
		memcpy(&blocks[4], &tuple->service.bytes[12], 4);
		memcpy(&blocks[8], &tuple->client_port, 2);
		memcpy(&blocks[10], &tuple->service_port, 2);
		blocks[15] = 4;
		return 1;
	}
	memcpy(&blocks[0], &tuple->client_port, 2);
	memcpy(&blocks[2], &tuple->service_port, 2);
	blocks[15] = 6;
	memcpy(&blocks[16], &tuple->client, 16);
	memcpy(&blocks[32], &tuple->service, 16);
	return 3;
}

static uint64_t expected_hash(const uint8_t secret[16], const struct mr_tuple *tuple)
{
	const uint8_t zero_iv[16] = {0};
	uint8_t blocks[48], cipher[48];
	const int bytes = 16 * expected_blocks(tuple, blocks);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint64_t hash;
	int count = 0;

	CU_ASSERT_EQUAL_FATAL(EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), NULL, secret, zero_iv),
			      1);
	EVP_CIPHER_CTX_set_padding(context, 0);
	CU_ASSERT_EQUAL_FATAL(EVP_EncryptUpdate(context, cipher, &count, blocks, bytes), 1);
	CU_ASSERT_EQUAL_FATAL(count, bytes);
	EVP_CIPHER_CTX_free(context);
	memcpy(&hash, &cipher[bytes - 16], sizeof(hash));
	return rte_le_to_cpu_64(hash);
}

/* An IPv6 tuple whose third and last cipher call gets exactly @plain as its input. */
static struct mr_tuple tuple_ending_in(const uint8_t secret[16], const uint8_t plain[16])
{
	struct mr_tuple tuple = random_tuple(false, false);
	uint8_t blocks[48], state[16];

	expected_blocks(&tuple, blocks);
	aes_block(secret, blocks, state, 1);
	for (int i = 0; i < 16; i++)
		state[i] ^= tuple.client.bytes[i];
	aes_block(secret, state, state, 1);
	for (int i = 0; i < 16; i++)
		tuple.service.bytes[i] = state[i] ^ plain[i];
	return tuple;
}

/* FIPS 197, appendix A.1: the first and the last words of the example's expanded key. */
static void test_key_schedule(void)
{
	const uint8_t secret[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
	const uint8_t round_1[16] = {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1,
				     0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05};
	const uint8_t round_10[16] = {0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee, 0x25, 0x89,
				      0xe1, 0x3f, 0x0c, 0xc8, 0xb6, 0x63, 0x0c, 0xa6};
	struct mr_hash_key key;

	mr_hash_key_init(&key, secret);
	CU_ASSERT_EQUAL(memcmp(key.round_keys[0], secret, 16), 0);
	CU_ASSERT_EQUAL(memcmp(key.round_keys[1], round_1, 16), 0);
	CU_ASSERT_EQUAL(memcmp(key.round_keys[10], round_10, 16), 0);
}

/* Published cipher examples, each as the last block of a tuple made for it. */
static void test_published_vectors(void)
{
	static const struct {
		const char *source;
		uint8_t key[16], plain[16], cipher[8];
	} vectors[] = {
		{"FIPS 197, appendix B",
		 {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09,
		  0xcf, 0x4f, 0x3c},
		 {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0,
		  0x37, 0x07, 0x34},
		 {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb}},
		{"FIPS 197, appendix C.1",
		 {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
		  0x0d, 0x0e, 0x0f},
		 {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
		  0xdd, 0xee, 0xff},
		 {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30}},
		{"NIST SP 800-38A, appendix F.1.1, block 1",
		 {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09,
		  0xcf, 0x4f, 0x3c},
		 {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73,
		  0x93, 0x17, 0x2a},
		 {0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60}},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct mr_tuple tuple = tuple_ending_in(vectors[i].key, vectors[i].plain);
		struct mr_hash_key key;
		uint64_t expected;

		memcpy(&expected, vectors[i].cipher, sizeof(expected));
		expected = rte_le_to_cpu_64(expected);
		mr_hash_key_init(&key, vectors[i].key);
		if (mr_session_hash_portable(&key, &tuple) != expected)
			printf("%s ", vectors[i].source);
		CU_ASSERT_EQUAL(mr_session_hash_portable(&key, &tuple), expected);
		CU_ASSERT_EQUAL(mr_session_hash(&key, &tuple), expected);
	}
}

/* Both families, and tuples of mixed family, under a new key each. */
static void test_openssl_agrees(void)
{
	for (unsigned int i = 0; i < RANDOM_TUPLES; i++) {
		const struct mr_tuple tuple = random_tuple(i & 1, i & 2);
		struct mr_hash_key key;
		uint8_t secret[16];
		uint64_t expected;

		random_bytes(secret, sizeof(secret));
		mr_hash_key_init(&key, secret);
		expected = expected_hash(secret, &tuple);
		CU_ASSERT_EQUAL_FATAL(mr_session_hash_portable(&key, &tuple), expected);
		CU_ASSERT_EQUAL_FATAL(mr_session_hash(&key, &tuple), expected);
		key.aes_instructions = false;
		CU_ASSERT_EQUAL_FATAL(mr_session_hash(&key, &tuple), expected);
	}
}

/* However many there are, in whatever order the families come. */
static void test_many_agree_with_one(void)
{
	struct mr_tuple tuples[MANY_MAX];
	const struct mr_tuple *pointers[MANY_MAX];
	uint64_t hashes[MANY_MAX + 1];
	uint8_t secret[16];

	for (unsigned int i = 0; i < RANDOM_TUPLES / 10; i++) {
		const uint32_t count = i % (MANY_MAX + 1);
		struct mr_hash_key key;

		random_bytes(secret, sizeof(secret));
		mr_hash_key_init(&key, secret);
		key.aes_instructions &= i % 8 != 0;
		for (uint32_t j = 0; j < count; j++) {
			tuples[j] = random_tuple(random_byte() & 1, random_byte() & 1);
			pointers[j] = &tuples[j];
		}
		hashes[count] = 0;
		mr_session_hash_many(&key, pointers, count, hashes);
		CU_ASSERT_EQUAL_FATAL(hashes[count], 0);
		for (uint32_t j = 0; j < count; j++)
			CU_ASSERT_EQUAL_FATAL(hashes[j],
					      mr_session_hash_portable(&key, &tuples[j]));
	}
}

/* As a tuple lies in a packet, in a block that ends where reading may. Returns that block. */
static uint8_t *wire_of(const struct mr_tuple *tuple, bool v4)
{
	const size_t skip = v4 ? 12 : 0, bytes = v4 ? 4 : 16;
	uint8_t *wire = malloc(v4 ? 16 : 36);

	if (wire == NULL)
		abort();
	memcpy(wire, &tuple->client.bytes[skip], bytes);
	memcpy(&wire[bytes], &tuple->service.bytes[skip], bytes);
	memcpy(&wire[2 * bytes], &tuple->client_port, 2);
	memcpy(&wire[2 * bytes + 2], &tuple->service_port, 2);
	if (v4)
		random_bytes(&wire[12], 4); /* the sequence number, which says nothing */
	return wire;
}

static void check_wires(const struct mr_hash_key *key, bool v4, uint32_t count)
{
	uint64_t hashes[MANY_MAX + 1], portable[MANY_MAX + 1];
	struct mr_tuple tuples[MANY_MAX];
	uint8_t *wires[MANY_MAX] = {NULL};

	for (uint32_t i = 0; i < count; i++) {
		tuples[i] = random_tuple(v4, v4);
		wires[i] = wire_of(&tuples[i], v4);
	}
	hashes[count] = portable[count] = 0;
	mr_session_hash_wire(key, (const void *const *)wires, v4, count, hashes);
	mr_session_hash_wire_portable(key, (const void *const *)wires, v4, count, portable);
	CU_ASSERT_EQUAL_FATAL(hashes[count], 0);
	CU_ASSERT_EQUAL_FATAL(portable[count], 0);
	for (uint32_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL_FATAL(hashes[i], mr_session_hash(key, &tuples[i]));
		CU_ASSERT_EQUAL_FATAL(portable[i], hashes[i]);
		free(wires[i]);
	}
}

/* Where they lie in packets, sessions have the same hashes as where they are told of. */
static void test_wires_agree_with_tuples(void)
{
	uint8_t secret[16];

	for (unsigned int i = 0; i < RANDOM_TUPLES / 10; i++) {
		struct mr_hash_key key;

		random_bytes(secret, sizeof(secret));
		mr_hash_key_init(&key, secret);
		key.aes_instructions &= i / (MANY_MAX + 1) % 8 != 0;
		key.wide_aes &= key.aes_instructions && i / (MANY_MAX + 1) % 2 != 0;
		check_wires(&key, true, i % (MANY_MAX + 1));
		check_wires(&key, false, i % (MANY_MAX + 1));
	}
}

/* Without this, a CPU with AES instructions would test the portable code twice. */
static void test_aes_instructions_are_used(void)
{
	const uint8_t secret[16] = {0};
	struct mr_hash_key key;

	mr_hash_key_init(&key, secret);
#if defined(__x86_64__)
	CU_ASSERT_EQUAL(key.aes_instructions, __builtin_cpu_supports("aes") != 0);
	CU_ASSERT_EQUAL(key.wide_aes, rte_cpu_get_flag_enabled(RTE_CPUFLAG_VAES) > 0 &&
					      __builtin_cpu_supports("avx2"));
#else
	CU_ASSERT_FALSE(key.aes_instructions || key.wide_aes);
#endif
}

/* 0 means a free entry to the pin table. The tuple is made by deciphering such a hash. */
static void test_never_zero(void)
{
	uint8_t secret[16], cipher[16], plain[16];
	struct mr_hash_key key;
	struct mr_tuple tuple;
	const struct mr_tuple *const tuples[] = {&tuple};
	uint64_t hash = 0;
	uint8_t *wire;

	random_bytes(secret, sizeof(secret));
	random_bytes(cipher, sizeof(cipher));
	memset(cipher, 0, 8);
	aes_block(secret, cipher, plain, 0);
	tuple = tuple_ending_in(secret, plain);
	mr_hash_key_init(&key, secret);
	CU_ASSERT_EQUAL(expected_hash(secret, &tuple), 0);
	CU_ASSERT_EQUAL(mr_session_hash(&key, &tuple), 1);
	CU_ASSERT_EQUAL(mr_session_hash_portable(&key, &tuple), 1);
	mr_session_hash_many(&key, tuples, 1, &hash);
	CU_ASSERT_EQUAL(hash, 1);
	wire = wire_of(&tuple, false);
	mr_session_hash_wire(&key, (const void *const *)&wire, false, 1, &hash);
	CU_ASSERT_EQUAL(hash, 1);
	mr_session_hash_wire_portable(&key, (const void *const *)&wire, false, 1, &hash);
	CU_ASSERT_EQUAL(hash, 1);
	free(wire);
}

/* Each single bit of the key, and of the tuple, changes about half of the hash's bits. */
static void assert_avalanche(unsigned int changed_bits, unsigned int trials)
{
	const double mean = (double)changed_bits / trials;
	const double deviation = 4 / sqrt(trials); /* of the mean of 64 fair bits */

	CU_ASSERT(fabs(mean - 32) < 5 * deviation);
}

static void test_key_changes_everything(void)
{
	const struct mr_tuple tuples[] = {random_tuple(true, true), random_tuple(false, false)};
	uint8_t secret[16];
	unsigned int changed = 0;

	random_bytes(secret, sizeof(secret));
	for (unsigned int i = 0; i < 2 * 128; i++) {
		struct mr_hash_key key, other;
		uint64_t difference;

		mr_hash_key_init(&key, secret);
		secret[i / 8 % 16] ^= (uint8_t)(1 << i % 8);
		mr_hash_key_init(&other, secret);
		difference = mr_session_hash(&key, &tuples[i / 128]) ^
			     mr_session_hash(&other, &tuples[i / 128]);
		CU_ASSERT_NOT_EQUAL(difference, 0);
		changed += (unsigned int)__builtin_popcountll(difference);
	}
	assert_avalanche(changed, 2 * 128);
}

static void test_tuple_changes_everything(void)
{
	struct mr_tuple tuple = random_tuple(false, false);
	const struct mr_tuple before = tuple;
	uint8_t *bytes = (uint8_t *)&tuple;
	unsigned int changed = 0;
	struct mr_hash_key key;
	uint8_t secret[16];

	random_bytes(secret, sizeof(secret));
	mr_hash_key_init(&key, secret);
	for (unsigned int i = 0; i < 8 * sizeof(tuple); i++) {
		uint64_t difference;

		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		difference = mr_session_hash(&key, &tuple) ^ mr_session_hash(&key, &before);
		CU_ASSERT_NOT_EQUAL(difference, 0);
		changed += (unsigned int)__builtin_popcountll(difference);
		tuple = before;
	}
	assert_avalanche(changed, 8 * sizeof(tuple));
}

/*
 * Ordinary traffic, client ports counting up from few addresses, spreads over the slots as
 * chance would: chi-square within five standard deviations.
 */
static void assert_even(uint32_t size, bool v4)
{
	uint32_t *hits = calloc(size, sizeof(*hits));
	struct mr_tuple tuple = random_tuple(v4, v4);
	const uint32_t sessions = 16 * size;
	const double expected = (double)sessions / size;
	struct mr_hash_key key;
	double chi_square = 0;
	uint8_t secret[16];

	CU_ASSERT_PTR_NOT_NULL_FATAL(hits);
	random_bytes(secret, sizeof(secret));
	mr_hash_key_init(&key, secret);
	for (uint32_t i = 0; i < sessions; i++) {
		uint32_t slot;

		tuple.client_port = rte_cpu_to_be_16((uint16_t)i);
		tuple.client.bytes[15] = (uint8_t)(i >> 16);
		slot = mr_session_slot(mr_session_hash(&key, &tuple), size);
		CU_ASSERT_FATAL(slot < size);
		hits[slot]++;
	}
	for (uint32_t i = 0; i < size; i++)
		chi_square += (hits[i] - expected) * (hits[i] - expected) / expected;
	CU_ASSERT(fabs(chi_square - (size - 1)) < 5 * sqrt(2.0 * (size - 1)));
	free(hits);
}

static void test_slots_are_even(void)
{
	assert_even(251, true);
	assert_even(251, false);
	assert_even(65537, true);
	assert_even(65537, false);
}

static void test_slot_bounds(void)
{
	CU_ASSERT_EQUAL(mr_session_slot(0, 65537), 0);
	CU_ASSERT_EQUAL(mr_session_slot(UINT64_MAX, 65537), 65536);
	CU_ASSERT_EQUAL(mr_session_slot(UINT64_MAX, 655373), 655372);
	CU_ASSERT_EQUAL(mr_session_slot(UINT64_MAX, 1), 0);
	CU_ASSERT_EQUAL(mr_session_slot(1ULL << 63, 65536), 32768);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_key_schedule),
		UNIT_TEST(test_published_vectors),
		UNIT_TEST(test_openssl_agrees),
		UNIT_TEST(test_many_agree_with_one),
		UNIT_TEST(test_wires_agree_with_tuples),
		UNIT_TEST(test_aes_instructions_are_used),
		UNIT_TEST(test_never_zero),
		UNIT_TEST(test_key_changes_everything),
		UNIT_TEST(test_tuple_changes_everything),
		UNIT_TEST(test_slots_are_even),
		UNIT_TEST(test_slot_bounds),
		CU_TEST_INFO_NULL,
	};

	srand48_r(20090727, &dice);
	return unit_run("session_hash", tests);
}
