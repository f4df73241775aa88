/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl_result.h"

const char *const top_part_methods[TOP_PART_COUNT] = {
	[TOP_NODE] = "node.info",	 [TOP_SERVICES] = "service.list", [TOP_POOLS] = "pool.list",
	[TOP_BACKENDS] = "backend.list", [TOP_WORKERS] = "worker.list",	  [TOP_STATS] = "stats.get",
};

const char *const top_sort_names[TOP_SORT_COUNT] = {
	[TOP_SORT_NONE] = "none",     [TOP_SORT_NAME] = "name",	 [TOP_SORT_SESSIONS] = "new/s",
	[TOP_SORT_PACKETS] = "pkt/s", [TOP_SORT_BITS] = "bit/s", [TOP_SORT_PINS] = "pins",
};

static json_t *list_of(const struct top_sample *sample, enum top_part part, const char *name)
{
	return json_object_get(sample->parts[part], name);
}

/* Per second; 0 while there is nothing to compare with, or counting began anew. */
static double rate(const struct top_model *model, uint64_t now, uint64_t before)
{
	const uint64_t span_ns = model->now.at_ns - model->before.at_ns;

	if (model->before.at_ns == 0 || span_ns == 0 || now < before)
		return 0;
	return (double)(now - before) * 1e9 / (double)span_ns;
}

static bool is_same(const json_t *a, const json_t *b)
{
	return strcmp(text(a, "name"), text(b, "name")) == 0 &&
	       strcmp(text(a, "pool"), text(b, "pool")) == 0;
}

/* The row about the same object a sample before: mostly at the same place. */
static const json_t *former_row(const json_t *former, const json_t *row, size_t index)
{
	const json_t *guess = json_array_get(former, index);
	size_t i;
	json_t *candidate;

	if (guess && is_same(guess, row))
		return guess;
	json_array_foreach (former, i, candidate)
		if (is_same(candidate, row))
			return candidate;
	return NULL;
}

static struct top_row *add_row(struct top_rows *rows)
{
	if (rows->count == rows->room) {
		const uint32_t room = 2 * rows->room + 16;
		struct top_row *grown = realloc(rows->list, room * sizeof(*grown));

		if (!grown)
			return NULL;
		rows->list = grown;
		rows->room = room;
	}
	rows->list[rows->count] = (struct top_row){.name = ""};
	return &rows->list[rows->count++];
}

static void fill_rates(const struct top_model *model, const json_t *row, const json_t *former,
		       struct top_row *out)
{
	if (!former)
		return;
	out->sessions_s = rate(model, number(row, "sessions"), number(former, "sessions"));
	out->packets_s = rate(model, number(row, "packets"), number(former, "packets"));
	out->bits_s = 8 * rate(model, number(row, "bytes"), number(former, "bytes"));
}

static void fill_serving(const json_t *row, struct top_row *out)
{
	const uint64_t serving = number(row, "serving"), backends = number(row, "backends");

	snprintf(out->state, sizeof(out->state), "%" PRIu64 "/%" PRIu64, serving, backends);
	snprintf(out->health, sizeof(out->health), "%s", serving > 0 ? "up" : "down");
}

static void make_services(struct top_model *model)
{
	const json_t *former = list_of(&model->before, TOP_SERVICES, "services");
	size_t i;
	json_t *service;

	model->services.count = 0;
	model->sessions_s = model->bits_s = 0;
	json_array_foreach (list_of(&model->now, TOP_SERVICES, "services"), i, service) {
		const json_t *addresses = json_object_get(service, "addresses");
		const char *address = json_string_value(json_array_get(addresses, 0));
		struct top_row *row = add_row(&model->services);

		if (!row)
			return;
		snprintf(row->name, sizeof(row->name), "%s", text(service, "name"));
		snprintf(row->detail, sizeof(row->detail), "%s", address ? address : "-");
		fill_serving(service, row);
		fill_rates(model, service, former_row(former, service, i), row);
		model->sessions_s += row->sessions_s;
		model->bits_s += row->bits_s;
	}
}

static void make_backends(struct top_model *model)
{
	const json_t *former = list_of(&model->before, TOP_BACKENDS, "backends");
	size_t i;
	json_t *backend;

	model->backends.count = 0;
	json_array_foreach (list_of(&model->now, TOP_BACKENDS, "backends"), i, backend) {
		struct top_row *row = add_row(&model->backends);

		if (!row)
			return;
		snprintf(row->name, sizeof(row->name), "%s/%s", text(backend, "pool"),
			 text(backend, "name"));
		snprintf(row->detail, sizeof(row->detail), "%s", text(backend, "address"));
		snprintf(row->state, sizeof(row->state), "%s", text(backend, "state"));
		snprintf(row->health, sizeof(row->health), "%s", text(backend, "health"));
		row->pins = number(backend, "pins");
		row->has_pins = true;
		fill_rates(model, backend, former_row(former, backend, i), row);
	}
}

