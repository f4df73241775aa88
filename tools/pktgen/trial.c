/* SPDX-License-Identifier: BSD-3-Clause */
#include "trial.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#define STEP_US 10000 /* how often the main thread looks at the clock */

static volatile sig_atomic_t stopped;

static void on_signal(__rte_unused int number)
{
	stopped = 1;
}

void trial_stop_on_signals(void)
{
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

bool trial_is_stopped(void)
{
	return stopped != 0;
}

struct worker {
	struct sender *sender;	   /* NULL: does not send */
	struct receiver *receiver; /* NULL: does not receive */
	const volatile bool *done;
};

static int worker_run(void *arg)
{
	const struct worker *worker = arg;

	while (!*worker->done) {
		if (worker->sender)
			sender_step(worker->sender, rte_rdtsc());
		if (worker->receiver)
			receiver_step(worker->receiver);
	}
	return 0;
}

struct trial {
	const struct trial_config *config;
	struct sender *senders;
	uint64_t start, end;
	volatile bool done;
	struct worker workers[RTE_MAX_LCORE];
};

static int create_senders(struct trial *trial, struct mr_error *error)
{
	const struct trial_config *config = trial->config;
	const double hz = (double)rte_get_tsc_hz();

	trial->senders = calloc(RTE_MAX(config->sender_count, 1U), sizeof(*trial->senders));
	if (!trial->senders)
		return mr_error_set(error, -ENOMEM, "no memory");
	for (uint32_t i = 0; i < config->sender_count; i++) {
		struct sender *sender = &trial->senders[i];
		int rc;

		sender->wire = config->wire;
		sender->nic = config->tx;
		sender->queue = (uint16_t)i;
		sender->pace = config->pace;
		sender->packets_per_cycle = config->packets_per_second / hz / config->sender_count;
		sender->ns_per_cycle = 1e9 / hz;
		rc = traffic_create(&sender->traffic, config->plan, i, config->sender_count);
		if (rc < 0)
			return mr_error_set(error, rc, "no memory for sessions");
	}
	return 0;
}

static void destroy_senders(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->config->sender_count; i++)
		sender_fini(&trial->senders[i]);
	free(trial->senders);
}

static void launch(struct trial *trial)
{
	const uint32_t senders = trial->config->sender_count;
	unsigned int lcore;
	uint32_t count = 0;

	trial->start = rte_rdtsc();
	trial->end = trial->start + (uint64_t)(trial->config->seconds * (double)rte_get_tsc_hz());
	for (uint32_t i = 0; i < senders; i++) {
		trial->senders[i].start = trial->start;
		trial->senders[i].end = trial->end;
	}
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		struct worker *worker = &trial->workers[count];
		const bool is_last = count + 1 == rte_lcore_count() - 1;

		*worker = (struct worker){.done = &trial->done};
		if (count < senders)
			worker->sender = &trial->senders[count];
		if (is_last)
			worker->receiver = trial->config->receiver;
		rte_eal_remote_launch(worker_run, worker, lcore);
		count++;
	}
}

static void count(const struct trial *trial, struct trial_counts *out)
{
	const uint64_t now = rte_rdtsc(), until = now < trial->end ? now : trial->end;

	*out = (struct trial_counts){
		.seconds = (double)(until - trial->start) / (double)rte_get_tsc_hz(),
	};
	for (uint32_t i = 0; i < trial->config->sender_count; i++) {
		const struct sender *sender = &trial->senders[i];

		out->sent.packets += sender->counts.packets;
		out->sent.bytes += sender->counts.bytes;
		out->sent.polls_refused += sender->counts.polls_refused;
		if (sender->traffic.is_flood)
			continue;
		out->begun += sender->traffic.crowd.begun;
		out->open += crowd_open(&sender->traffic.crowd);
		out->crowded_out += sender->traffic.crowd.crowded_out;
	}
	if (trial->config->receiver)
		out->seen = trial->config->receiver->witness->counts;
}

/* Sleeps until @until, showing progress every second. */
static void watch(const struct trial *trial, uint64_t until, trial_progress progress, void *context)
{
	struct trial_counts last = {0}, now;
	uint64_t next = trial->start + rte_get_tsc_hz();

	while (!stopped && rte_rdtsc() < until) {
		rte_delay_us_sleep(STEP_US);
		if (!progress || rte_rdtsc() < next)
			continue;
		count(trial, &now);
		progress(context, &now, &last);
		last = now;
		next += rte_get_tsc_hz();
	}
}

static void stop_sending(struct trial *trial)
{
	const uint64_t now = rte_rdtsc();

	if (now >= trial->end)
		return;
	trial->end = now;
	for (uint32_t i = 0; i < trial->config->sender_count; i++)
		trial->senders[i].end = now;
}

int trial_run(const struct trial_config *config, trial_progress progress, void *context,
	      struct trial_counts *out, struct mr_error *error)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	int rc;

	if (!trial)
		return mr_error_set(error, -ENOMEM, "no memory");
	trial->config = config;
	rc = create_senders(trial, error);
	if (rc == 0) {
		if (config->receiver)
			witness_reset(config->receiver->witness);
		launch(trial);
		watch(trial, trial->end, progress, context);
		stop_sending(trial);
		rte_delay_us_sleep((unsigned int)(config->drain_seconds * 1e6));
		trial->done = true;
		rte_eal_mp_wait_lcore();
		count(trial, out);
	}
	if (trial->senders)
		destroy_senders(trial);
	free(trial);
	return rc;
}

uint64_t trial_lost(const struct trial_counts *counts)
{
	const uint64_t seen = counts->seen.packets - counts->seen.duplicates;

	return counts->sent.packets > seen ? counts->sent.packets - seen : 0;
}
