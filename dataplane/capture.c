/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that writes has what a capture needs to end by itself: it takes the tap away from the
 * workers, waits until none can hold it, and writes what is left. It never makes a worker wait:
 * queue and mempool are in RTS mode, in which nobody waits for a thread that was interrupted
 * (rte_ring.h).
 */
/* DPDK 22.11 calls rte_pcapng_*() experimental still; its own dpdk-dumpcap(1) is built on them. */
#define ALLOW_EXPERIMENTAL_API

#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pcapng.h>

#include "capture_block.h"
#include "capture_tap.h"

/* Copies that wait to be written; frames that are longer than a segment take several. */
#define COPIES_MAX    8192
#define SEGMENT_BYTES 2048
#define QUEUE_MAX     4096

/* Blocks that are made at a time. */
#define BLOCKS_MAX 64

/* While nothing comes. */
#define PAUSE_NS 500000

struct capture {
	struct crew *crew;
	struct rte_rcu_qsbr *qsbr;
	struct rte_mempool *copies;
	struct rte_mempool *blocks;
	struct rte_ring *queue;

	/* Of the capture under way, or the last one. */
	struct mr_capture_config config;
	struct capture_tap tap;
	rte_pcapng_t *file;
	uint64_t began_tsc;
	int64_t began_ns; /* CLOCK_REALTIME at that time */
	pthread_t writer;
	bool has_writer;
	bool is_known; /* there has been one */
	_Atomic bool stop;
	_Atomic int
		end; /* enum mr_capture_end, as its reason; it has ended when has_ended is set */
	_Atomic bool has_ended;
	_Atomic int error;
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
};

static uint32_t block_bytes(void)
{
	return RTE_PKTMBUF_HEADROOM + rte_pcapng_mbuf_size(MR_CAPTURE_FRAME_BYTES_MAX) +
	       CAPTURE_COMMENT_ROOM_BYTES;
}

uint64_t capture_memory_bytes(void)
{
	const uint64_t overhead = sizeof(struct rte_mbuf) + 3 * RTE_CACHE_LINE_SIZE;

	return COPIES_MAX * (overhead + sizeof(struct capture_note) + SEGMENT_BYTES) +
	       BLOCKS_MAX * (overhead + block_bytes()) + 4 * rte_ring_get_memsize(COPIES_MAX * 2);
}

int capture_create(struct crew *crew, struct rte_rcu_qsbr *qsbr, struct capture **out)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (capture == NULL)
		return -ENOMEM;
	capture->crew = crew;
	capture->qsbr = qsbr;
	capture->copies = rte_pktmbuf_pool_create_by_ops(
		"captured", COPIES_MAX - 1, 0,
		RTE_ALIGN(sizeof(struct capture_note), (size_t)RTE_MBUF_PRIV_ALIGN), SEGMENT_BYTES,
		SOCKET_ID_ANY, "ring_mt_rts");
	capture->blocks = rte_pktmbuf_pool_create_by_ops("blocks", BLOCKS_MAX - 1, 0, 0,
							 (uint16_t)block_bytes(), SOCKET_ID_ANY,
							 "ring_mt_rts");
	capture->queue = rte_ring_create("captured_queue", QUEUE_MAX, SOCKET_ID_ANY,
					 RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	if (capture->copies == NULL || capture->blocks == NULL || capture->queue == NULL) {
		capture_destroy(capture);
		return -ENOMEM;
	}
	*out = capture;
	return 0;
}

static const char *name_of(const char *const *names, uint32_t id)
{
	return names != NULL && names[id] != NULL ? names[id] : "(unknown)";
}