/* A pool's rates are those of its backends, which stand together. */
static void add_members(const struct top_model *model, struct top_row *pool, uint32_t *next)
{
	const size_t length = strlen(pool->name);

	for (; *next < model->backends.count; (*next)++) {
		const struct top_row *member = &model->backends.list[*next];

		if (strncmp(member->name, pool->name, length) != 0 || member->name[length] != '/')
			return;
		pool->sessions_s += member->sessions_s;
		pool->packets_s += member->packets_s;
		pool->bits_s += member->bits_s;
	}
}

static void make_pools(struct top_model *model)
{
	uint32_t next = 0;
	size_t i;
	json_t *pool;

	model->pools.count = 0;
	json_array_foreach (list_of(&model->now, TOP_POOLS, "pools"), i, pool) {
		struct top_row *row = add_row(&model->pools);

		if (!row)
			return;
		snprintf(row->name, sizeof(row->name), "%s", text(pool, "name"));
		snprintf(row->detail, sizeof(row->detail), "%s", text(pool, "forwarding"));
		fill_serving(pool, row);
		row->pins = number(pool, "pins");
		row->has_pins = true;
		add_members(model, row, &next);
	}
}

static void make_workers(struct top_model *model)
{
	size_t i;
	json_t *worker;

	model->worker_count = 0;
	model->packets_s = 0;
	json_array_foreach (list_of(&model->now, TOP_WORKERS, "workers"), i, worker) {
		const json_t *load = json_object_get(worker, "last_second");
		struct top_worker *row = &model->workers[model->worker_count];

		if (model->worker_count == TOP_WORKERS_MAX)
			break;
		model->worker_count++;
		row->core = (uint32_t)number(worker, "core");
		row->busy = load ? (double)number(load, "busy_permille") / 1000 : -1;
		model->packets_s += (double)number(load, "packets_per_s");
	}
}

static void free_parts(struct top_sample *sample)
{
	for (int i = 0; i < TOP_PART_COUNT; i++)
		json_decref(sample->parts[i]);
	*sample = (struct top_sample){0};
}

void top_model_take(struct top_model *model, struct top_sample *sample)
{
	const json_t *pins;

	free_parts(&model->before);
	model->before = model->now;
	model->now = *sample;
	*sample = (struct top_sample){0};
	make_services(model);
	make_backends(model);
	make_pools(model);
	make_workers(model);
	pins = json_object_get(model->now.parts[TOP_STATS], "pins");
	model->pins = number(pins, "count");
	model->pin_budget = number(pins, "budget");
}

void top_model_hear(struct top_model *model, const json_t *event)
{
	struct top_event *place = &model->events[model->event_count++ % TOP_EVENTS_KEPT];
	const time_t when = (time_t)(number(event, "time_ms") / 1000);
	struct tm local;

	ctl_event_format(event, place->text);
	place->clock[0] = '\0';
	if (localtime_r(&when, &local))
		strftime(place->clock, sizeof(place->clock), "%T", &local);
}

void top_model_forget(struct top_model *model)
{
	free_parts(&model->before);
	free_parts(&model->now);
	model->event_count = 0;
}

static int by_number(double a, double b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

struct order {
	enum top_sort sort;
	bool reverse;
};

static int compare(const void *left, const void *right, void *context)
{
	const struct top_row *a = left, *b = right;
	const struct order *order = context;
	int result = 0;

	switch (order->sort) {
	case TOP_SORT_NAME:
		result = strcmp(a->name, b->name);
		break;
	case TOP_SORT_SESSIONS:
		result = by_number(a->sessions_s, b->sessions_s);
		break;
	case TOP_SORT_PACKETS:
		result = by_number(a->packets_s, b->packets_s);
		break;
	case TOP_SORT_BITS:
		result = by_number(a->bits_s, b->bits_s);
		break;
	case TOP_SORT_PINS:
		result = by_number((double)a->pins, (double)b->pins);
		break;
	case TOP_SORT_NONE:
	case TOP_SORT_COUNT:
		break;
	}
	return order->reverse ? -result : result;
}

void top_rows_sort(struct top_rows *rows, enum top_sort sort, bool reverse)
{
	struct order order = {sort, reverse};

	/* qsort_r() is a merge sort here, and as good as stable: equal rows do not jump. */
	if (sort != TOP_SORT_NONE && rows->count > 1)
		qsort_r(rows->list, rows->count, sizeof(*rows->list), compare, &order);
}

void top_model_fini(struct top_model *model)
{
	top_model_forget(model);
	free(model->services.list);
	free(model->pools.list);
	free(model->backends.list);
}
