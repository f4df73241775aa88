/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a Maglev table takes beside a plain implementation of the published algorithm, in turns.
 * Prints JSON.
 *
 *     bench_maglev [--short]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "maglev.h"
#include "series.h"

#define BACKENDS 1000
#define LARGEST	 655373

struct setting {
	const char *name;
	uint32_t size;
	uint32_t backends;
	bool weighted; /* all weights are different */
};

static const struct setting settings[] = {
	{"65537 x 10", 65537, 10, false},
	{"65537 x 1000", 65537, BACKENDS, false},
	{"655373 x 1000", 655373, BACKENDS, false},
	{"65537 x 1000, 1000 weights", 65537, BACKENDS, true},
	{"655373 x 1000, 1000 weights", 655373, BACKENDS, true},
};

static struct maglev_backend backends[BACKENDS];
static uint16_t table[LARGEST];
static uint32_t positions[BACKENDS], skips[BACKENDS];

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/*
 * Eisenbud et al., NSDI 2016, section 3.4, pseudocode 1, with one change: a permutation is walked
 * and not written down first. It knows no weights.
 */
static void build_published(uint32_t count, uint32_t size)
{
	uint32_t filled = 0;

	memset(table, 0xff, size * sizeof(table[0]));
	for (uint32_t i = 0; i < count; i++) {
		positions[i] = (uint32_t)(backends[i].place.offset % size);
		skips[i] = (uint32_t)(backends[i].place.skip % (size - 1)) + 1;
	}
	for (uint32_t i = 0; filled < size; i = i + 1 < count ? i + 1 : 0) {
		uint32_t candidate = positions[i];

		while (table[candidate] != MAGLEV_NONE) {
			candidate += skips[i];
			candidate -= candidate >= size ? size : 0;
		}
		table[candidate] = backends[i].value;
		positions[i] = candidate + skips[i];
		positions[i] -= positions[i] >= size ? size : 0;
		filled++;
	}
}

static void make_backends(const struct setting *setting)
{
	static const uint8_t key[MAGLEV_KEY_BYTES] = "sixteen bytes 16";

	for (uint32_t i = 0; i < setting->backends; i++) {
		char name[16];

		snprintf(name, sizeof(name), "hub%u", i);
		maglev_place_of(key, name, &backends[i].place);
		backends[i].weight = setting->weighted ? 1 + i : 100;
		backends[i].value = (uint16_t)i;
	}
}

static json_t *measure(const struct setting *setting, uint32_t rounds)
{
	struct series published = {0}, own = {0};
	json_t *result;

	make_backends(setting);
	for (uint32_t i = 0; i < rounds; i++) {
		double began = now_ms();

		build_published(setting->backends, setting->size);
		series_add(&published, now_ms() - began);
		began = now_ms();
		if (maglev_build(backends, setting->backends, setting->size, table) < 0)
			exit(1);
		series_add(&own, now_ms() - began);
	}
	result = json_pack("{s:s, s:b, s:o, s:o}", "name", setting->name, "weighted",
			   setting->weighted, "published_ms", series_to_json(&published), "own_ms",
			   series_to_json(&own));
	series_fini(&published);
	series_fini(&own);
	return result;
}

int main(int argc, char **argv)
{
	const uint32_t rounds = argc > 1 && strcmp(argv[1], "--short") == 0 ? 11 : 51;
	json_t *cases = json_array();
	json_t *result;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		json_array_append_new(cases, measure(&settings[i], rounds));
	result = json_pack("{s:i, s:o}", "rounds", (int)rounds, "cases", cases);
	json_dumpf(result, stdout, JSON_INDENT(1));
	json_decref(result);
	return 0;
}
