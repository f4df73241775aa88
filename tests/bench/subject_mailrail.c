/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>

struct mailrail {
	struct rig *rig;
	const struct mr_snapshot *snapshot;
	struct burst burst;
	bool is_done; /* nothing is left but to transmit */
};

static void run_receive(void *self)
{
	struct mailrail *mailrail = self;

	rig_receive(mailrail->rig, 0, &mailrail->burst);
}

static void run_express(void *self)
{
	struct mailrail *mailrail = self;

	mailrail->is_done = express(&mailrail->rig->worker, mailrail->snapshot, &mailrail->burst);
}

static void run_parse(void *self)
{
	struct mailrail *mailrail = self;

	if (!mailrail->is_done)
		parse(&mailrail->rig->worker, &mailrail->burst);
}

static void run_follow_fragments(void *self)
{
	struct mailrail *mailrail = self;

	if (!mailrail->is_done)
		follow_fragments(&mailrail->rig->worker, mailrail->snapshot, &mailrail->burst);
}

static void run_match_service(void *self)
{
	struct mailrail *mailrail = self;

	if (!mailrail->is_done)
		match_service(&mailrail->rig->worker, mailrail->snapshot, &mailrail->burst);
}

static void run_pick_backend(void *self)
{
	struct mailrail *mailrail = self;

	if (!mailrail->is_done)
		pick_backend(&mailrail->rig->worker, mailrail->snapshot, &mailrail->burst);
}

static void run_forward(void *self)
{
	struct mailrail *mailrail = self;

	if (!mailrail->is_done)
		forward(&mailrail->rig->worker, mailrail->snapshot, &mailrail->burst);
}

static void run_transmit(void *self)
{
	struct mailrail *mailrail = self;

	transmit(&mailrail->rig->worker, &mailrail->burst);
}

static uint64_t forwarded(const void *self)
{
	const struct mailrail *mailrail = self;

	return mailrail->rig->worker.counters->verdicts[MR_FORWARDED];
}

struct subject mailrail_create(struct rig *rig, const struct mr_snapshot *snapshot)
{
	struct mailrail *mailrail = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*mailrail), RTE_CACHE_LINE_SIZE));

	if (mailrail == NULL) {
		fputs("bench: no memory for a burst\n", stderr);
		exit(EXIT_FAILURE);
	}
	mailrail->rig = rig;
	mailrail->snapshot = snapshot;
	return (struct subject){
		.name = "mailrail",
		.self = mailrail,
		.steps = {{"receive", run_receive},
			  {"express", run_express},
			  {"parse", run_parse},
			  {"follow_fragments", run_follow_fragments},
			  {"match_service", run_match_service},
			  {"pick_backend", run_pick_backend},
			  {"forward", run_forward},
			  {"transmit", run_transmit}},
		.step_count = 8,
		.forwarded = forwarded,
	};
}

void mailrail_destroy(struct subject *subject)
{
	free(subject->self);
	subject->self = NULL;
}
