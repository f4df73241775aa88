/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How frames with a plain segment begin: to a port's station, with its tags in their usual types,
 * a whole IP packet without options or extension headers, TCP. All of that in one comparison.
 */
#ifndef MAILRAIL_DATAPLANE_HEAD_H
#define MAILRAIL_DATAPLANE_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>

/* Link header with two tags, and the IPv4 header up to its protocol. */
#define HEAD_BYTES 32

typedef uint64_t head_words __attribute__((vector_size(16)));

/* The bits of @mask are those of @value, the others may be any. */
struct head {
	head_words mask[2];
	head_words value[2];
};

/* With all 0 a port has none: none of its frames is known to be plain. */
struct heads {
	struct head v4;
	struct head v6;
	uint16_t l3_offset; /* where the IP header begins in both */
};

/* Of a port with @mac and @tag_count tags, ids in host byte order, outermost first. */
void heads_of(const struct rte_ether_addr *mac, const uint16_t *tags, uint32_t tag_count,
	      struct heads *out);

static inline bool heads_are_set(const struct heads *heads)
{
	return heads->l3_offset > 0;
}

/* @frame: HEAD_BYTES at least. */
static inline bool head_is(const struct head *head, const uint8_t *frame)
{
	head_words words[2], wrong;

	memcpy(&words[0], frame, sizeof(words[0]));
	memcpy(&words[1], frame + sizeof(words[0]), sizeof(words[1]));
	wrong = ((words[0] & head->mask[0]) ^ head->value[0]) |
		((words[1] & head->mask[1]) ^ head->value[1]);
	return (wrong[0] | wrong[1]) == 0;
}

#endif