/* "forwarded, service smtp, backend hub/hub1" */
static void describe(const struct mr_capture_config *config, const struct capture_note *note,
		     char *out, size_t size)
{
	int used = snprintf(out, size, "%s", mr_verdict_name(note->verdict));

	if (note->service < MR_SERVICES_MAX)
		used += snprintf(out + used, size - (size_t)used, ", service %s",
				 name_of(config->service_names, note->service));
	if (note->backend < MR_BACKENDS_MAX)
		snprintf(out + used, size - (size_t)used, ", backend %s",
			 name_of(config->backend_names, note->backend));
}

/* Nanoseconds since the epoch. */
static uint64_t time_of(const struct capture *capture, uint64_t tsc)
{
	const __int128 cycles = (int64_t)(tsc - capture->began_tsc);

	return (uint64_t)(capture->began_ns + cycles * 1000000000 / (int64_t)rte_get_tsc_hz());
}

/* NULL: no memory, which the next one may find again. */
static struct rte_mbuf *make_block(struct capture *capture, struct rte_mbuf *copy)
{
	const struct capture_note *note = capture_note_of(copy);
	/* Its clock must not be set back, and workers' times are not in order: they come later. */
	struct rte_mbuf *block = rte_pcapng_copy(
		copy->port, note->queue, copy, capture->blocks, capture->config.frame_bytes,
		rte_rdtsc(), note->sent ? RTE_PCAPNG_DIRECTION_OUT : RTE_PCAPNG_DIRECTION_IN);
	char comment[CAPTURE_COMMENT_BYTES_MAX];

	if (block == NULL)
		return NULL;
	describe(&capture->config, note, comment, sizeof(comment));
	capture_block_complete(block, time_of(capture, note->tsc), note->frame_bytes, comment);
	return block;
}

/* The reason that comes first stays. */
static void set_end(struct capture *capture, enum mr_capture_end end, int error)
{
	if (atomic_load(&capture->end) != MR_CAPTURE_RUNS)
		return;
	atomic_store(&capture->error, error);
	atomic_store(&capture->end, end);
}

static void write_block(struct capture *capture, struct rte_mbuf *block)
{
	const uint32_t bytes = rte_pktmbuf_pkt_len(block);
	ssize_t written;

	if (atomic_load(&capture->bytes) + bytes > capture->config.file_bytes) {
		set_end(capture, MR_CAPTURE_FULL, 0);
		return;
	}
	written = rte_pcapng_write_packets(capture->file, &block, 1);
	if (written != (ssize_t)bytes) {
		set_end(capture, MR_CAPTURE_FAILED, written < 0 ? rte_errno : ENOSPC);
		return;
	}
	atomic_fetch_add(&capture->bytes, bytes);
	atomic_fetch_add(&capture->packets, 1);
}

static void write_copy(struct capture *capture, struct rte_mbuf *copy)
{
	struct rte_mbuf *block;

	if (atomic_load(&capture->end) != MR_CAPTURE_RUNS)
		return;
	block = make_block(capture, copy);
	if (block == NULL) {
		atomic_fetch_add(&capture->tap.missed, 1);
		return;
	}
	write_block(capture, block);
	rte_pktmbuf_free(block);
}

/* False: there was nothing. */
static bool write_next(struct capture *capture)
{
	void *copy = NULL;

	if (rte_ring_sc_dequeue(capture->queue, &copy) != 0 || copy == NULL)
		return false;
	write_copy(capture, copy);
	rte_pktmbuf_free(copy);
	return true;
}

static void pause_a_little(void)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static void give_tap(struct capture *capture, struct capture_tap *tap)
{
	for (uint32_t i = 0; i < capture->crew->count; i++)
		atomic_store_explicit(&capture->crew->workers[i]->capture, tap,
				      memory_order_release);
}

/* Workers that sleep or have stopped are not waited for. */
static void take_tap_back(struct capture *capture)
{
	uint64_t token;

	give_tap(capture, NULL);
	token = rte_rcu_qsbr_start(capture->qsbr);
	while (rte_rcu_qsbr_check(capture->qsbr, token, false) == 0) {
		if (!write_next(capture))
			pause_a_little();
	}
}

