/* SPDX-License-Identifier: BSD-3-Clause */
#include "wheel.h"

#include <string.h>

#define LEVEL_BITS 8

static struct wheel_node *node_at(const struct wheel *wheel, uint32_t index)
{
	return (void *)((char *)wheel->elements + (size_t)index * wheel->size_bytes);
}

void wheel_init(struct wheel *wheel, void *elements, uint32_t size_bytes)
{
	*wheel = (struct wheel){
		.elements = elements,
		.size_bytes = size_bytes,
		.due_first = WHEEL_NONE,
		.due_last = WHEEL_NONE,
	};
	memset(wheel->slots, 0xff, sizeof(wheel->slots));
}

/* Ticks wrap: what is less than half their range ahead is later. */
static bool is_later(uint32_t tick, uint32_t than)
{
	return (int32_t)(tick - than) > 0;
}

static void append_due(struct wheel *wheel, uint32_t index)
{
	node_at(wheel, index)->next = WHEEL_NONE;
	if (wheel->due_first == WHEEL_NONE)
		wheel->due_first = index;
	else
		node_at(wheel, wheel->due_last)->next = index;
	wheel->due_last = index;
}

/* The level is that of the highest digit (of base 256) in which @due and the time differ. */
void wheel_add(struct wheel *wheel, uint32_t index, uint32_t due)
{
	struct wheel_node *node = node_at(wheel, index);
	uint32_t difference, level, *slot;

	node->due = due;
	if (!is_later(due, wheel->now)) {
		append_due(wheel, index);
		return;
	}
	difference = due ^ wheel->now;
	level = (31 - (uint32_t)__builtin_clz(difference)) / LEVEL_BITS;
	slot = &wheel->slots[level][due >> level * LEVEL_BITS & (WHEEL_SLOTS - 1)];
	node->next = *slot;
	*slot = index;
}

/* Deals a slot out again, now that the time has reached its first tick. */
static void deal(struct wheel *wheel, uint32_t level)
{
	uint32_t *slot = &wheel->slots[level][wheel->now >> level * LEVEL_BITS & (WHEEL_SLOTS - 1)];
	uint32_t index = *slot;

	*slot = WHEEL_NONE;
	while (index != WHEEL_NONE) {
		const struct wheel_node *node = node_at(wheel, index);
		const uint32_t next = node->next;

		__builtin_prefetch(node_at(wheel, next != WHEEL_NONE ? next : index));
		wheel_add(wheel, index, node->due);
		index = next;
	}
}

/* Moves on to the next tick that may have something due; false at @until. */
static bool advance(struct wheel *wheel, uint32_t until)
{
	uint32_t level = 0;

	do {
		if (!is_later(until, wheel->now))
			return false;
		wheel->now++;
		if ((wheel->now & (WHEEL_SLOTS - 1)) == 0)
			break;
	} while (wheel->slots[0][wheel->now & (WHEEL_SLOTS - 1)] == WHEEL_NONE);
	/* Outer levels first: what they hold for this very tick passes through the inner ones. */
	while (level + 1 < WHEEL_LEVELS &&
	       (wheel->now >> level * LEVEL_BITS & (WHEEL_SLOTS - 1)) == 0)
		level++;
	for (uint32_t i = level + 1; i-- > 0;)
		deal(wheel, i);
	return true;
}

bool wheel_take(struct wheel *wheel, uint32_t until, uint32_t *out_index)
{
	while (wheel->due_first == WHEEL_NONE)
		if (!advance(wheel, until))
			return false;
	*out_index = wheel->due_first;
	wheel->due_first = node_at(wheel, wheel->due_first)->next;
	if (wheel->due_first != WHEEL_NONE)
		__builtin_prefetch(node_at(wheel, wheel->due_first));
	return true;
}
