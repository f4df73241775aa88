/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bench `path` measures: one row for each case, which can be run by its name. */
#ifndef MAILRAIL_BENCH_PATH_CASE_H
#define MAILRAIL_BENCH_PATH_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/snapshot.h>

enum path_family {
	PATH_V4,
	PATH_V6,
	PATH_MIXED, /* half of the sessions each; in tunnels half of the backends too */
};

/* What pick_backend meets. */
enum path_slots {
	PATH_STEADY,
	PATH_PINNED,	/* every slot is moving, every session pinned and seen this second */
	PATH_REFRESHED, /* the same, but last seen in the second before */
	PATH_ADOPTED,	/* every packet is of a session that is not pinned yet */
};

struct path_case {
	const char *name;
	const char *axis; /* cases that are to be compared share it */
	enum mr_forwarding mode;
	enum path_family family;
	enum path_slots slots;
	bool is_flood; /* SYNs of sessions that nobody has seen before */
	bool has_textbook;
	uint32_t sessions; /* of which each packet is one's, drawn evenly */
	uint32_t services;
	uint32_t pools;
	uint32_t backends; /* of each pool */
	uint32_t excluded; /* prefixes that the client is in none of */
};

uint32_t path_case_count(void);
struct path_case path_case_at(uint32_t index);

static inline bool path_has_v4(const struct path_case *settings)
{
	return settings->family != PATH_V6;
}

static inline uint32_t path_family_count(const struct path_case *settings)
{
	return settings->family == PATH_MIXED ? 2 : 1;
}

#endif