static void *write_file(void *context)
{
	struct capture *capture = context;

	give_tap(capture, &capture->tap);
	while (!atomic_load(&capture->stop) && atomic_load(&capture->end) == MR_CAPTURE_RUNS) {
		if (!write_next(capture))
			pause_a_little();
	}
	take_tap_back(capture);
	while (write_next(capture))
		;
	set_end(capture, MR_CAPTURE_STOPPED, 0);
	rte_pcapng_close(capture->file);
	atomic_store(&capture->has_ended, true);
	return NULL;
}

static void join_writer(struct capture *capture)
{
	if (capture->has_writer)
		pthread_join(capture->writer, NULL);
	capture->has_writer = false;
}

/* What the library writes before the first packet. */
static int begin_file(struct capture *capture, int fd, struct mr_error *error)
{
	off_t begun;

	capture->file = rte_pcapng_fdopen(fd, NULL, NULL, "mailraild " MAILRAIL_VERSION,
					  "the comment of each packet says what became of it");
	begun = capture->file != NULL ? lseek(fd, 0, SEEK_CUR) : -1;
	if (begun >= 0) {
		atomic_store(&capture->bytes, (uint64_t)begun);
		return 0;
	}
	if (capture->file != NULL)
		rte_pcapng_close(capture->file);
	else
		close(fd);
	return mr_error_set(error, -EIO, "the capture's file cannot be written");
}

static void read_clocks(struct capture *capture)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	capture->began_tsc = rte_rdtsc();
	capture->began_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int capture_start(struct capture *capture, const struct mr_capture_config *config, int fd,
		  struct mr_error *error)
{
	int rc;

	if (capture->has_writer && !atomic_load(&capture->has_ended)) {
		close(fd);
		return mr_error_set(error, -EBUSY, "a capture is under way");
	}
	join_writer(capture);
	rc = begin_file(capture, fd, error);
	if (rc != 0)
		return rc;
	capture->config = *config;
	capture->tap = (struct capture_tap){
		.filter = config->filter,
		.sent = config->sent,
		.frame_bytes = config->frame_bytes,
		.mbufs = capture->copies,
		.queue = capture->queue,
	};
	read_clocks(capture);
	capture->is_known = true;
	atomic_store(&capture->stop, false);
	atomic_store(&capture->end, MR_CAPTURE_RUNS);
	atomic_store(&capture->has_ended, false);
	atomic_store(&capture->error, 0);
	atomic_store(&capture->packets, 0);
	if (pthread_create(&capture->writer, NULL, write_file, capture) != 0) {
		atomic_store(&capture->has_ended, true);
		set_end(capture, MR_CAPTURE_FAILED, ENOMEM);
		rte_pcapng_close(capture->file);
		return mr_error_set(error, -ENOMEM, "no memory for the capture's thread");
	}
	capture->has_writer = true;
	return 0;
}

void capture_stop(struct capture *capture)
{
	atomic_store(&capture->stop, true);
}

void capture_end(struct capture *capture)
{
	capture_stop(capture);
	join_writer(capture);
}

bool capture_status(const struct capture *capture, struct mr_capture_status *out)
{
	if (!capture->is_known)
		return false;
	*out = (struct mr_capture_status){
		.end = atomic_load(&capture->has_ended)
			       ? (enum mr_capture_end)atomic_load(&capture->end)
			       : MR_CAPTURE_RUNS,
		.error = atomic_load(&capture->error),
		.packets = atomic_load(&capture->packets),
		.bytes = atomic_load(&capture->bytes),
		.missed = atomic_load(&capture->tap.missed),
	};
	return true;
}

void capture_destroy(struct capture *capture)
{
	if (capture == NULL)
		return;
	capture_end(capture);
	rte_ring_free(capture->queue);
	rte_mempool_free(capture->blocks);
	rte_mempool_free(capture->copies);
	free(capture);
}
