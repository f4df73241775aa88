/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shows frames to the real worker, round by round. Reads cases from standard input, one JSON
 * object a line: what the worker knows (world.h), and one step after the other, a frame or time
 * that passes.
 *
 *	{"world": {...},
 *	 "steps": [{"arrives": "port0", "frame": "0200...", "repeat": 1, "segments": [],
 *	            "headroom": 128, "tailroom": 128, "checksum": "unknown"},
 *	           {"seconds": 6}]}
 *
 * "segments" are the sizes of all segments but the last. Frames come and go by port0, kernel0
 * (that port's kernel side) and so on, and probe. Each case is answered with one line, which
 * says for every step which verdicts were given and which frames left, and what was counted in
 * the whole case, where it is not zero; "backends" are the packets of each:
 *
 *	{"steps": [{"verdicts": {"forwarded": 1}, "out": [["port1", "0200..."]]}, ...],
 *	 "counters": {"rx_packets": 1, "tx_packets": 1},
 *	 "backends": {"0": 1}}
 *
 * With --verdicts it lists the names of all verdicts instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../lib/rig.h"
#include "../lib/test_eal.h"
#include "arrival.h"
#include "world.h"

/* The worker's second: months long, so that none passes by itself, but 255 of them may. */
#define CLOCK_HZ (1ULL << 56)

struct replay {
	struct rig *rig;
	struct port devices[RIG_PORTS]; /* as the rig was made */
	struct world *world;
	uint64_t injected;
	uint32_t mbufs_free; /* when nothing is under way */
};

static int complain(const char *what)
{
	fprintf(stderr, "replay: %s\n", what);
	return -1;
}

/* Places are numbered as the rig's rings are. */
static void place_name(uint32_t place, char name[16])
{
	if (place < RIG_PORTS)
		snprintf(name, 16, "port%u", place);
	else if (place == RIG_PROBE)
		snprintf(name, 16, "probe");
	else
		snprintf(name, 16, "kernel%u", place - RIG_KERNEL);
}

static int read_place(const char *text)
{
	for (uint32_t place = 0; place < RIG_RINGS; place++) {
		char name[16];

		place_name(place, name);
		if (strcmp(text, name) == 0)
			return (int)place;
	}
	return complain("no such port");
}

static int hex_digit(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* Returns the number of bytes or a negative number. */
static int read_hex(const char *text, uint8_t bytes[ARRIVAL_BYTES_MAX])
{
	const size_t digits = strlen(text);

	if (digits % 2 != 0 || digits / 2 > ARRIVAL_BYTES_MAX)
		return complain("frame is too long, or has half a byte");
	for (size_t i = 0; i < digits / 2; i++) {
		const int high = hex_digit(text[2 * i]);
		const int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return complain("frame is not hexadecimal");
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(digits / 2);
}

static json_t *hex_of(const struct rte_mbuf *mbuf)
{
	static const char digits[] = "0123456789abcdef";
	const size_t room = (size_t)rte_pktmbuf_pkt_len(mbuf) * 2;
	char *text = malloc(room + 1);
	const struct rte_mbuf *segment;
	size_t used = 0;
	json_t *value;

	if (text == NULL)
		abort();
	for (segment = mbuf; segment != NULL; segment = segment->next) {
		const uint8_t *bytes = rte_pktmbuf_mtod(segment, const uint8_t *);

		for (uint32_t i = 0; i < rte_pktmbuf_data_len(segment) && used < room; i++) {
			text[used++] = digits[bytes[i] >> 4];
			text[used++] = digits[bytes[i] & 0xf];
		}
	}
	value = json_stringn(text, used);
	free(text);
	return value;
}

/* Fragments whose first one has not come. */
static uint64_t waiting(const struct replay *replay)
{
	const struct mr_worker_counters *counters = replay->rig->worker.counters;

	return counters->fragments_kept - counters->fragments_released;
}

/* Until the worker has met all that was injected; a round takes a burst from every queue. */
static int settle(struct replay *replay)
{
	struct rig *rig = replay->rig;

	for (uint32_t i = 0; i <= RIG_RING_SIZE / BURST_SIZE; i++)
		worker_round(&rig->worker);
	if (rig_verdicts(rig) + waiting(replay) != replay->injected ||
	    rig->worker.counters->rx_packets != replay->injected)
		return complain("verdicts do not add up to the packets received");
	return 0;
}

static void collect(struct rig *rig, json_t *out)
{
	for (uint32_t place = 0; place < RIG_RINGS; place++) {
		struct rte_mbuf *mbuf;
		char name[16];

		place_name(place, name);
		while ((mbuf = rig_collect(rig, place)) != NULL) {
			json_array_append_new(out, json_pack("[s, o]", name, hex_of(mbuf)));
			rte_pktmbuf_free(mbuf);
		}
	}
}

/* In bundles that fit on the rings. */
static int inject(struct replay *replay, uint32_t place, const struct arrival *arrival, int repeat,
		  json_t *out)
{
	for (int i = 0; i < repeat; i++) {
		struct rte_mbuf *mbuf = arrival_to_mbuf(replay->rig->mbufs, arrival);

		if (mbuf == NULL || !rig_inject_mbuf(replay->rig, place, mbuf)) {
			rte_pktmbuf_free(mbuf);
			return complain("no mbuf, or no room on the ring");
		}
		replay->injected++;
		if (i % (RIG_RING_SIZE / 4) != RIG_RING_SIZE / 4 - 1)
			continue;
		if (settle(replay) < 0)
			return -1;
		collect(replay->rig, out);
	}
	return 0;
}

static int read_checksum(const char *text, uint64_t *out)
{
	if (strcmp(text, "good") == 0)
		*out = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	else if (strcmp(text, "bad") == 0)
		*out = RTE_MBUF_F_RX_IP_CKSUM_BAD;
	else if (strcmp(text, "unknown") != 0)
		return complain("checksum");
	return 0;
}

static int read_segments(const json_t *segments, struct arrival *arrival)
{
	json_t *value;
	size_t i;

	if (json_array_size(segments) >= ARRIVAL_SEGMENTS_MAX)
		return complain("too many segments");
	json_array_foreach (segments, i, value)
		arrival->segment_bytes[i] = (uint16_t)json_integer_value(value);
	arrival->segment_count = (uint32_t)i + 1;
	return 0;
}

static int step_frame(struct replay *replay, json_t *step, json_t *out)
{
	uint8_t bytes[ARRIVAL_BYTES_MAX];
	struct arrival arrival = {.bytes = bytes};
	int repeat, headroom, tailroom, count, place;
	const char *arrives, *frame, *checksum;
	const json_t *segments;

	if (json_unpack(step, "{s:s s:s s:i s:o s:i s:i s:s !}", "arrives", &arrives, "frame",
			&frame, "repeat", &repeat, "segments", &segments, "headroom", &headroom,
			"tailroom", &tailroom, "checksum", &checksum) < 0)
		return complain("step");
	place = read_place(arrives);
	count = read_hex(frame, bytes);
	if (place < 0 || count < 0 || read_checksum(checksum, &arrival.checksum_flag) < 0 ||
	    read_segments(segments, &arrival) < 0)
		return -1;
	arrival.byte_count = (uint32_t)count;
	arrival.headroom = (uint16_t)headroom;
	arrival.tailroom = (uint16_t)tailroom;
	return inject(replay, (uint32_t)place, &arrival, repeat, out);
}

static void elapse(struct worker *worker, uint64_t seconds)
{
	worker->clock_start -= seconds * CLOCK_HZ;
	worker->next_second = 0;
}

static void count_verdicts(const struct rig *rig, uint64_t counts[MR_VERDICT_COUNT])
{
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++)
		counts[i] = rig->worker.counters->verdicts[i];
}

static json_t *verdicts_since(const struct rig *rig, const uint64_t before[MR_VERDICT_COUNT])
{
	uint64_t now[MR_VERDICT_COUNT];
	json_t *verdicts = json_object();

	count_verdicts(rig, now);
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++) {
		if (now[i] != before[i])
			json_object_set_new(verdicts, mr_verdict_name(i),
					    json_integer((json_int_t)(now[i] - before[i])));
	}
	return verdicts;
}

/* NULL after a complaint. */
static json_t *replay_step(struct replay *replay, json_t *step)
{
	const json_t *seconds = json_object_get(step, "seconds");
	uint64_t before[MR_VERDICT_COUNT];
	json_t *out = json_array();
	int rc = 0;

	count_verdicts(replay->rig, before);
	if (seconds != NULL)
		elapse(&replay->rig->worker, (uint64_t)json_integer_value(seconds));
	else
		rc = step_frame(replay, step, out);
	if (rc == 0)
		rc = settle(replay);
	if (rc < 0) {
		json_decref(out);
		return NULL;
	}
	collect(replay->rig, out);
	return json_pack("{s:o s:o}", "verdicts", verdicts_since(replay->rig, before), "out", out);
}

static json_t *counters_now(const struct mr_worker_counters *counters)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"rx_packets", counters->rx_packets},
		{"rx_bytes", counters->rx_bytes},
		{"tx_packets", counters->tx_packets},
		{"tx_bytes", counters->tx_bytes},
		{"pins_created", counters->pins_created},
		{"pins_adopted", counters->pins_adopted},
		{"fragments_kept", counters->fragments_kept},
		{"fragments_released", counters->fragments_released},
		{"cut_packets", counters->cut_packets},
		{"mss_clamped", counters->mss_clamped},
	};
	json_t *values = json_object();

	for (uint32_t i = 0; i < RTE_DIM(all); i++) {
		if (all[i].value != 0)
			json_object_set_new(values, all[i].name,
					    json_integer((json_int_t)all[i].value));
	}
	return values;
}

