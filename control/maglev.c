/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* A backend while the table fills. */
struct turn {
	const struct maglev_backend *backend;
	uint32_t position; /* next entry of its permutation */
	uint32_t skip;
	uint64_t due; /* takes a turn when round x weight has reached this */
};

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

/* Turns are taken in the order of places, so that the order in a file means nothing. */
static int compare_turns(const void *left, const void *right)
{
	const struct maglev_place *a = &((const struct turn *)left)->backend->place;
	const struct maglev_place *b = &((const struct turn *)right)->backend->place;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->skip > b->skip) - (a->skip < b->skip);
}

static uint32_t turns_init(struct turn *turns, const struct maglev_backend *backends,
			   uint32_t count, uint32_t size)
{
	uint32_t taking = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct maglev_backend *backend = &backends[i];

		if (backend->weight == 0)
			continue;
		turns[taking++] = (struct turn){
			.backend = backend,
			.position = (uint32_t)(backend->place.offset % size),
			.skip = (uint32_t)(backend->place.skip % (size - 1)) + 1,
		};
	}
	qsort(turns, taking, sizeof(*turns), compare_turns);
	return taking;
}

static void take_next_free(struct turn *turn, uint32_t size, uint16_t *table)
{
	while (table[turn->position] != MAGLEV_NONE) {
		turn->position += turn->skip;
		if (turn->position >= size)
			turn->position -= size;
	}
	table[turn->position] = turn->backend->value;
}

static void fill(struct turn *turns, uint32_t count, uint32_t size, uint16_t *table)
{
	uint32_t heaviest = 0;
	uint32_t filled = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (turns[i].backend->weight > heaviest)
			heaviest = turns[i].backend->weight;
	}
	for (uint64_t round = 1;; round++) {
		for (uint32_t i = 0; i < count; i++) {
			struct turn *turn = &turns[i];

			/* The heaviest is due in every round, the others in their share of them. */
			if (round * turn->backend->weight < turn->due)
				continue;
			turn->due += heaviest;
			take_next_free(turn, size, table);
			if (++filled == size)
				return;
		}
	}
}

int maglev_build(const struct maglev_backend *backends, uint32_t count, uint32_t size,
		 uint16_t *out_table)
{
	struct turn *turns = calloc(count > 0 ? count : 1, sizeof(*turns));

	if (turns == NULL)
		return -ENOMEM;
	memset(out_table, 0xff, size * sizeof(*out_table));
	count = turns_init(turns, backends, count, size);
	if (count > 0)
		fill(turns, count, size, out_table);
	free(turns);
	return 0;
}
