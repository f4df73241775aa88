/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/slots.h>

#include <stdlib.h>
#include <string.h>

#include "block.h"

static size_t table_bytes(uint32_t size)
{
	return block_bytes(sizeof(struct mr_slots) + (size_t)size * sizeof(mr_slot));
}

static size_t notes_bytes(uint32_t size)
{
	return block_bytes(sizeof(struct mr_slot_notes) +
			   (size_t)size * (sizeof(mr_stamp) + sizeof(uint8_t)));
}

size_t mr_slots_bytes(uint32_t size)
{
	return table_bytes(size) + notes_bytes(size);
}

static struct mr_slot_notes *notes_create(uint32_t size)
{
	struct mr_slot_notes *notes = block_alloc(notes_bytes(size));

	if (notes == NULL)
		return NULL;
	notes->eras = (uint8_t *)&notes->unknown[size];
	notes->era_count = 1; /* the time 0 */
	return notes;
}

struct mr_slots *mr_slots_create(uint32_t size, struct mr_slots *previous)
{
	struct mr_slots *slots = block_alloc(table_bytes(size));

	if (slots == NULL)
		return NULL;
	slots->notes = previous != NULL ? previous->notes : notes_create(size);
	if (slots->notes == NULL) {
		free(slots);
		return NULL;
	}
	slots->notes->references++;
	slots->references = 1;
	slots->size = size;
	return slots;
}

struct mr_slots *mr_slots_get(struct mr_slots *slots)
{
	slots->references++;
	return slots;
}

void mr_slots_put(struct mr_slots *slots)
{
	if (slots == NULL || --slots->references > 0)
		return;
	if (--slots->notes->references == 0)
		free(slots->notes);
	free(slots);
}

struct mr_slots *mr_slots_copy(const struct mr_slots *slots)
{
	struct mr_slots *copy = mr_slots_create(slots->size, NULL);
	const struct mr_slot_notes *from = slots->notes;
	struct mr_slot_notes *to;

	if (copy == NULL)
		return NULL;
	memcpy(copy->words, slots->words, slots->size * sizeof(slots->words[0]));
	to = copy->notes;
	to->era_count = from->era_count;
	to->last_era = from->last_era;
	memcpy(to->era_s, from->era_s, sizeof(from->era_s));
	memcpy(to->eras, from->eras, slots->size * sizeof(from->eras[0]));
	/* Workers are writing to these. */
	for (uint32_t i = 0; i < slots->size; i++)
		to->unknown[i] = __atomic_load_n(&from->unknown[i], __ATOMIC_RELAXED);
	return copy;
}

void mr_slots_keep_forgotten(struct mr_slots *slots, uint32_t slot, uint32_t now_s)
{
	mr_stamp *stamp = &slots->notes->unknown[slot];
	mr_stamp found = __atomic_load_n(stamp, __ATOMIC_RELAXED);

	if (mr_stamp_read(found, now_s) + (uint64_t)MR_STAMP_FORGOTTEN_S >= now_s)
		return;
	/* What a worker notes meanwhile is newer. */
	__atomic_compare_exchange_n(stamp, &found, mr_stamp_make(now_s - MR_STAMP_FORGOTTEN_S),
				    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The oldest era that began after @after_s, or at some time at all when @after_s is NULL. */
static uint32_t oldest_era(const struct mr_slot_notes *notes, const uint32_t *after_s)
{
	uint32_t oldest = MR_SLOT_ERAS;

	for (uint32_t i = 0; i < notes->era_count; i++) {
		if (after_s != NULL && notes->era_s[i] <= *after_s)
			continue;
		if (oldest == MR_SLOT_ERAS || notes->era_s[i] < notes->era_s[oldest])
			oldest = i;
	}
	return oldest;
}

/* A free one; when all are taken, the slots of the oldest go over to the next. */
static uint32_t take_era(struct mr_slots *slots)
{
	struct mr_slot_notes *notes = slots->notes;
	uint32_t oldest, next;

	if (notes->era_count < MR_SLOT_ERAS)
		return notes->era_count++;
	oldest = oldest_era(notes, NULL);
	next = oldest_era(notes, &notes->era_s[oldest]);
	for (uint32_t i = 0; i < slots->size; i++) {
		if (notes->eras[i] == oldest)
			notes->eras[i] = (uint8_t)next;
	}
	return oldest;
}

/* No two eras have one time. */
static uint32_t era_of(struct mr_slots *slots, uint32_t since_s)
{
	struct mr_slot_notes *notes = slots->notes;
	uint32_t era;

	if (notes->era_s[notes->last_era] == since_s)
		return notes->last_era;
	for (uint32_t i = 0; i < notes->era_count; i++) {
		if (notes->era_s[i] == since_s)
			return i;
	}
	era = take_era(slots);
	notes->era_s[era] = since_s;
	return era;
}

void mr_slots_note_moving(struct mr_slots *slots, uint32_t slot, uint32_t since_s)
{
	slots->notes->last_era = era_of(slots, since_s);
	slots->notes->eras[slot] = (uint8_t)slots->notes->last_era;
}