static json_t *backends_now(const struct replay *replay)
{
	const struct mr_worker_counters *counters = replay->rig->worker.counters;
	json_t *values = json_object();

	for (uint32_t i = 0; i < replay->world->snapshot->backend_capacity; i++) {
		const uint64_t packets = counters->backends[i].packets;
		char id[11];

		if (packets == 0)
			continue;
		snprintf(id, sizeof(id), "%u", i);
		json_object_set_new(values, id, json_integer((json_int_t)packets));
	}
	return values;
}

static int replay_steps(struct replay *replay, const json_t *steps)
{
	json_t *answers = json_array(), *answer, *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		answer = replay_step(replay, step);
		if (answer == NULL) {
			json_decref(answers);
			return -1;
		}
		json_array_append_new(answers, answer);
	}
	answer = json_pack("{s:o s:o s:o}", "steps", answers, "counters",
			   counters_now(replay->rig->worker.counters), "backends",
			   backends_now(replay));
	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(answer);
	return 0;
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

/* Ages out what the worker still follows; then every mbuf must be back. */
static int leave_world(struct replay *replay)
{
	struct rig *rig = replay->rig;
	uint32_t cursor = 0;
	int rc;

	elapse(&rig->worker, 2 * MR_FRAGMENT_TIMEOUT_S);
	rc = settle(replay);
	atomic_store(&rig->published, NULL);
	world_destroy(replay->world);
	replay->world = NULL;
	replay->injected = 0;
	mr_pin_table_sweep(rig->worker.pins, &cursor, UINT32_MAX, keep_none, NULL);
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
	if (rc == 0 && rig_free_mbufs(rig) != replay->mbufs_free)
		return complain("a buffer was lost");
	return rc;
}

