/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe_times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/limits.h>

struct pool_times {
	char pool[MR_NAME_MAX];
	struct histogram histogram;
};

struct probe_times {
	struct pool_times *pools; /* sorted by name */
	uint32_t pool_count;
};

/* Names come first in struct pool_times. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct pool_times *find(const struct probe_times *times, const char *pool)
{
	return bsearch(pool, times->pools, times->pool_count, sizeof(*times->pools), compare_names);
}

struct probe_times *probe_times_create(void)
{
	struct probe_times *times = calloc(1, sizeof(*times));

	if (times == NULL)
		return NULL;
	times->pools = calloc(1, sizeof(*times->pools));
	if (times->pools == NULL) {
		free(times);
		return NULL;
	}
	return times;
}

void probe_times_destroy(struct probe_times *times)
{
	if (times == NULL)
		return;
	free(times->pools);
	free(times);
}

int probe_times_follow(struct probe_times *times, const struct config *config)
{
	struct pool_times *next = calloc(config->pool_count + 1, sizeof(*next));

	if (next == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->pool_count; i++) {
		const struct pool_times *before = find(times, config->pools[i].name);

		if (before != NULL)
			next[i] = *before;
		else
			strncpy(next[i].pool, config->pools[i].name, MR_NAME_MAX - 1);
	}
	qsort(next, config->pool_count, sizeof(*next), compare_names);
	free(times->pools);
	times->pools = next;
	times->pool_count = config->pool_count;
	return 0;
}

void probe_times_add(struct probe_times *times, const char *pool, uint64_t us)
{
	struct pool_times *found = find(times, pool);

	if (found != NULL)
		histogram_add(&found->histogram, us);
}

const struct histogram *probe_times_get(const struct probe_times *times, const char *pool)
{
	const struct pool_times *found = find(times, pool);

	return found != NULL ? &found->histogram : NULL;
}
