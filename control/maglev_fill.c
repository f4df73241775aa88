/* SPDX-License-Identifier: BSD-3-Clause */
#include "maglev_fill.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

/* Progress is counted in parts of a step, so that paces need not be multiples of each other. */
#define STEP_PARTS 16

/*
 * Most looks of a table are at its last few entries: so late almost every one is in vain. From
 * some free entries on it is therefore computed who comes to which of them, and when.
 */
#define FEW_FREE(size) (64 + (size) / 1500)

/* Of so many entries one is free: whether the next one is can be guessed. */
#define MOSTLY_TAKEN 16

/* Of so many walkers one may want no more before the others move up. */
#define GONE_SHARE 16

/*
 * The backends while the table fills, class by class. Arrays, so that a class's positions are
 * advanced several at a time.
 */
struct walkers {
	uint32_t *position; /* next entry of its permutation */
	uint32_t *skip;
	uint32_t *wanted; /* entries that it has still to find */
	uint16_t *value;
	/* Once few entries are free: */
	uint32_t *inverse; /* of its skip, modulo the size */
	uint32_t *ratio;   /* of that to the size, 32 bits after the point */
	uint32_t *hit;	   /* the step of its class in which it next comes to a free entry */
};

/* Those of one weight that still want entries: they walk in step. */
struct class
{
	uint32_t first; /* walker */
	uint32_t count;
	uint32_t steps; /* since few entries are free */
	uint32_t hit;	/* the first of its walkers' */
};

/* When a class steps. */
struct gait {
	uint64_t progress;
	uint64_t weight;
	uint64_t pace; /* weight x entries that they have not come to */
};

struct filling {
	uint16_t *table; /* the caller's */
	uint32_t size;
	uint32_t free_count; /* entries */
	uint32_t few_free;
	uint32_t *free_entries; /* these, once they are few */
	struct walkers walkers;
	uint32_t walker_count;
	struct class *classes; /* the heaviest first */
	struct gait *gaits;    /* of each class */
	uint32_t class_count;
	uint64_t stride;    /* the progress of a step */
	uint64_t fastest;   /* pace */
	uint32_t *stepping; /* classes of this round */
	uint32_t *numbers;  /* what all the above lie in */
};

static void walkers_init(struct filling *filling, const struct maglev_contender *contenders)
{
	const struct walkers *walkers = &filling->walkers;
	const uint32_t size = filling->size;

	for (uint32_t i = 0; i < filling->walker_count; i++) {
		const struct maglev_contender *contender = &contenders[i];

		walkers->position[i] = (uint32_t)(contender->place.offset % size);
		walkers->skip[i] = (uint32_t)(contender->place.skip % (size - 1)) + 1;
		walkers->wanted[i] = contender->wanted;
		walkers->value[i] = contender->value;
	}
}

/* @contenders, whose walkers are there, by weight, the heaviest first. */
static void classes_init(struct filling *filling, const struct maglev_contender *contenders)
{
	uint32_t class_count = 0;

	for (uint32_t i = 0; i < filling->walker_count; i++) {
		if (i == 0 || contenders[i].weight != contenders[i - 1].weight) {
			filling->gaits[class_count] = (struct gait){
				.weight = contenders[i].weight,
				.pace = (uint64_t)contenders[i].weight * filling->size,
			};
			filling->classes[class_count++] = (struct class){.first = i};
		}
		filling->classes[class_count - 1].count++;
	}
	filling->class_count = class_count;
	filling->stride = STEP_PARTS * filling->gaits[0].pace;
	filling->fastest = filling->gaits[0].pace;
	for (uint32_t i = 0; i < class_count; i++)
		filling->gaits[i].progress = filling->stride / 2;
}

static void walkers_move(struct walkers *walkers, uint32_t from, uint32_t count, uint32_t to)
{
	uint32_t *const arrays[] = {walkers->position, walkers->skip,  walkers->wanted,
				    walkers->inverse,  walkers->ratio, walkers->hit};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		memmove(&arrays[i][to], &arrays[i][from], count * sizeof(arrays[i][0]));
	memmove(&walkers->value[to], &walkers->value[from], count * sizeof(walkers->value[0]));
}

