/* SPDX-License-Identifier: BSD-3-Clause */
#include "fingerprint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static const char label[] = "mailrail fingerprint 1";

#define NOBODY UINT16_MAX

/* The backends that are current, in order, and their numbers in that order. */
struct line_up {
	const struct backend **backends;
	uint32_t count;
	uint16_t numbers[MR_BACKEND_NONE + 1]; /* by id */
};

static int compare_backends(const void *left, const void *right)
{
	const struct backend *a = *(const struct backend *const *)left;
	const struct backend *b = *(const struct backend *const *)right;
	const int order = strcmp(a->name, b->name);

	return order != 0 ? order : mr_addr_compare(&a->address, &b->address);
}

static void line_up_free(struct line_up *line_up)
{
	if (line_up != NULL)
		free(line_up->backends);
	free(line_up);
}

static struct line_up *line_up_create(const struct pool *pool)
{
	struct line_up *line_up = calloc(1, sizeof(*line_up));

	if (line_up != NULL)
		line_up->backends = calloc(pool->member_count + 1, sizeof(*line_up->backends));
	if (line_up == NULL || line_up->backends == NULL) {
		line_up_free(line_up);
		return NULL;
	}
	memset(line_up->numbers, 0xff, sizeof(line_up->numbers));
	for (uint32_t i = 0; i < pool->slots->size; i++)
		line_up->numbers[mr_slot_current(pool->slots->words[i])] = 0;
	for (uint32_t i = 0; i < pool->member_count; i++) {
		const struct backend *backend = pool->members[i].backend;

		if (line_up->numbers[backend->id] != NOBODY)
			line_up->backends[line_up->count++] = backend;
	}
	line_up->numbers[MR_BACKEND_NONE] = NOBODY;
	qsort(line_up->backends, line_up->count, sizeof(*line_up->backends), compare_backends);
	for (uint32_t i = 0; i < line_up->count; i++)
		line_up->numbers[line_up->backends[i]->id] = (uint16_t)i;
	return line_up;
}

static bool add_text(EVP_MAC_CTX *mac, const char *text)
{
	return EVP_MAC_update(mac, (const uint8_t *)text, strlen(text) + 1);
}

static bool add_number(EVP_MAC_CTX *mac, uint32_t number)
{
	const uint32_t big_endian = htonl(number);

	return EVP_MAC_update(mac, (const uint8_t *)&big_endian, sizeof(big_endian));
}

static bool add_backends(EVP_MAC_CTX *mac, const struct line_up *line_up)
{
	for (uint32_t i = 0; i < line_up->count; i++) {
		const struct backend *backend = line_up->backends[i];

		if (!add_text(mac, backend->name) ||
		    !EVP_MAC_update(mac, backend->address.bytes, sizeof(backend->address.bytes)))
			return false;
	}
	return true;
}

static bool add_slots(EVP_MAC_CTX *mac, const struct line_up *line_up, const struct mr_slots *slots)
{
	uint16_t *numbers = calloc(slots->size, sizeof(*numbers));
	bool ok = numbers != NULL;

	for (uint32_t i = 0; ok && i < slots->size; i++)
		numbers[i] = htons(line_up->numbers[mr_slot_current(slots->words[i])]);
	ok = ok && EVP_MAC_update(mac, (const uint8_t *)numbers, slots->size * sizeof(*numbers));
	free(numbers);
	return ok;
}

static bool begin(EVP_MAC_CTX *mac, const uint8_t key[CONFIG_KEY_BYTES])
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key, CONFIG_KEY_BYTES, params);
}

static bool digest_pool(EVP_MAC_CTX *mac, const struct pool *pool, const struct line_up *line_up,
			const uint8_t key[CONFIG_KEY_BYTES], uint8_t out[FINGERPRINT_BYTES])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t size;

	if (!begin(mac, key) || !add_text(mac, label) || !add_text(mac, pool->name) ||
	    !add_number(mac, pool->slots->size) || !add_number(mac, line_up->count) ||
	    !add_backends(mac, line_up) || !add_slots(mac, line_up, pool->slots) ||
	    !EVP_MAC_final(mac, digest, &size, sizeof(digest)))
		return false;
	memcpy(out, digest, FINGERPRINT_BYTES);
	return true;
}

int fingerprint_make(const struct pool *pool, const uint8_t key[CONFIG_KEY_BYTES],
		     uint8_t out[FINGERPRINT_BYTES])
{
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
	struct line_up *line_up = line_up_create(pool);
	bool ok = mac != NULL && line_up != NULL && digest_pool(mac, pool, line_up, key, out);

	line_up_free(line_up);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(algorithm);
	return ok ? 0 : -ENOMEM;
}
