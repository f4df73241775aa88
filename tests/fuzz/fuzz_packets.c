/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer's target for the whole way of a packet: frames in by any port, through every step of
 * a real worker, out by any port. Needs --worlds=FILE, a JSON list of worlds (tests/packets/
 * world.h), which tests/packets/golden.py --corpus writes together with inputs to start from.
 *
 * An input is a byte that chooses the world, then records:
 *
 *	place   u8   index of the ring that the frame arrives by, modulo RIG_RINGS;
 *	             0xf0 and above: no frame, time passes
 *	how     u8   bits 0..2: size of every segment but the last (segment_bytes[]),
 *	             3..4: headroom[], 5: no tailroom, 6..7: what the card says about the checksum
 *	length  u16  little-endian, bytes of the frame: fewer when the input ends
 *	frame
 *
 * Besides what the sanitizers find, it fails when a packet has no verdict or more than one, when
 * a buffer is lost, and when a frame that leaves contradicts itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <rte_cycles.h>

#include "../lib/rig.h"
#include "../lib/test_eal.h"
#include "../packets/arrival.h"
#include "../packets/world.h"

#define WORLDS_MAX	256
#define TIME_PASSES	0xf0
#define RECORD_BYTES	4 /* before its frame */
#define RECORDS_MAX	16
#define CLOCK_HZ	(1ULL << 54) /* months a second: none passes by itself, but 1023 may */
#define SECONDS_TO_AGE	(2 * MR_FRAGMENT_TIMEOUT_S)
#define ROUNDS_TO_EMPTY 4

static const uint16_t segment_bytes[] = {0, 1, 14, 34, 54, 60, 128, 600};
static const uint16_t headrooms[] = {128, 70, 20, 0};
static const uint64_t checksum_flags[] = {0, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
					  RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD};

static struct rig *rig;
static struct world *worlds[WORLDS_MAX];
static uint32_t world_count;
static uint32_t mbufs_free; /* when nothing is under way */

/* libFuzzer calls them, and has no header that says so. */
int LLVMFuzzerInitialize(const int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_packets: %s\n", what);
	abort();
}

static const char *worlds_file(int argc, char **argv)
{
	const char option[] = "--worlds=";

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], option, strlen(option)) == 0)
			return argv[i] + strlen(option);
	}
	return NULL;
}

static void read_worlds(const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error), *value;
	size_t i;

	check(root != NULL, error.text);
	check(json_array_size(root) > 0 && json_array_size(root) <= WORLDS_MAX, "number of worlds");
	json_array_foreach (root, i, value) {
		worlds[i] = world_create(value, rig->ports);
		check(worlds[i] != NULL, "a world");
	}
	world_count = (uint32_t)i;
	json_decref(root);
}

int LLVMFuzzerInitialize(const int *argc, char ***argv)
{
	const char *path = worlds_file(*argc, *argv);

	check(path != NULL, "--worlds=FILE is missing");
	check(test_eal_start() == 0, "EAL");
	rig = rig_create();
	check(rig != NULL, "rig");
	mbufs_free = rig_free_mbufs(rig);
	rig->worker.clock_hz = CLOCK_HZ;
	read_worlds(path);
	return 0;
}

/* Every input begins at the same time, with all answers of its first second to give. */
static void clock_begin(void)
{
	rig->worker.clock_start = rte_rdtsc();
	rig->worker.next_second = 0;
	rig->worker.now_s = 0;
	rig->worker.too_big_s = 0;
	rig->worker.too_big_sent = 0;
}

static void elapse(uint64_t seconds)
{
	rig->worker.clock_start -= seconds * CLOCK_HZ;
	rig->worker.next_second = 0;
}

static void arrive(uint8_t place, uint8_t how, const uint8_t *bytes, uint32_t count)
{
	const uint16_t size = segment_bytes[how & 7];
	struct arrival arrival = {
		.bytes = bytes,
		.byte_count = count,
		.segment_count = size != 0 ? ARRIVAL_SEGMENTS_MAX : 1,
		.headroom = headrooms[how >> 3 & 3],
		.tailroom = how & 0x20 ? 0 : 128,
		.checksum_flag = checksum_flags[how >> 6],
	};
	struct rte_mbuf *mbuf;

	for (uint32_t i = 0; i < RTE_DIM(arrival.segment_bytes); i++)
		arrival.segment_bytes[i] = size;
	mbuf = arrival_to_mbuf(rig->mbufs, &arrival);
	check(mbuf != NULL, "no mbuf");
	check(rig_inject_mbuf(rig, place % RIG_RINGS, mbuf), "no room on the ring");
}

/* The frames that one byte of choices and its records describe; returns how many. */
static uint32_t arrive_all(const uint8_t *data, size_t size)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < RECORDS_MAX && size >= RECORD_BYTES; i++) {
		const uint32_t wanted = (uint32_t)data[2] | (uint32_t)data[3] << 8;
		const uint32_t rest = (uint32_t)RTE_MIN(size - RECORD_BYTES, (size_t)UINT16_MAX);
		const uint32_t count = RTE_MIN(RTE_MIN(wanted, rest), ARRIVAL_BYTES_MAX);

		if (data[0] >= TIME_PASSES) {
			elapse(1 + (data[0] & 0xf));
			data += RECORD_BYTES;
			size -= RECORD_BYTES;
			continue;
		}
		arrive(data[0], data[1], &data[RECORD_BYTES], count);
		worker_round(&rig->worker);
		frames++;
		data += RECORD_BYTES + count;
		size -= RECORD_BYTES + count;
	}
	return frames;
}

static void free_leaving(void)
{
	for (uint32_t place = 0; place < RIG_RINGS; place++) {
		struct rte_mbuf *mbuf;
		const char *reason;

		while ((mbuf = rig_collect(rig, place)) != NULL) {
			check(rte_mbuf_check(mbuf, 1, &reason) == 0, "a frame contradicts itself");
			rte_pktmbuf_free(mbuf);
		}
	}
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

/* Nothing of one input is left to the next: no fragment, no pin. */
static void forget(void)
{
	uint32_t cursor = 0;

	elapse(SECONDS_TO_AGE);
	for (uint32_t i = 0; i < ROUNDS_TO_EMPTY; i++) {
		worker_round(&rig->worker);
		free_leaving();
	}
	mr_pin_table_sweep(rig->worker.pins, &cursor, UINT32_MAX, keep_none, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mr_worker_counters *counters = rig->worker.counters;
	const uint64_t before = rig_verdicts(rig);
	const struct world *world;
	uint32_t frames;

	if (size == 0)
		return 0;
	world = worlds[data[0] % world_count];
	world_enter(world, rig);
	atomic_store(&rig->published, world->snapshot);
	clock_begin();
	frames = arrive_all(&data[1], size - 1);
	forget();
	check(rig_verdicts(rig) == before + frames, "not one verdict for each packet");
	check(rig_verdicts(rig) == counters->rx_packets, "packets and verdicts do not add up");
	check(counters->fragments_kept == counters->fragments_released, "a fragment still waits");
	check(rig_free_mbufs(rig) == mbufs_free, "a buffer was lost");
	return 0;
}
