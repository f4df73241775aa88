/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One frame at a time through receive() and parse(), with each kind of kernel behind port 0:
 * none, one that has its own copy, and one to which frames can be passed. Frames are heap
 * blocks of exactly their size (tests/lib/frame.h): under AddressSanitizer a read behind the
 * end of the frame ends the test.
 */
#ifndef MAILRAIL_TESTS_PARSE_BENCH_H
#define MAILRAIL_TESTS_PARSE_BENCH_H

#include "../lib/rig_unit.h"

/* The verdict, with what was parsed in *@out (NULL: not wanted), its mbuf gone. */
static inline unsigned int bench_parse_mbuf(struct rig *rig, uint32_t port, struct rte_mbuf *mbuf,
					    struct packet *out)
{
	struct burst burst;
	unsigned int verdict;

	CU_ASSERT_FATAL(mbuf != NULL && rig_inject_mbuf(rig, port, mbuf));
	CU_ASSERT_EQUAL_FATAL(rig_receive(rig, port, &burst), 1);
	parse(&rig->worker, &burst);
	verdict = burst.packets[0].verdict;
	if (out != NULL)
		*out = burst.packets[0];
	rig_discard(&burst);
	return verdict;
}

/* No kernel. */
static inline unsigned int bench_parse(struct rig *rig, const uint8_t *frame, uint32_t count,
				       struct packet *out)
{
	return bench_parse_mbuf(rig, 0, frame_to_mbuf(rig->mbufs, frame, count), out);
}

static inline unsigned int bench_parse_with_copy(struct rig *rig, const uint8_t *frame,
						 uint32_t count)
{
	unsigned int verdict;

	rig->ports[0].kind = MR_DEVICE_AF_PACKET;
	verdict = bench_parse(rig, frame, count, NULL);
	rig->ports[0].kind = MR_DEVICE_VDEV;
	return verdict;
}

static inline unsigned int bench_parse_with_side(struct rig *rig, const uint8_t *frame,
						 uint32_t count)
{
	unsigned int verdict;

	rig->ports[0].has_kernel_side = true;
	verdict = bench_parse(rig, frame, count, NULL);
	rig->ports[0].has_kernel_side = false;
	return verdict;
}

/* The kernel's, where there is one; else dropped as @verdict. */
static inline void bench_assert_left(struct rig *rig, const uint8_t *frame, uint32_t count,
				     unsigned int verdict)
{
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), verdict);
	CU_ASSERT_EQUAL(bench_parse_with_copy(rig, frame, count), MR_LEFT_TO_KERNEL);
	CU_ASSERT_EQUAL(bench_parse_with_side(rig, frame, count), MR_PASSED_TO_KERNEL);
}

/* Dropped as @verdict; a kernel that has a copy will know that itself. */
static inline void bench_assert_dropped_unless_copied(struct rig *rig, const uint8_t *frame,
						      uint32_t count, unsigned int verdict)
{
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), verdict);
	CU_ASSERT_EQUAL(bench_parse_with_copy(rig, frame, count), MR_LEFT_TO_KERNEL);
	CU_ASSERT_EQUAL(bench_parse_with_side(rig, frame, count), verdict);
}

/* The same verdict whatever kernel there is. */
static inline void bench_assert_verdict(struct rig *rig, const uint8_t *frame, uint32_t count,
					unsigned int verdict)
{
	CU_ASSERT_EQUAL(bench_parse(rig, frame, count, NULL), verdict);
	CU_ASSERT_EQUAL(bench_parse_with_copy(rig, frame, count), verdict);
	CU_ASSERT_EQUAL(bench_parse_with_side(rig, frame, count), verdict);
}

#endif