/* Who has found all it wants leaves; the others keep their order. */
static void class_move_up(struct filling *filling, struct class *class)
{
	const uint32_t *wanted = filling->walkers.wanted;
	const uint32_t end = class->first + class->count;
	uint32_t to = class->first, from = to;

	while (from < end) {
		uint32_t next = from;

		while (next < end && wanted[next] > 0)
			next++;
		if (from != to && next > from)
			walkers_move(&filling->walkers, from, next - from, to);
		to += next - from;
		from = next + 1;
	}
	class->count = to - class->first;
}

static void drop_empty_classes(struct filling *filling)
{
	uint64_t fastest = 1;
	uint32_t count = 0;

	for (uint32_t i = 0; i < filling->class_count; i++) {
		if (filling->classes[i].count == 0)
			continue;
		filling->classes[count] = filling->classes[i];
		if (filling->gaits[i].pace > fastest)
			fastest = filling->gaits[i].pace;
		filling->gaits[count++] = filling->gaits[i];
	}
	filling->class_count = count;
	filling->fastest = fastest;
}

static uint32_t advanced(uint32_t position, uint32_t skip, uint32_t size)
{
	const uint32_t next = position + skip, wrapped = next - size;

	return next < wrapped ? next : wrapped;
}

/* What looks take and bring. A copy: a store to an entry might be one to a filling's fields. */
struct looks {
	struct walkers walkers;
	uint16_t *table;
	uint32_t size;
	uint32_t found; /* free entries */
};

static inline struct looks looks_at(const struct filling *filling)
{
	return (struct looks){filling->walkers, filling->table, filling->size, 0};
}

/*
 * Walker @i looks at its entry. Without a branch as long as whether it is free is as good as
 * random; with one that is rarely taken when a store for each look would cost more. Returns
 * whether it wants no more since.
 */
static inline bool walker_look(struct looks *looks, uint32_t i, bool mostly_taken)
{
	const struct walkers *walkers = &looks->walkers;
	uint16_t *entry = &looks->table[walkers->position[i]];
	const uint16_t old = *entry;
	const uint32_t is_free = old == MAGLEV_NONE;
	uint32_t wanted;

	if (mostly_taken && (__builtin_expect(!is_free, 1) || walkers->wanted[i] == 0))
		return false;
	wanted = walkers->wanted[i] - is_free;
	*entry = (uint16_t)(old & (walkers->value[i] | (is_free - 1)));
	walkers->wanted[i] = wanted;
	looks->found += is_free;
	return wanted == 0;
}

/* Everyone in the class looks. Returns how many want no more since. */
static inline uint32_t class_look(struct looks *looks, const struct class *class, bool mostly_taken)
{
	const struct walkers *walkers = &looks->walkers;
	const uint32_t first = class->first, end = first + class->count;
	uint32_t gone = 0;

	if (class->count == 1) {
		gone = walker_look(looks, first, mostly_taken);
		walkers->position[first] =
			advanced(walkers->position[first], walkers->skip[first], looks->size);
		return gone;
	}
	for (uint32_t i = first; i < end; i++)
		gone += walker_look(looks, i, mostly_taken);
	for (uint32_t i = first; i < end; i++)
		walkers->position[i] =
			advanced(walkers->position[i], walkers->skip[i], looks->size);
	return gone;
}

/*
 * Who has made progress enough steps; lists these classes in their order, and returns how many
 * they are. The next round is as long as the fastest can go without stepping twice.
 *
 * At a steady pace a walker would come to its unseen entries ever more densely, a heavy one
 * more so than a light one. With a pace of weight x unseen entries a backend's chance to be
 * first at an entry goes by its weight at any time, whatever else is in the pool, as in weighted
 * rendezvous hashing.
 */
static uint32_t classes_go(struct filling *filling)
{
	const uint32_t count = filling->class_count;
	const uint64_t stride = filling->stride, round = stride / filling->fastest;
	uint64_t fastest = 1;
	uint32_t stepping = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct gait *gait = &filling->gaits[i];
		const uint64_t progress = gait->progress + gait->pace * round;
		const uint64_t steps = progress >= stride;

		gait->progress = progress - (stride & -steps);
		gait->pace -= gait->weight & -steps;
		fastest = gait->pace > fastest ? gait->pace : fastest;
		filling->stepping[stepping] = i;
		stepping += (uint32_t)steps;
	}
	filling->fastest = fastest;
	return stepping;
}