static int enter_world(struct replay *replay, const json_t *world)
{
	struct worker *worker = &replay->rig->worker;

	replay->world = world_create(world, replay->devices);
	if (replay->world == NULL)
		return -1;
	world_enter(replay->world, replay->rig);
	atomic_store(&replay->rig->published, replay->world->snapshot);
	worker->clock_start = rte_rdtsc();
	worker->clock_hz = CLOCK_HZ;
	worker->next_second = 0;
	worker->now_s = 0;
	worker->too_big_s = 0;
	worker->too_big_sent = 0;
	return 0;
}

static int replay_line(struct replay *replay, const char *line)
{
	const json_t *world, *steps;
	json_error_t error;
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (root == NULL)
		return complain(error.text);
	rc = json_unpack_ex(root, &error, 0, "{s:o s:o !}", "world", &world, "steps", &steps);
	if (rc < 0)
		complain(error.text);
	else
		rc = enter_world(replay, world);
	if (rc == 0) {
		rc = replay_steps(replay, steps);
		rc = leave_world(replay) < 0 ? -1 : rc;
	}
	json_decref(root);
	return rc;
}

static int replay_all(struct replay *replay)
{
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &room, stdin) > 0)
		rc = replay_line(replay, line);
	free(line);
	return rc;
}

static int list_verdicts(void)
{
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++)
		puts(mr_verdict_name(i));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct replay replay = {0};
	int rc;

	if (argc == 2 && strcmp(argv[1], "--verdicts") == 0)
		return list_verdicts();
	if (argc != 1 || test_eal_start() < 0)
		return EXIT_FAILURE;
	replay.rig = rig_create();
	if (replay.rig == NULL)
		return EXIT_FAILURE;
	memcpy(replay.devices, replay.rig->ports, sizeof(replay.devices));
	replay.mbufs_free = rig_free_mbufs(replay.rig);
	rc = replay_all(&replay);
	rig_destroy(replay.rig);
	test_eal_stop();
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
