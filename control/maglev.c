/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "maglev_fill.h"

void maglev_place_of(const uint8_t key[MAGLEV_KEY_BYTES], const char *name,
		     struct maglev_place *out)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint64_t words[2];

	HMAC(EVP_sha256(), key, MAGLEV_KEY_BYTES, (const uint8_t *)name, strlen(name), digest,
	     NULL);
	memcpy(words, digest, sizeof(words));
	out->offset = le64toh(words[0]);
	out->skip = le64toh(words[1]);
}

/* What nothing else decides, the place does, so that the order in a file means nothing. */
static int compare_places(const struct maglev_place *a, const struct maglev_place *b)
{
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->skip > b->skip) - (a->skip < b->skip);
}

static int by_remainder(const void *left, const void *right)
{
	const struct maglev_contender *a = left;
	const struct maglev_contender *b = right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return compare_places(&a->place, &b->place);
}

static int by_weight(const void *left, const void *right)
{
	const struct maglev_contender *a = left;
	const struct maglev_contender *b = right;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return compare_places(&a->place, &b->place);
}

/* Where all weights are equal they are in order already, by the same that remainders left open. */
static void sort_by_weight(struct maglev_contender *contenders, uint32_t count)
{
	uint32_t sorted = 1;

	while (sorted < count && by_weight(&contenders[sorted - 1], &contenders[sorted]) <= 0)
		sorted++;
	if (sorted < count)
		qsort(contenders, count, sizeof(*contenders), by_weight);
}

static uint32_t contenders_init(struct maglev_contender *contenders,
				const struct maglev_backend *backends, uint32_t count)
{
	uint32_t contending = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (backends[i].weight == 0)
			continue;
		contenders[contending++] = (struct maglev_contender){
			.place = backends[i].place,
			.weight = backends[i].weight,
			.value = backends[i].value,
		};
	}
	return contending;
}

/* Shares out @size entries by the largest remainders; returns how many contenders get any. */
static uint32_t share_out(struct maglev_contender *contenders, uint32_t count, uint32_t size)
{
	uint64_t weights = 0;
	uint32_t left = size;
	uint32_t wanting = 0;

	for (uint32_t i = 0; i < count; i++)
		weights += contenders[i].weight;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t share = (uint64_t)size * contenders[i].weight;

		contenders[i].wanted = (uint32_t)(share / weights);
		contenders[i].remainder = share % weights;
		left -= contenders[i].wanted;
	}
	qsort(contenders, count, sizeof(*contenders), by_remainder);
	for (uint32_t i = 0; i < left; i++)
		contenders[i].wanted++;
	for (uint32_t i = 0; i < count; i++) {
		if (contenders[i].wanted > 0)
			contenders[wanting++] = contenders[i];
	}
	return wanting;
}

int maglev_build(const struct maglev_backend *backends, uint32_t count, uint32_t size,
		 uint16_t *out_table)
{
	struct maglev_contender *contenders = calloc(count + 1, sizeof(*contenders));
	int rc = 0;

	if (contenders == NULL)
		return -ENOMEM;
	memset(out_table, 0xff, size * sizeof(*out_table));
	count = contenders_init(contenders, backends, count);
	if (count > 0) {
		count = share_out(contenders, count, size);
		sort_by_weight(contenders, count);
		rc = maglev_fill(contenders, count, size, out_table);
	}
	free(contenders);
	return rc;
}
