/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering and the workers agree about whose a frame is. On an af_packet port both judge every
 * frame: one that the tc program hides and the worker leaves is lost; one that it does not hide
 * and the worker takes is answered twice. Random frames: those of test_steer.c, cut and with
 * bits turned over.
 */
#include <linux/pkt_cls.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../lib/rig_unit.h"
#include "../lib/steer_frames.h"
#include "steer_tc.skel.h"

#define ROUNDS 100000

/* Addresses, lengths and all of a quote's headers are in there. */
#define BITS_TURNED_MAX	 3
#define TURN_FIRST_BYTES 160
#define MAC_BYTES	 6
#define ETHERNET_BYTES	 14

static struct rig *rig;
static struct mr_snapshot *snapshot;
static struct steer_tc_bpf *tc;

static void add_service(const char *address)
{
	const struct mr_endpoint endpoint = {
		.address = frame_addr(address),
		.port = rte_cpu_to_be_16(STEER_PORT),
	};

	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_endpoint(snapshot, &endpoint), 0);
}

static void add_backend(const char *address, const char *service)
{
	const struct mr_nat_source source = {
		.address = frame_addr(address),
		.port = rte_cpu_to_be_16(STEER_PORT),
		.service_address = frame_addr(service),
	};

	CU_ASSERT_EQUAL_FATAL(mr_snapshot_add_nat_source(snapshot, &source), 0);
}

static void make_snapshot(void)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = 1,
		.pool_count = 1,
		.backend_capacity = 1,
		.endpoint_count = 2,
		.nat_source_count = 2,
	};
	const uint8_t secret[MR_HASH_KEY_BYTES] = "any key will do";

	snapshot = mr_snapshot_create(&sizes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(snapshot);
	mr_hash_key_init(&snapshot->hash_key, secret);
	add_service(STEER_SERVICE);
	add_service(STEER_SERVICE6);
	add_backend(STEER_BACKEND, STEER_SERVICE);
	add_backend(STEER_BACKEND6, STEER_SERVICE6);
	snapshot->probe_sources[0] = frame_addr(STEER_PROBER);
	snapshot->probe_sources[1] = frame_addr(STEER_PROBER6);
	snapshot->probe_source_count = 2;
}

/* Three ports on one interface, told apart by their tags. */
static void set_ports(void)
{
	static const uint16_t tags[][2] = {{0, 0}, {100, 0}, {200, 300}};

	for (uint8_t i = 0; i < 3; i++) {
		struct port *port = &rig->ports[i];

		port->kind = MR_DEVICE_AF_PACKET;
		port->has_kernel_side = true;
		memcpy(&port->mac, STEER_OUR_MAC, sizeof(port->mac));
		memcpy(port->tags, tags[i], sizeof(port->tags));
		port->tag_count = i;
		port->sibling = (i + 1) % 3;
	}
}

static void sets_up(void)
{
	make_snapshot();
	set_ports();
	tc = steer_tc_bpf__open_and_load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(tc);
	steer_fill_maps(tc->obj);
}

/* False: the kernel does not run tc programs on so short a frame. */
static bool steer(const struct steer_frame *frame, bool *out_hidden)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = 1);

	if (bpf_prog_test_run_opts(bpf_program__fd(tc->progs.mailrail_hide), &options) != 0)
		return false;
	*out_hidden = options.retval == TC_ACT_SHOT;
	return true;
}

/* What waited for this fragment has had its turn in a round before. */
static void discard_released(void)
{
	struct burst burst;

	while (receive_again(&rig->worker, &burst) > 0)
		rig_discard(&burst);
}

/* The steps that may leave a frame to the kernel. */
static uint8_t work(const struct steer_frame *frame)
{
	struct rte_mbuf *mbuf = frame_to_mbuf(rig->mbufs, frame->bytes, frame->length);
	struct burst burst;
	uint8_t verdict;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	/* The frames have no checksums, which steering does not look at. */
	mbuf->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	CU_ASSERT_FATAL(rig_inject_mbuf(rig, 0, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, 0, &burst), 1);
	parse(&rig->worker, &burst);
	follow_fragments(&rig->worker, snapshot, &burst);
	match_service(&rig->worker, snapshot, &burst);
	verdict = burst.packets[0].verdict;
	rig_discard(&burst);
	discard_released();
	return verdict;
}

static bool is_taken(uint8_t verdict)
{
	return verdict == UNDECIDED || verdict == TAKEN || verdict == MR_RETURNED ||
	       verdict == MR_PROBE_REPLY || verdict == MR_PASSED_TO_KERNEL;
}

static const char *name_of(uint8_t verdict)
{
	return verdict < MR_VERDICT_COUNT ? mr_verdict_name((enum mr_verdict)verdict) : "taken";
}

/* What is damaged may be hidden or not: the worker drops it, and so does the kernel. */
static bool agree(const char *what, const struct steer_frame *frame)
{
	bool hidden;
	uint8_t verdict;

	if (!steer(frame, &hidden))
		return true;
	verdict = work(frame);
	if (hidden ? verdict != MR_LEFT_TO_KERNEL : !is_taken(verdict))
		return true;
	printf("\n    %s, %u bytes: %s, but %s:", what, frame->length,
	       hidden ? "hidden" : "not hidden", name_of(verdict));
	for (uint32_t i = 0; i < frame->length; i++)
		printf(" %02x", frame->bytes[i]);
	return false;
}

static void about_golden_frames(void)
{
	const struct steer_recipe *recipe;

	for (size_t i = 0; (recipe = steer_recipe_at(i)) != NULL; i++) {
		const struct steer_frame frame = steer_frame_of(recipe);

		CU_ASSERT(agree(recipe->what, &frame));
	}
}

/* The station's address stays: the kernel judges it before tc does. */
static void turn_bits(struct steer_frame *frame)
{
	const uint32_t bytes = RTE_MIN(frame->length, (uint32_t)TURN_FIRST_BYTES);

	if (bytes <= MAC_BYTES)
		return;
	for (long i = random() % (BITS_TURNED_MAX + 1); i > 0; i--) {
		const uint32_t at = MAC_BYTES + (uint32_t)random() % (bytes - MAC_BYTES);

		frame->bytes[at] ^= (uint8_t)(1U << random() % 8);
	}
}

static void cut(struct steer_frame *frame)
{
	if (random() % 2 == 0)
		return;
	frame->length = ETHERNET_BYTES + (uint32_t)random() % (frame->length - ETHERNET_BYTES + 1);
	if (random() % 2 == 0 && frame->length > frame->l3_offset + 6)
		steer_frame_fit(frame);
}

static void about_damaged_frames(void)
{
	size_t count = 1;

	while (steer_recipe_at(count) != NULL)
		count++;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct steer_recipe *recipe = steer_recipe_at((size_t)random() % count);
		struct steer_frame frame = steer_frame_of(recipe);

		cut(&frame);
		turn_bits(&frame);
		CU_ASSERT_FATAL(agree(recipe->what, &frame));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(sets_up),
		UNIT_TEST(about_golden_frames),
		UNIT_TEST(about_damaged_frames),
		CU_TEST_INFO_NULL,
	};
	int status;

	srandom(unit_seed());
	status = rig_unit_run("steer_agreement", tests, &rig);
	steer_tc_bpf__destroy(tc);
	mr_snapshot_destroy(snapshot);
	return status;
}
