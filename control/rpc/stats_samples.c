/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats_samples.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct stats_samples {
	struct stats_sample *kept[STATS_SAMPLES_MAX]; /* a ring */
	uint32_t first;
	uint32_t count;
	uint64_t bytes;
	uint64_t last_number;
};

static uint64_t bytes_of(const struct stats_sample *sample)
{
	return sizeof(*sample) + sample->worker_count * sizeof(*sample->workers) +
	       sample->port_count * sizeof(*sample->ports) +
	       ((uint64_t)sample->service_count + sample->backend_count) *
		       sizeof(*sample->services);
}

/* An empty list too is memory, so that NULL is always the lack of it. */
static void *list_of(uint32_t count, size_t size)
{
	return calloc(count > 0 ? count : 1, size);
}

struct stats_sample *stats_sample_create(const struct stats_sample_sizes *sizes)
{
	struct stats_sample *sample = calloc(1, sizeof(*sample));

	if (sample == NULL)
		return NULL;
	sample->workers = list_of(sizes->worker_count, sizeof(*sample->workers));
	sample->ports = list_of(sizes->port_count, sizeof(*sample->ports));
	sample->services = list_of(sizes->service_count, sizeof(*sample->services));
	sample->backends = list_of(sizes->backend_count, sizeof(*sample->backends));
	sample->worker_count = sizes->worker_count;
	sample->port_count = sizes->port_count;
	sample->service_count = sizes->service_count;
	sample->backend_count = sizes->backend_count;
	if (sample->workers != NULL && sample->ports != NULL && sample->services != NULL &&
	    sample->backends != NULL)
		return sample;
	stats_sample_free(sample);
	return NULL;
}

void stats_sample_free(struct stats_sample *sample)
{
	if (sample == NULL)
		return;
	free(sample->workers);
	free(sample->ports);
	free(sample->services);
	free(sample->backends);
	free(sample);
}

/* FNV-1a, in 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	} while (*text++ != '\0');
	return hash;
}

uint64_t stats_flow_key(const char *pool, const char *name)
{
	return hash_text(hash_text(0xcbf29ce484222325ULL, pool), name);
}

static int compare_flows(const void *left, const void *right)
{
	const struct flow_sample *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

const struct mr_flow_counters *stats_flow_find(const struct flow_sample *flows, uint32_t count,
					       uint64_t key)
{
	const struct flow_sample wanted = {.key = key};
	const struct flow_sample *found =
		bsearch(&wanted, flows, count, sizeof(*flows), compare_flows);

	return found != NULL ? &found->counters : NULL;
}

struct stats_samples *stats_samples_create(void)
{
	return calloc(1, sizeof(struct stats_samples));
}

static struct stats_sample *oldest(const struct stats_samples *samples)
{
	return samples->kept[samples->first];
}

static void forget_oldest(struct stats_samples *samples)
{
	samples->bytes -= bytes_of(oldest(samples));
	stats_sample_free(oldest(samples));
	samples->first = (samples->first + 1) % STATS_SAMPLES_MAX;
	samples->count--;
}

void stats_samples_destroy(struct stats_samples *samples)
{
	if (samples == NULL)
		return;
	while (samples->count > 0)
		forget_oldest(samples);
	free(samples);
}

static void forget_old(struct stats_samples *samples)
{
	const uint64_t now_ms = clock_monotonic_ms();

	while (samples->count > 0 && now_ms - oldest(samples)->time_ms > STATS_SAMPLE_AGE_MS)
		forget_oldest(samples);
}

void stats_samples_stamp(struct stats_samples *samples, struct stats_sample *sample)
{
	const uint64_t wall_ms = clock_wall_ms();

	sample->time_ms = clock_monotonic_ms();
	/* Also where the clock was set back: no two answers have the same. */
	sample->number = wall_ms > samples->last_number ? wall_ms : samples->last_number + 1;
	samples->last_number = sample->number;
}

void stats_samples_keep(struct stats_samples *samples, struct stats_sample *sample)
{
	qsort(sample->services, sample->service_count, sizeof(*sample->services), compare_flows);
	qsort(sample->backends, sample->backend_count, sizeof(*sample->backends), compare_flows);
	forget_old(samples);
	while (samples->count > 0 && (samples->count == STATS_SAMPLES_MAX ||
				      samples->bytes + bytes_of(sample) > STATS_SAMPLES_BYTES_MAX))
		forget_oldest(samples);
	samples->kept[(samples->first + samples->count) % STATS_SAMPLES_MAX] = sample;
	samples->count++;
	samples->bytes += bytes_of(sample);
}

const struct stats_sample *stats_samples_find(struct stats_samples *samples, uint64_t number)
{
	forget_old(samples);
	for (uint32_t i = 0; i < samples->count; i++) {
		const struct stats_sample *sample =
			samples->kept[(samples->first + i) % STATS_SAMPLES_MAX];

		if (sample->number == number)
			return sample;
	}
	return NULL;
}

uint64_t stats_samples_oldest(struct stats_samples *samples)
{
	forget_old(samples);
	return samples->count > 0 ? oldest(samples)->number : 0;
}

struct stats_samples_use stats_samples_use(const struct stats_samples *samples)
{
	return (struct stats_samples_use){.samples = samples->count, .bytes = samples->bytes};
}
