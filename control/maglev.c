/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* Progress is counted in parts of a step, so that paces need not be multiples of each other. */
#define STEP_PARTS 16

/* A backend while the table fills. */
struct walker {
	struct maglev_place place;
	uint64_t remainder; /* of its exact share */
	uint32_t weight;
	uint32_t position; /* next entry of its permutation */
	uint32_t skip;
	uint32_t wanted; /* entries that it has still to find */
	uint16_t value;
};

/* Those of one weight that still want entries: they walk in step. */
struct class
{
	struct walker *walkers; /* borrowed */
	uint32_t count;
	uint32_t weight;
	uint64_t pace; /* weight x entries that they have not come to */
	uint64_t progress;
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

/* What nothing else decides, the place does, so that the order in a file means nothing. */
static int compare_places(const struct maglev_place *a, const struct maglev_place *b)
{
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->skip > b->skip) - (a->skip < b->skip);
}

static int by_remainder(const void *left, const void *right)
{
	const struct walker *a = left;
	const struct walker *b = right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return compare_places(&a->place, &b->place);
}

static int by_weight(const void *left, const void *right)
{
	const struct walker *a = left;
	const struct walker *b = right;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return compare_places(&a->place, &b->place);
}

static uint32_t walkers_init(struct walker *walkers, const struct maglev_backend *backends,
			     uint32_t count, uint32_t size)
{
	uint32_t walking = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct maglev_backend *backend = &backends[i];

		if (backend->weight == 0)
			continue;
		walkers[walking++] = (struct walker){
			.place = backend->place,
			.weight = backend->weight,
			.position = (uint32_t)(backend->place.offset % size),
			.skip = (uint32_t)(backend->place.skip % (size - 1)) + 1,
			.value = backend->value,
		};
	}
	return walking;
}

/* Shares out @size entries by the largest remainders; returns how many walkers get any. */
static uint32_t share_out(struct walker *walkers, uint32_t count, uint32_t size)
{
	uint64_t weights = 0;
	uint32_t left = size;
	uint32_t wanting = 0;

	for (uint32_t i = 0; i < count; i++)
		weights += walkers[i].weight;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t share = (uint64_t)size * walkers[i].weight;

		walkers[i].wanted = (uint32_t)(share / weights);
		walkers[i].remainder = share % weights;
		left -= walkers[i].wanted;
	}
	qsort(walkers, count, sizeof(*walkers), by_remainder);
	for (uint32_t i = 0; i < left; i++)
		walkers[i].wanted++;
	for (uint32_t i = 0; i < count; i++) {
		if (walkers[i].wanted > 0)
			walkers[wanting++] = walkers[i];
	}
	return wanting;
}

/* @walkers by weight, the heaviest first. Returns the number of classes. */
static uint32_t classes_init(struct class *classes, struct walker *walkers, uint32_t count,
			     uint32_t size)
{
	uint32_t class_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || walkers[i].weight != walkers[i - 1].weight)
			classes[class_count++] = (struct class){
				.walkers = &walkers[i],
				.weight = walkers[i].weight,
				.pace = (uint64_t)walkers[i].weight * size,
			};
		classes[class_count - 1].count++;
	}
	return class_count;
}

/* Everyone in the class looks at its next entry; who has found all it wants leaves. */
static void class_step(struct class *class, uint32_t size, uint16_t *table)
{
	uint32_t wanting = 0;

	class->pace -= class->weight;
	for (uint32_t i = 0; i < class->count; i++) {
		struct walker *walker = &class->walkers[i];
		uint16_t *entry = &table[walker->position];

		walker->position += walker->skip;
		if (walker->position >= size)
			walker->position -= size;
		__builtin_prefetch(&table[walker->position]); /* a round will have passed */
		if (*entry == MAGLEV_NONE) {
			*entry = walker->value;
			walker->wanted--;
		}
		if (walker->wanted == 0)
			continue;
		if (wanting != i)
			class->walkers[wanting] = *walker;
		wanting++;
	}
	class->count = wanting;
}

/*
 * In a round each class makes progress by its pace, and steps when it has a stride together; a
 * round is as long as the fastest can go without stepping twice.
 *
 * At a steady pace a walker would come to its unseen entries ever more densely, a heavy one
 * more so than a light one. With a pace of weight x unseen entries a backend's chance to be
 * first at an entry goes by its weight at any time, whatever else is in the pool, as in weighted
 * rendezvous hashing.
 */
static void fill(struct class *classes, uint32_t count, uint32_t size, uint16_t *table)
{
	const uint64_t stride = STEP_PARTS * classes[0].pace;
	uint64_t round = STEP_PARTS;

	for (uint32_t i = 0; i < count; i++)
		classes[i].progress = stride / 2;
	while (count > 0) {
		uint64_t fastest = 1;
		uint32_t walking = 0;

		for (uint32_t i = 0; i < count; i++) {
			struct class *class = &classes[i];

			class->progress += class->pace * round;
			if (class->progress >= stride) {
				class->progress -= stride;
				class_step(class, size, table);
			}
			if (class->count == 0)
				continue;
			if (class->pace > fastest)
				fastest = class->pace;
			if (walking != i)
				classes[walking] = *class;
			walking++;
		}
		count = walking;
		round = stride / fastest;
	}
}

int maglev_build(const struct maglev_backend *backends, uint32_t count, uint32_t size,
		 uint16_t *out_table)
{
	struct walker *walkers = calloc(count + 1, sizeof(*walkers));
	struct class *classes = calloc(count + 1, sizeof(*classes));
	int rc = -ENOMEM;

	if (walkers == NULL || classes == NULL)
		goto out;
	memset(out_table, 0xff, size * sizeof(*out_table));
	rc = 0;
	count = walkers_init(walkers, backends, count, size);
	if (count == 0)
		goto out;
	count = share_out(walkers, count, size);
	qsort(walkers, count, sizeof(*walkers), by_weight);
	count = classes_init(classes, walkers, count, size);
	fill(classes, count, size, out_table);
out:
	free(walkers);
	free(classes);
	return rc;
}
