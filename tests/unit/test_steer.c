/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two steering programs on golden frames, run by the kernel without an interface
 * (BPF_PROG_TEST_RUN). Both must give the same answer to every frame: what XDP hands to
 * mailrail is what tc hides from the kernel.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../lib/steer_frames.h"
#include "../lib/unit.h"
#include "steer_tc.skel.h"
#include "steer_xdp.skel.h"

#include "bpf/steer_keys.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES     20
#define IPV6_BYTES     40

static struct steer_xdp_bpf *xdp;
static struct steer_tc_bpf *tc;
static int xsk;

static uint32_t run(const struct bpf_program *program, const struct steer_frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = 1);
	const int rc = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (rc != 0)
		printf("\n    test run of %u bytes: %s", frame->length, strerror(-rc));
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return options.retval;
}

static void expect_xdp(const char *what, const struct steer_frame *frame, bool taken)
{
	const uint32_t answer = run(xdp->progs.mailrail_steer, frame);
	const bool right = answer == (taken ? XDP_REDIRECT : XDP_PASS);

	if (!right)
		printf("\n    %s, %u bytes: XDP says %u", what, frame->length, answer);
	CU_ASSERT(right);
}

static void expect_tc(const char *what, const struct steer_frame *frame, bool taken)
{
	const int answer = (int)run(tc->progs.mailrail_hide, frame);
	const bool right = answer == (taken ? TC_ACT_SHOT : TC_ACT_UNSPEC);

	if (!right)
		printf("\n    %s, %u bytes: tc says %d", what, frame->length, answer);
	CU_ASSERT(right);
}

/* The kernel runs tc programs only on frames that hold the IP header their ethertype promises. */
static uint32_t shortest_for_tc(const struct steer_frame *frame)
{
	if (frame->l3_offset > ETHERNET_BYTES)
		return ETHERNET_BYTES;
	return ETHERNET_BYTES + (frame->bytes[12] == 0x86 ? IPV6_BYTES : IPV4_BYTES);
}

static void expect(const char *what, const struct steer_frame *frame, bool taken)
{
	expect_xdp(what, frame, taken);
	if (frame->length >= shortest_for_tc(frame))
		expect_tc(what, frame, taken);
}

static void takes_only_its_own(void)
{
	const struct steer_recipe *recipe;

	for (size_t i = 0; (recipe = steer_recipe_at(i)) != NULL; i++) {
		const struct steer_frame frame = steer_frame_of(recipe);

		expect(recipe->what, &frame, recipe->taken);
	}
}

/* The IP header says what was there before the cut. */
static void leaves_truncated_frames(void)
{
	const struct steer_recipe *recipe;

	for (size_t i = 0; (recipe = steer_recipe_at(i)) != NULL; i++) {
		struct steer_frame frame = steer_frame_of(recipe);
		const uint32_t whole = frame.length - recipe->padding;

		/* One that claims to be shorter than its frame is whole without the rest. */
		if (recipe->length_error < 0)
			continue;
		for (frame.length = ETHERNET_BYTES; frame.length < whole; frame.length++)
			expect(recipe->what, &frame, false);
	}
}

/* The IP header knows of the cut. */
static void leaves_packets_without_their_headers(void)
{
	const struct steer_recipe *recipe;

	for (size_t i = 0; (recipe = steer_recipe_at(i)) != NULL; i++) {
		struct steer_frame frame = steer_frame_of(recipe);
		const uint32_t whole = frame.length;

		if (!recipe->taken || recipe->length_error != 0)
			continue;
		frame.length = frame.l3_offset + (frame.is_v6 ? IPV6_BYTES : IPV4_BYTES);
		for (; frame.length <= whole; frame.length++) {
			steer_frame_fit(&frame);
			expect(recipe->what, &frame, frame.length >= frame.needed);
		}
	}
}

/* XDP does not know who is us: the workers drop those frames. */
static void tc_leaves_other_stations_frames(void)
{
	struct steer_recipe recipe = *steer_recipe_at(0);
	struct steer_frame frame;

	recipe.mac = STEER_ANOTHER_MAC;
	frame = steer_frame_of(&recipe);
	expect_tc("to another station", &frame, false);
	expect_xdp("to another station", &frame, true);
}

static void leaves_untagged_frames_without_such_a_port(void)
{
	const uint32_t untagged = 0;
	const uint8_t present = 1;
	const struct steer_frame frame = steer_frame_of(steer_recipe_at(0));

	CU_ASSERT_EQUAL(bpf_map_delete_elem(bpf_map__fd(xdp->maps.tags), &untagged), 0);
	CU_ASSERT_EQUAL(bpf_map_delete_elem(bpf_map__fd(tc->maps.tags), &untagged), 0);
	expect("untagged", &frame, false);
	CU_ASSERT_EQUAL(bpf_map_update_elem(bpf_map__fd(xdp->maps.tags), &untagged, &present, 0),
			0);
	CU_ASSERT_EQUAL(bpf_map_update_elem(bpf_map__fd(tc->maps.tags), &untagged, &present, 0), 0);
	expect("untagged", &frame, true);
}

static void leaves_queues_without_socket(void)
{
	const int map = bpf_map__fd(xdp->maps.xsks_map);
	const uint32_t queue = 0;
	const struct steer_frame frame = steer_frame_of(steer_recipe_at(0));

	CU_ASSERT_EQUAL(bpf_map_delete_elem(map, &queue), 0);
	CU_ASSERT_EQUAL(run(xdp->progs.mailrail_steer, &frame), XDP_PASS);
	CU_ASSERT_EQUAL(bpf_map_update_elem(map, &queue, &xsk, BPF_ANY), 0);
	CU_ASSERT_EQUAL(run(xdp->progs.mailrail_steer, &frame), XDP_REDIRECT);
}

/* A socket with a receive ring is all that the map asks for; it is bound to nothing. */
static void open_xsk(void)
{
	const int entries = 64;
	const uint32_t queue = 0;

	xsk = socket(AF_XDP, SOCK_RAW, 0);
	CU_ASSERT_FATAL(xsk >= 0);
	CU_ASSERT_EQUAL_FATAL(setsockopt(xsk, SOL_XDP, XDP_RX_RING, &entries, sizeof(entries)), 0);
	CU_ASSERT_EQUAL_FATAL(
		bpf_map_update_elem(bpf_map__fd(xdp->maps.xsks_map), &queue, &xsk, BPF_ANY), 0);
}

static void xdp_passes_the_verifier(void)
{
	xdp = steer_xdp_bpf__open_and_load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(xdp);
	steer_fill_maps(xdp->obj);
	open_xsk();
}

static void tc_passes_the_verifier(void)
{
	tc = steer_tc_bpf__open_and_load();
	CU_ASSERT_PTR_NOT_NULL_FATAL(tc);
	steer_fill_maps(tc->obj);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(xdp_passes_the_verifier),
		UNIT_TEST(tc_passes_the_verifier),
		UNIT_TEST(takes_only_its_own),
		UNIT_TEST(leaves_truncated_frames),
		UNIT_TEST(leaves_packets_without_their_headers),
		UNIT_TEST(tc_leaves_other_stations_frames),
		UNIT_TEST(leaves_untagged_frames_without_such_a_port),
		UNIT_TEST(leaves_queues_without_socket),
		CU_TEST_INFO_NULL,
	};
	const int status = unit_run("steer", tests);

	close(xsk);
	steer_tc_bpf__destroy(tc);
	steer_xdp_bpf__destroy(xdp);
	return status;
}