static inline void classes_look(struct filling *filling, uint32_t stepping, bool mostly_taken)
{
	struct looks looks = looks_at(filling);
	const uint32_t *const list = filling->stepping;
	struct class *const classes = filling->classes;
	bool emptied = false;

	for (uint32_t i = 0; i < stepping; i++) {
		struct class *class = &classes[list[i]];

		if (class_look(&looks, class, mostly_taken) == 0)
			continue;
		class_move_up(filling, class);
		emptied |= class->count == 0;
	}
	filling->free_count -= looks.found;
	if (emptied)
		drop_empty_classes(filling);
}

static void round_look(struct filling *filling)
{
	const uint32_t stepping = classes_go(filling);
	const bool mostly_taken = filling->free_count < filling->size / MOSTLY_TAKEN;

	if (mostly_taken)
		classes_look(filling, stepping, true);
	else
		classes_look(filling, stepping, false);
}

/*
 * The only class looks until @free_count entries are free. It steps in every round, so that what
 * becomes of its progress is of no matter. Who wants no more stays while there are few of them.
 */
static inline void look_until(struct filling *filling, uint32_t free_count, bool mostly_taken)
{
	struct class *class = &filling->classes[0];
	struct looks looks = looks_at(filling);
	uint32_t gone = 0;

	while (filling->free_count > looks.found + free_count) {
		gone += class_look(&looks, class, mostly_taken);
		if (gone == 0 || (mostly_taken && gone < class->count / GONE_SHARE))
			continue;
		class_move_up(filling, class);
		gone = 0;
	}
	filling->free_count -= looks.found;
	class_move_up(filling, class);
}

/* The multiplicative inverse of @skip modulo @size, a prime: by Euclid's algorithm. */
static uint32_t inverse_of(uint32_t skip, uint32_t size)
{
	int64_t inverse = 1, before = 0;
	uint32_t rest = skip, divisor = size;

	while (rest != 1) {
		const uint32_t quotient = divisor / rest, next = divisor % rest;
		const int64_t next_inverse = before - quotient * inverse;

		before = inverse;
		inverse = next_inverse;
		divisor = rest;
		rest = next;
	}
	return (uint32_t)(inverse < 0 ? inverse + size : inverse);
}

/*
 * To which free entry the walker comes first. None of them lies behind it: it would have taken it.
 * An entry is (entry - position) / skip steps away, modulo the size. The multiplication by the
 * inverse is Shoup's, whose quotient is too small by one at most.
 */
static void walker_look_ahead(const struct filling *filling, uint32_t i)
{
	const struct walkers *walkers = &filling->walkers;
	const uint32_t size = filling->size, position = walkers->position[i];
	const uint32_t inverse = walkers->inverse[i], ratio = walkers->ratio[i];
	uint32_t nearest = UINT32_MAX;

	for (uint32_t n = 0; n < filling->free_count; n++) {
		const uint32_t ahead = advanced(filling->free_entries[n], size - position, size);
		const uint32_t quotient = (uint32_t)((uint64_t)ahead * ratio >> 32);
		const uint32_t steps = ahead * inverse - quotient * size;
		const uint32_t reduced = steps < steps - size ? steps : steps - size;

		nearest = reduced < nearest ? reduced : nearest;
	}
	walkers->hit[i] = nearest;
}

static void class_find_hit(const struct filling *filling, struct class *class)
{
	const uint32_t *hits = filling->walkers.hit + class->first;
	uint32_t nearest = UINT32_MAX;

	for (uint32_t i = 0; i < class->count; i++)
		nearest = hits[i] < nearest ? hits[i] : nearest;
	class->hit = nearest;
}

static void class_look_ahead(struct filling *filling, struct class *class)
{
	const struct walkers *walkers = &filling->walkers;

	for (uint32_t i = class->first; i < class->first + class->count; i++) {
		const uint32_t inverse = inverse_of(walkers->skip[i], filling->size);

		walkers->inverse[i] = inverse;
		walkers->ratio[i] = (uint32_t)(((uint64_t)inverse << 32) / filling->size);
		walker_look_ahead(filling, i);
	}
	class->steps = 0;
	class_find_hit(filling, class);
}

