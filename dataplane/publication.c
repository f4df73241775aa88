/* SPDX-License-Identifier: BSD-3-Clause */
#include "publication.h"

#include <errno.h>
#include <stdatomic.h>

#include <rte_malloc.h>

/* Instead of a token, with a thread that is offline (rte_rcu_qsbr.h). */
#define READS_NOTHING 0

int publication_init(struct publication *publication, uint32_t worker_count)
{
	publication->qsbr =
		rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(worker_count), RTE_CACHE_LINE_SIZE);
	if (publication->qsbr == NULL)
		return -ENOMEM;
	rte_rcu_qsbr_init(publication->qsbr, worker_count);
	return 0;
}

void publication_fini(struct publication *publication)
{
	for (uint32_t i = 0; i < publication->retired_count; i++) {
		const uint32_t place = (publication->retired_first + i) % PUBLICATION_RETIRED_MAX;

		mr_snapshot_destroy(publication->retired[place].snapshot);
	}
	mr_snapshot_destroy(publication->published);
	rte_free(publication->qsbr);
}

/* Frees the oldest retired snapshot; false when a worker may hold it and @wait is false. */
static bool free_oldest(struct publication *publication, bool wait)
{
	const struct retired *oldest = &publication->retired[publication->retired_first];

	if (rte_rcu_qsbr_check(publication->qsbr, oldest->token, wait) == 0)
		return false;
	mr_snapshot_destroy(oldest->snapshot);
	publication->retired_first = (publication->retired_first + 1) % PUBLICATION_RETIRED_MAX;
	publication->retired_count--;
	return true;
}

static void retire(struct publication *publication, struct mr_snapshot *snapshot)
{
	uint32_t place;

	if (publication->retired_count == PUBLICATION_RETIRED_MAX)
		free_oldest(publication, true);
	place = (publication->retired_first + publication->retired_count) % PUBLICATION_RETIRED_MAX;
	publication->retired[place] =
		(struct retired){snapshot, rte_rcu_qsbr_start(publication->qsbr)};
	publication->retired_count++;
}

void publication_publish(struct publication *publication, struct mr_snapshot *next)
{
	struct mr_snapshot *const previous = publication->published;

	publication->published = next;
	atomic_store(&publication->current, next);
	if (previous != NULL)
		retire(publication, previous);
}

uint64_t publication_generation(const struct publication *publication, uint32_t worker)
{
	const uint64_t seen =
		__atomic_load_n(&publication->qsbr->qsbr_cnt[worker].cnt, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < publication->retired_count; i++) {
		const uint32_t place = (publication->retired_first + i) % PUBLICATION_RETIRED_MAX;

		if (seen != READS_NOTHING && seen < publication->retired[place].token)
			return publication->retired[place].snapshot->generation;
	}
	return publication->published != NULL ? publication->published->generation : 0;
}

bool publication_reclaim(struct publication *publication)
{
	while (publication->retired_count > 0)
		if (!free_oldest(publication, false))
			return false;
	return true;
}
