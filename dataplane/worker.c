/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include "capture_tap.h"
#include "fragments.h"
#include "idle.h"
#include "packet.h"

static bool should_run(const struct worker *worker)
{
	return !atomic_load_explicit(&worker->stop, memory_order_relaxed);
}

/* A round ends where the next one begins. */
static void begin_round(struct worker *worker)
{
	struct mr_worker_counters *counters = worker->counters;
	const uint64_t now = rte_rdtsc();
	const uint64_t cycles = now - worker->round_began;

	counters->cycles += cycles;
	if (unlikely(cycles > worker->longest_round)) {
		worker->longest_round = cycles;
		counters->longest_rounds[worker->now_s % MR_ROUND_SECONDS] = cycles;
	}
	if (worker->round_packets > 0) {
		counters->busy_cycles += cycles;
		counters->busy_rounds++;
		worker->idle.since = now;
	}
	worker->round_began = now;
	worker->round_packets = 0;
}

static inline struct capture_tap *capture_of(const struct worker *worker)
{
	return atomic_load_explicit(&worker->capture, memory_order_acquire);
}

/* Of the seconds in which no round began nothing is known. */
static void begin_second(struct worker *worker, uint32_t now_s)
{
	const uint32_t passed = RTE_MIN(now_s - worker->now_s, (uint32_t)MR_ROUND_SECONDS);

	for (uint32_t i = 0; i < passed; i++)
		worker->counters->longest_rounds[(now_s - i) % MR_ROUND_SECONDS] = 0;
	worker->longest_round = 0;
	worker->now_s = now_s;
}

/* Keeps now_s without a division per round. */
static void clock_tick(struct worker *worker)
{
	const uint64_t now = worker->round_began - worker->clock_start;
	uint64_t running_s;

	if (now < worker->next_second)
		return;
	running_s = now / worker->clock_hz;
	begin_second(worker, worker->clock_base_s + (uint32_t)running_s);
	worker->next_second = (running_s + 1) * worker->clock_hz;
	fragment_table_age(worker);
}

/* The way of a packet, from RX to TX, where it cannot be short. */
static void work_on_burst(struct worker *worker, const struct mr_snapshot *snapshot,
			  struct burst *burst)
{
	parse(worker, burst);
	follow_fragments(worker, snapshot, burst);
	match_service(worker, snapshot, burst);
	pick_backend(worker, snapshot, burst);
	forward(worker, snapshot, burst);
}

/* The same way, for all of them, with a look at how they came, how they leave and what they are. */
static __rte_noinline void work_in_sight(struct worker *worker, const struct mr_snapshot *snapshot,
					 struct capture_tap *capture, struct burst *burst)
{
	struct capture_catch catch;

	capture_arrivals(capture, worker, burst, &catch);
	work_on_burst(worker, snapshot, burst);
	capture_departures(capture, worker, burst, &catch);
	transmit(worker, burst);
	capture_choose(capture, burst, &catch);
}

static void work_on_queue(struct worker *worker, const struct mr_snapshot *snapshot,
			  const struct worker_rx_queue *queue)
{
	struct capture_tap *capture;
	struct burst burst;

	if (receive(worker, queue, &burst) == 0)
		return;
	worker->round_packets += burst.count;
	capture = capture_of(worker); /* now: what came after it had begun is in it */
	if (unlikely(capture != NULL)) {
		work_in_sight(worker, snapshot, capture, &burst);
		return;
	}
	if (!express(worker, snapshot, &burst))
		work_on_burst(worker, snapshot, &burst);
	transmit(worker, &burst);
}

/* No more bursts than a round has queues: fragments get no more than half of the time. */
static void work_on_fragments(struct worker *worker, const struct mr_snapshot *snapshot)
{
	struct burst burst;

	for (uint32_t i = 0; i < worker->rx_queue_count; i++) {
		struct capture_tap *capture;

		if (receive_again(worker, &burst) == 0)
			return;
		worker->round_packets += burst.count;
		capture = capture_of(worker);
		if (unlikely(capture != NULL)) {
			work_in_sight(worker, snapshot, capture, &burst);
			continue;
		}
		work_on_burst(worker, snapshot, &burst);
		transmit(worker, &burst);
	}
}

void worker_round(struct worker *worker)
{
	const struct mr_snapshot *snapshot =
		atomic_load_explicit(worker->snapshot, memory_order_acquire);

	begin_round(worker);
	clock_tick(worker);
	if (snapshot == NULL)
		return;
	for (uint32_t i = 0; i < worker->rx_queue_count; i++)
		work_on_queue(worker, snapshot, &worker->rx_queues[i]);
	work_on_fragments(worker, snapshot);
}

/* Whoever waits for this worker to leave a snapshot does not wait for its sleep. */
static void sleep_a_little(struct worker *worker)
{
	rte_rcu_qsbr_thread_offline(worker->qsbr, worker->index);
	idle_sleep(&worker->idle);
	rte_rcu_qsbr_thread_online(worker->qsbr, worker->index);
	worker->counters->sleeps++;
}

int worker_run(void *arg)
{
	struct worker *worker = arg;

	rte_rcu_qsbr_thread_register(worker->qsbr, worker->index);
	rte_rcu_qsbr_thread_online(worker->qsbr, worker->index);
	idle_begin(&worker->idle, worker->poll, worker->clock_hz);
	while (should_run(worker)) {
		worker_round(worker);
		/* No pointer into the snapshot survives this line. */
		rte_rcu_qsbr_quiescent(worker->qsbr, worker->index);
		if (worker->round_packets == 0 &&
		    idle_is_sleepy(&worker->idle, worker->round_began))
			sleep_a_little(worker);
	}
	rte_rcu_qsbr_thread_offline(worker->qsbr, worker->index);
	rte_rcu_qsbr_thread_unregister(worker->qsbr, worker->index);
	return 0;
}