static void look_ahead(struct filling *filling)
{
	uint32_t count = 0;

	for (uint32_t i = 0; count < filling->free_count; i++) {
		if (filling->table[i] == MAGLEV_NONE)
			filling->free_entries[count++] = i;
	}
	for (uint32_t i = 0; i < filling->class_count; i++)
		class_look_ahead(filling, &filling->classes[i]);
}

/* Where a walker is after the step in which it hits something. */
static uint32_t entry_of_hit(const struct filling *filling, uint32_t i)
{
	const struct walkers *walkers = &filling->walkers;

	return (uint32_t)((walkers->position[i] + (uint64_t)walkers->hit[i] * walkers->skip[i]) %
			  filling->size);
}

/* False: someone was faster. */
static bool take_entry(struct filling *filling, uint32_t entry, uint16_t value)
{
	uint32_t n = 0;

	if (filling->table[entry] != MAGLEV_NONE)
		return false;
	filling->table[entry] = value;
	while (filling->free_entries[n] != entry)
		n++;
	filling->free_entries[n] = filling->free_entries[--filling->free_count];
	return true;
}

/* The class's step in which at least one walker comes to an entry that was free. */
static void class_hit(struct filling *filling, struct class *class)
{
	const struct walkers *walkers = &filling->walkers;
	bool gone = false;

	for (uint32_t i = class->first; i < class->first + class->count; i++) {
		if (walkers->hit[i] != class->hit)
			continue;
		walkers->wanted[i] -=
			take_entry(filling, entry_of_hit(filling, i), walkers->value[i]);
		if (walkers->wanted[i] > 0)
			walker_look_ahead(filling, i);
		else
			gone = true;
	}
	if (gone)
		class_move_up(filling, class);
	class_find_hit(filling, class);
}

static void round_look_ahead(struct filling *filling)
{
	const uint32_t stepping = classes_go(filling);
	bool emptied = false;

	for (uint32_t i = 0; i < stepping; i++) {
		struct class *class = &filling->classes[filling->stepping[i]];

		if (class->steps++ != class->hit)
			continue;
		class_hit(filling, class);
		emptied |= class->count == 0;
	}
	if (emptied)
		drop_empty_classes(filling);
}

static void fill(struct filling *filling)
{
	const uint32_t mostly = RTE_MAX(filling->size / MOSTLY_TAKEN, filling->few_free);

	while (filling->class_count > 1 && filling->free_count > filling->few_free)
		round_look(filling);
	look_until(filling, mostly, false);
	look_until(filling, filling->few_free, true);
	look_ahead(filling);
	while (filling->class_count > 1)
		round_look_ahead(filling);
	while (filling->free_count > 0)
		class_hit(filling, &filling->classes[0]);
}

/* -ENOMEM: there is nothing to free. */
static int filling_init(struct filling *filling, uint32_t count)
{
	uint32_t *next;

	filling->walker_count = count;
	filling->few_free = FEW_FREE(filling->size);
	filling->classes = calloc(count, sizeof(*filling->classes));
	filling->gaits = calloc(count, sizeof(*filling->gaits));
	filling->numbers = calloc(8 * (count + 1) + filling->few_free, sizeof(*next));
	if (filling->classes == NULL || filling->gaits == NULL || filling->numbers == NULL)
		return -ENOMEM;
	next = filling->numbers;
	filling->walkers = (struct walkers){
		.position = next,
		.skip = next + (count + 1),
		.wanted = next + 2 * (count + 1),
		.inverse = next + 3 * (count + 1),
		.ratio = next + 4 * (count + 1),
		.hit = next + 5 * (count + 1),
		.value = (uint16_t *)(next + 6 * (count + 1)),
	};
	filling->stepping = next + 7 * (count + 1);
	filling->free_entries = next + 8 * (count + 1);
	return 0;
}

static void filling_fini(struct filling *filling)
{
	free(filling->numbers);
	free(filling->gaits);
	free(filling->classes);
}

int maglev_fill(const struct maglev_contender *contenders, uint32_t count, uint32_t size,
		uint16_t *table)
{
	struct filling filling = {.size = size, .free_count = size};
	const int rc = filling_init(&filling, count);

	filling.table = table;
	if (rc == 0) {
		walkers_init(&filling, contenders);
		classes_init(&filling, contenders);
		fill(&filling);
	}
	filling_fini(&filling);
	return rc;
}
