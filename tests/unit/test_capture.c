/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures of what a worker does, from the frames on its rings to the file, which libpcap reads
 * back; comments, which libpcap passes over, are looked for in the file's bytes.
 *
 *	in[0] --> worker_run --> out[2] (backends), out[0] (resets)
 *	              |
 *	              `--> capture --> file
 */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_tcp.h>

#include "../lib/rig_unit.h"

#define TABLE_SIZE   251
#define BACKENDS     2
#define SERVICES     2
#define BACKEND_PORT 2
#define FRAMES_MAX   64

static struct rig *rig;
static struct crew crew;
static struct capture *capture;

static const struct rte_ether_addr port_mac = {{0x02, 0, 0, 0, 0, 0}};
static const struct rte_ether_addr router_mac = {{0x02, 0, 0, 0, 0, 9}};

/* Service n is at 10.0.0.1n:25, and all its sessions go to backend n. */
static struct mr_snapshot *make_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = SERVICES,
		.pool_count = SERVICES,
		.backend_capacity = BACKENDS,
		.endpoint_count = SERVICES,
	};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "sixteen  bytes!";
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	if (snapshot == NULL)
		abort();
	mr_hash_key_init(&snapshot->hash_key, secret);
	for (uint8_t i = 0; i < SERVICES; i++) {
		const struct mr_way way = {
			.port = BACKEND_PORT,
			.source_mac = {{0x02, 0, 0, 0, 0, BACKEND_PORT}},
			.next_hop = {{0x02, 0, 0, 0, 1, i}},
			.mtu_bytes = 1500,
		};
		const char *const addresses[] = {"10.0.0.10", "10.0.0.11"};
		const struct mr_endpoint endpoint = {frame_addr(addresses[i]), RTE_BE16(25), i};
		struct mr_slots *slots = mr_slots_create(TABLE_SIZE, NULL);

		if (slots == NULL || mr_snapshot_add_endpoint(snapshot, &endpoint) != 0)
			abort();
		for (uint32_t slot = 0; slot < TABLE_SIZE; slot++)
			slots->words[slot] = mr_slot_make(i, i, false);
		snapshot->pools[i].slots = slots;
		snapshot->services[i].pool = i;
		snapshot->backends[i] = (struct mr_backend){
			.alive = true,
			.forwarding = MR_FORWARDING_L2DSR,
			.address = frame_addr("10.0.1.1"),
		};
		if (mr_backend_set_way(&snapshot->backends[i], &way) != 0)
			abort();
	}
	return snapshot;
}

/* Frames that came, in the order in which they were sent to the worker. */
struct sent {
	uint32_t count;
	uint32_t bytes[FRAMES_MAX];
	uint8_t frames[FRAMES_MAX][FRAME_BYTES_MAX];
};
static struct sent sent;
static uint64_t injected;

static void drain(void)
{
	for (uint32_t port = 0; port < RIG_RINGS; port++) {
		struct rte_mbuf *mbuf;

		while ((mbuf = rig_collect(rig, port)) != NULL)
			rte_pktmbuf_free(mbuf);
	}
}

static void inject(const char *client, const char *service, uint16_t payload_bytes)
{
	const struct frame_spec spec = {
		.to = port_mac,
		.from = router_mac,
		.client = client,
		.service = service,
		.client_port = 40000,
		.service_port = 25,
		.tcp_flags = RTE_TCP_ACK_FLAG,
		.payload_bytes = payload_bytes,
	};
	uint8_t *frame = sent.frames[sent.count];

	CU_ASSERT_FATAL(sent.count < FRAMES_MAX);
	sent.bytes[sent.count] = frame_build(&spec, frame);
	CU_ASSERT_FATAL(rig_inject(rig, 0, frame, sent.bytes[sent.count]));
	sent.count++;
	injected++;
	CU_ASSERT_FATAL(rig_await(rig, injected));
	drain();
}

/* One to each service, one to none. */
static void inject_some(void)
{
	sent.count = 0;
	inject("192.0.2.1", "10.0.0.10", 100);
	inject("192.0.2.129", "10.0.0.11", 1400);
	inject("192.0.2.1", "10.0.0.12", 0);
}

static bool await(bool (*is_so)(const struct mr_capture_status *))
{
	const uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();
	struct mr_capture_status status;

	do {
		if (capture_status(capture, &status) && is_so(&status))
			return true;
		sched_yield();
	} while (rte_rdtsc() < deadline);
	return false;
}

static bool has_ended(const struct mr_capture_status *status)
{
	return status->end != MR_CAPTURE_RUNS;
}

/* The writer has begun once the worker has the tap. */
static bool has_tap(const struct mr_capture_status *status)
{
	(void)status;
	return atomic_load(&rig->worker.capture) != NULL;
}

static int new_file(void)
{
	const int fd = memfd_create("capture", MFD_ALLOW_SEALING);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static const char *const service_names[MR_SERVICES_MAX] = {"smtp", "submission"};
static const char *const backend_names[MR_BACKENDS_MAX] = {"hub/hub1"};

static const struct mr_capture_config everything = {
	.frame_bytes = MR_CAPTURE_FRAME_BYTES_MAX,
	.file_bytes = 1 << 20,
	.service_names = service_names,
	.backend_names = backend_names,
};

/* The capture's own descriptor is closed when it ends; this one is for reading. */
static int start(const struct mr_capture_config *config)
{
	const int fd = new_file(), own = dup(fd);
	struct mr_error error = {""};
	const int rc = capture_start(capture, config, own, &error);

	if (rc != 0)
		puts(error.text);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_FATAL(await(has_tap));
	return fd;
}

static struct mr_capture_status stop(void)
{
	struct mr_capture_status status = {0};

	capture_stop(capture);
	CU_ASSERT_FATAL(await(has_ended));
	CU_ASSERT(capture_status(capture, &status));
	CU_ASSERT_PTR_NULL(atomic_load(&rig->worker.capture));
	return status;
}

struct seen {
	uint32_t count;
	struct pcap_pkthdr headers[FRAMES_MAX];
	uint8_t frames[FRAMES_MAX][FRAME_BYTES_MAX];
	char *text; /* the whole file, zeros made spaces */
};

/* libpcap's word for it that the file is whole. Closes @fd. */
static void read_back(int fd, struct seen *out)
{
	char path[64], message[PCAP_ERRBUF_SIZE];
	const off_t size = lseek(fd, 0, SEEK_END);
	struct pcap_pkthdr *header;
	const u_char *frame;
	pcap_t *file;
	int rc;

	out->count = 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while ((rc = pcap_next_ex(file, &header, &frame)) == 1 && out->count < FRAMES_MAX) {
		out->headers[out->count] = *header;
		memcpy(out->frames[out->count++], frame, header->caplen);
	}
	CU_ASSERT_EQUAL(rc, PCAP_ERROR_BREAK);
	pcap_close(file);
	out->text = calloc(1, (size_t)size + 1);
	CU_ASSERT_FATAL(out->text != NULL && pread(fd, out->text, (size_t)size, 0) == size);
	for (off_t i = 0; i < size; i++)
		if (out->text[i] == '\0')
			out->text[i] = ' ';
	close(fd);
}

static struct seen seen;

static bool is_frame(uint32_t index, uint32_t sent_index)
{
	const struct pcap_pkthdr *header = &seen.headers[index];

	return header->len == sent.bytes[sent_index] && header->caplen == header->len &&
	       memcmp(seen.frames[index], sent.frames[sent_index], header->len) == 0;
}

/* Read with nanoseconds where others have microseconds. */
static uint64_t nanoseconds(const struct pcap_pkthdr *header)
{
	return (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec;
}

static void test_everything(void)
{
	const time_t before = time(NULL);
	const int fd = start(&everything);
	struct mr_capture_status status;

	inject_some();
	status = stop();
	CU_ASSERT_EQUAL(status.end, MR_CAPTURE_STOPPED);
	CU_ASSERT_EQUAL(status.packets, 3);
	CU_ASSERT_EQUAL(status.missed, 0);
	CU_ASSERT_EQUAL((off_t)status.bytes, lseek(fd, 0, SEEK_END));
	read_back(fd, &seen);
	CU_ASSERT_EQUAL_FATAL(seen.count, 3);
	for (uint32_t i = 0; i < seen.count; i++) {
		CU_ASSERT(is_frame(i, i));
		CU_ASSERT(seen.headers[i].ts.tv_sec >= before &&
			  seen.headers[i].ts.tv_sec <= time(NULL));
	}
	CU_ASSERT(nanoseconds(&seen.headers[0]) < nanoseconds(&seen.headers[2]));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "forwarded, service smtp, backend hub/hub1"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(seen.text, "forwarded, service submission, backend (unknown)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "drop_not_service"));
	free(seen.text);
}

/* A frame that leaves has the next hop's address; one that is dropped does not leave. */
static void test_sent_too(void)
{
	static const uint8_t next_hop[] = {0x02, 0, 0, 0, 1, 0};
	struct mr_capture_config config = everything;
	int fd;

	config.sent = true;
	fd = start(&config);
	inject_some();
	CU_ASSERT_EQUAL(stop().packets, 5);
	read_back(fd, &seen);
	CU_ASSERT_EQUAL_FATAL(seen.count, 5);
	CU_ASSERT(is_frame(0, 0));
	CU_ASSERT(memcmp(seen.frames[1], next_hop, sizeof(next_hop)) == 0);
	CU_ASSERT_EQUAL(seen.headers[1].len, sent.bytes[0]);
	CU_ASSERT(memcmp(&seen.frames[1][14], &sent.frames[0][14], sent.bytes[0] - 14) == 0);
	CU_ASSERT(is_frame(4, 2));
	free(seen.text);
}

/* The one of inject_some() that @filter leaves, and no other. */
static void check_filter(const struct mr_capture_filter *filter, uint32_t sent_index)
{
	struct mr_capture_config config = everything;
	int fd;

	config.filter = *filter;
	fd = start(&config);
	inject_some();
	CU_ASSERT_EQUAL(stop().packets, 1);
	read_back(fd, &seen);
	CU_ASSERT_EQUAL_FATAL(seen.count, 1);
	CU_ASSERT(is_frame(0, sent_index));
	free(seen.text);
}

static void test_filters(void)
{
	check_filter(&(struct mr_capture_filter){.service_given = true, .service = 0}, 0);
	check_filter(&(struct mr_capture_filter){.service_given = true, .service = 1}, 1);
	check_filter(&(struct mr_capture_filter){.backend_given = true, .backend = 1}, 1);
	check_filter(&(struct mr_capture_filter){.verdicts = UINT64_C(1) << MR_DROP_NOT_SERVICE},
		     2);
	check_filter(&(struct mr_capture_filter){.client_given = true,
						 .client = {frame_addr("192.0.2.128"), 96 + 25}},
		     1);
	check_filter(&(struct mr_capture_filter){.client_given = true,
						 .client = {frame_addr("192.0.2.1"), 128},
						 .service_given = true,
						 .service = 0},
		     0);
}

static void test_first_bytes_only(void)
{
	struct mr_capture_config config = everything;
	int fd;

	config.frame_bytes = 60;
	fd = start(&config);
	inject_some();
	stop();
	read_back(fd, &seen);
	CU_ASSERT_EQUAL_FATAL(seen.count, 3);
	CU_ASSERT_EQUAL(seen.headers[1].caplen, 60);
	CU_ASSERT_EQUAL(seen.headers[1].len, sent.bytes[1]);
	CU_ASSERT(memcmp(seen.frames[1], sent.frames[1], 60) == 0);
	free(seen.text);
}

/* It ends by itself, with a file that is whole, and the worker goes on without it. */
static void test_full(void)
{
	struct mr_capture_config config = everything;
	struct mr_capture_status status;
	int fd;

	config.file_bytes = 6000;
	fd = start(&config);
	sent.count = 0;
	for (int i = 0; i < 8; i++)
		inject("192.0.2.1", "10.0.0.10", 1400);
	CU_ASSERT_FATAL(await(has_ended));
	CU_ASSERT(capture_status(capture, &status));
	CU_ASSERT_EQUAL(status.end, MR_CAPTURE_FULL);
	CU_ASSERT(status.bytes <= config.file_bytes);
	CU_ASSERT(status.packets >= 2 && status.packets < 8);
	CU_ASSERT_PTR_NULL(atomic_load(&rig->worker.capture));
	read_back(fd, &seen);
	CU_ASSERT_EQUAL(seen.count, status.packets);
	free(seen.text);
	inject_some();
}

static void test_file_fails(void)
{
	const int fd = start(&everything);
	struct mr_capture_status status = {0};

	CU_ASSERT_EQUAL_FATAL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	inject_some();
	CU_ASSERT_FATAL(await(has_ended));
	CU_ASSERT(capture_status(capture, &status));
	CU_ASSERT_EQUAL(status.end, MR_CAPTURE_FAILED);
	CU_ASSERT_EQUAL(status.error, EPERM);
	close(fd);
}

static void test_refusals(void)
{
	struct mr_error error;
	const int fd = start(&everything);

	CU_ASSERT_EQUAL(capture_start(capture, &everything, new_file(), &error), -EBUSY);
	stop();
	close(fd);
	CU_ASSERT_EQUAL(capture_start(capture, &everything, open("/dev/full", O_WRONLY), &error),
			-EIO);
}

/* Frames of the widest port are copied whole, in several segments; all copies come back. */
static void test_many(void)
{
	struct mr_capture_config config = everything;
	const uint32_t mbufs = rig_free_mbufs(rig);
	struct mr_capture_status status;

	config.file_bytes = 64 << 20;
	for (int round = 0; round < 3; round++) {
		const int fd = start(&config);

		for (int i = 0; i < 100; i++) {
			sent.count = 0;
			for (int j = 0; j < 40; j++)
				inject("192.0.2.1", "10.0.0.10", 1400);
		}
		status = stop();
		CU_ASSERT_EQUAL(status.packets + status.missed, 4000);
		CU_ASSERT(status.packets > 1000);
		close(fd);
	}
	CU_ASSERT_EQUAL(rig_free_mbufs(rig), mbufs);
}

static CU_TestInfo tests[] = {
	UNIT_TEST(test_everything),	  UNIT_TEST(test_sent_too), UNIT_TEST(test_filters),
	UNIT_TEST(test_first_bytes_only), UNIT_TEST(test_full),	    UNIT_TEST(test_file_fails),
	UNIT_TEST(test_refusals),	  UNIT_TEST(test_many),	    CU_TEST_INFO_NULL,
};

/* What dataplane.c sets up around a worker. */
static int run_with_worker(void)
{
	struct mr_snapshot *snapshot = make_snapshot();
	int status;

	crew = (struct crew){.workers = {&rig->worker}, .count = 1};
	if (capture_create(&crew, rig->qsbr, &capture) != 0 || rig_start(rig) != 0)
		return 2;
	rig_publish(rig, snapshot);
	status = unit_run("capture", tests);
	capture_destroy(capture);
	rig_publish(rig, NULL);
	rig_stop(rig);
	mr_snapshot_destroy(snapshot);
	return status;
}

int main(void)
{
	int status = 2;

	if (test_eal_start() < 0)
		return 2;
	rig = rig_create();
	if (rig != NULL) {
		status = run_with_worker();
		rig_destroy(rig);
	}
	test_eal_stop();
	return status;
}
