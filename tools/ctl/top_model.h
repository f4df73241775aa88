/* SPDX-License-Identifier: BSD-3-Clause */
/* What mailrailctl top shows, made of results of methods; rates are between two samples. */
#ifndef MAILRAIL_TOOLS_TOP_MODEL_H
#define MAILRAIL_TOOLS_TOP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl_events.h"

#define TOP_EVENTS_KEPT 32
#define TOP_NAME_MAX	132

/* The methods that a sample is made of, asked at the same time. */
enum top_part {
	TOP_NODE,
	TOP_SERVICES,
	TOP_POOLS,
	TOP_BACKENDS,
	TOP_WORKERS,
	TOP_STATS,
	TOP_PART_COUNT,
};
extern const char *const top_part_methods[TOP_PART_COUNT];

/* Results by part; NULL: the balancer does not have that method. Owned. */
struct top_sample {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	json_t *parts[TOP_PART_COUNT];
};

struct top_row {
	char name[TOP_NAME_MAX];
	char detail[48]; /* address, or forwarding mode */
	char state[16];	 /* a backend's; of others how many backends serve: "2/3" */
	char health[16];
	double sessions_s, packets_s, bits_s;
	uint64_t pins;
	bool has_pins;
};

struct top_rows {
	struct top_row *list;
	uint32_t count, room;
};

struct top_worker {
	uint32_t core;
	double busy; /* 0 to 1; below 0: not known yet */
};
#define TOP_WORKERS_MAX 64

enum top_sort {
	TOP_SORT_NONE, /* as configured */
	TOP_SORT_NAME,
	TOP_SORT_SESSIONS,
	TOP_SORT_PACKETS,
	TOP_SORT_BITS,
	TOP_SORT_PINS,
	TOP_SORT_COUNT,
};
extern const char *const top_sort_names[TOP_SORT_COUNT];

struct top_event {
	char clock[16];
	char text[EVENT_TEXT_MAX];
};

/* Zero it; top_model_fini() frees what it holds. */
struct top_model {
	struct top_sample now, before;
	struct top_rows services, pools, backends;
	struct top_worker workers[TOP_WORKERS_MAX];
	uint32_t worker_count;
	double sessions_s, bits_s; /* of all services */
	double packets_s;	   /* whatever workers receive */
	uint64_t pins, pin_budget;
	struct top_event events[TOP_EVENTS_KEPT]; /* a ring */
	uint64_t event_count;
};

/* Takes the parts of @sample; rates need two. */
void top_model_take(struct top_model *model, struct top_sample *sample);

/* @event: params of a notification. */
void top_model_hear(struct top_model *model, const json_t *event);

/* Rates across a restart of the balancer, and events told twice, would be wrong. */
void top_model_forget(struct top_model *model);

/* Highest first, but names from A on; @reverse: the other way round. */
void top_rows_sort(struct top_rows *rows, enum top_sort sort, bool reverse);

void top_model_fini(struct top_model *model);

#endif
