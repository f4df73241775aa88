/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <rte_tcp.h>

#include "../lib/unit.h"
#include "builtin_profiles.h"
#include "field_errors.h"
#include "profile.h"
#include "traffic.h"

#define SECOND UINT64_C(1000000000)

static struct profile profile;
static struct traffic_plan plan;
static struct traffic traffic;

static void begin_part(const char *text, uint32_t open_max, double rate, uint32_t index,
		       uint32_t count)
{
	struct field_errors errors = {0};
	json_t *json = json_loads(text, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_TRUE_FATAL(profile_decode(json, &profile, &errors));
	json_decref(json);
	CU_ASSERT_EQUAL_FATAL(traffic_plan_create(&plan, &profile, 1, open_max, rate), 0);
	CU_ASSERT_EQUAL_FATAL(traffic_create(&traffic, &plan, index, count), 0);
}

static void begin(const char *text, uint32_t open_max, double rate)
{
	begin_part(text, open_max, rate, 0, 1);
}

static void end(void)
{
	traffic_destroy(&traffic);
	traffic_plan_destroy(&plan);
	profile_fini(&profile);
}

#define WHO                                      \
	"\"sources\":[{\"prefix\":\"198.18.0.0/" \
	"16\"}],\"services\":[{\"address\":\"198.19.0.10\"}]"
#define THREE                                                                                      \
	"{\"name\":\"three\"," WHO ",\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":["            \
	"{\"packet\":\"syn\"}],\"message\":[{\"packet\":\"data\",\"payload\":100,\"count\":2,"     \
	"\"gap_us\":1000000}],\"messages\":2,\"close\":[{\"packet\":\"fin\",\"gap_us\":500000}]}]" \
	"}"

static void test_a_session_plays_its_script(void)
{
	static const uint8_t flags[] = {RTE_TCP_SYN_FLAG, 0x18, 0x18, 0x18, 0x18, 0x11};
	static const uint32_t offsets[] = {0, 0, 100, 200, 300, 400};
	static const double times[] = {0, 1, 2, 3, 4, 4.5};
	struct planned planned;

	begin(THREE, 10, 0.001);
	for (uint32_t i = 0; i < 6; i++) {
		CU_ASSERT_TRUE_FATAL(traffic_next(&traffic, 100 * SECOND, &planned));
		CU_ASSERT_EQUAL(planned.number, i);
		CU_ASSERT_EQUAL(planned.tcp_flags, flags[i]);
		CU_ASSERT_EQUAL(planned.offset, offsets[i]);
		CU_ASSERT_EQUAL(planned.session, planned_session(0, 1));
		CU_ASSERT_DOUBLE_EQUAL((double)planned.time_ns / 1e9, times[i], 0.001);
	}
	CU_ASSERT_FALSE(traffic_next(&traffic, 100 * SECOND, &planned));
	CU_ASSERT_EQUAL(crowd_open(&traffic.crowd), 0);
	end();
}

static void test_nothing_comes_before_its_time(void)
{
	struct planned planned;

	begin(THREE, 10, 0.001);
	CU_ASSERT_TRUE(traffic_next(&traffic, 0, &planned));
	CU_ASSERT_FALSE(traffic_next(&traffic, SECOND * 99 / 100, &planned));
	CU_ASSERT_TRUE(traffic_next(&traffic, SECOND, &planned));
	end();
}

/* All packets of all sessions, whole and in order, at the rate that was asked for. */
static void test_sessions_begin_at_their_rate(void)
{
	static uint32_t next_number[PLANNED_SLOTS >> 8];
	struct planned planned;
	uint64_t packets = 0, last_ns = 0;
	uint32_t wrong = 0;

	memset(next_number, 0, sizeof(next_number));
	begin(builtin_profile("mx-internet"), PLANNED_SLOTS >> 8, 1000);
	while (traffic_next(&traffic, 100 * SECOND, &planned)) {
		uint32_t *number = &next_number[planned.session & (PLANNED_SLOTS - 1)];

		if (planned.number == 0)
			*number = 0;
		wrong += planned.number != (*number)++ || planned.time_ns < last_ns;
		last_ns = planned.time_ns;
		packets++;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(traffic.crowd.crowded_out, 0);
	/* Five standard deviations of a Poisson distribution. */
	CU_ASSERT_DOUBLE_EQUAL((double)traffic.crowd.begun, 100000, 5 * sqrt(100000));
	CU_ASSERT(packets > traffic.crowd.begun * 10);
	end();
}

/* Member by member: what lies between them has any value. */
static bool is_same(const struct planned *a, const struct planned *b)
{
	return a->serial == b->serial && a->time_ns == b->time_ns && a->session == b->session &&
	       a->number == b->number && a->offset == b->offset &&
	       a->payload_bytes == b->payload_bytes && a->frame_bytes == b->frame_bytes &&
	       a->tcp_flags == b->tcp_flags && a->kind == b->kind;
}

static void test_the_same_seed_gives_the_same_packets(void)
{
	static struct planned first[10000];
	struct planned planned;

	for (uint32_t run = 0; run < 2; run++) {
		begin(builtin_profile("mx-internet"), 100000, 0);
		for (uint32_t i = 0; i < 10000; i++) {
			CU_ASSERT_TRUE_FATAL(traffic_next(&traffic, UINT64_MAX, &planned));
			if (run == 0)
				first[i] = planned;
			else
				CU_ASSERT_TRUE(is_same(&first[i], &planned));
		}
		end();
	}
}

#define PATIENT                                                                           \
	"{\"name\":\"patient\"," WHO ",\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":[" \
	"{\"packet\":\"syn\"},{\"packet\":\"ack\",\"gap_us\":600000000}]}]}"

static void test_millions_are_open_at_once(void)
{
	const uint32_t millions = 3000000;
	struct planned planned;
	uint32_t syns = 0, others = 0;

	begin(PATIENT, millions, 10000);
	while (traffic_next(&traffic, 599 * SECOND, &planned))
		syns += planned.number == 0;
	CU_ASSERT_EQUAL(syns, millions);
	CU_ASSERT_EQUAL(crowd_open(&traffic.crowd), millions);
	CU_ASSERT(traffic.crowd.crowded_out > 2900000);
	while (traffic_next(&traffic, 900 * SECOND, &planned))
		others += planned.number == 1;
	CU_ASSERT(others >= millions);
	end();
}

static void test_senders_share_without_overlap(void)
{
	static uint8_t owner[300];
	struct planned planned;
	uint32_t wrong = 0;

	memset(owner, 0, sizeof(owner));
	for (uint32_t index = 0; index < 3; index++) {
		begin_part(builtin_profile("spam-storm"), 300, 1000, index, 3);
		for (uint32_t i = 0; i < 5000; i++) {
			uint8_t *slot;

			CU_ASSERT_TRUE_FATAL(traffic_next(&traffic, UINT64_MAX, &planned));
			slot = &owner[planned.session & (PLANNED_SLOTS - 1)];
			wrong += (*slot != 0 && *slot != index + 1) || planned.serial % 3 != index;
			*slot = (uint8_t)(index + 1);
		}
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_a_flood_numbers_the_packets_of_each_session(void)
{
	static uint32_t numbers[1000];
	struct planned planned;
	uint32_t wrong = 0;

	memset(numbers, 0, sizeof(numbers));
	begin("{\"name\":\"f\"," WHO ",\"flood\":{\"sessions\":1000,\"zipf_percent\":100,"
	      "\"frames\":[{\"bytes\":64,\"share\":3},{\"bytes\":1518}]}}",
	      1, 0);
	for (uint32_t i = 0; i < 100000; i++) {
		CU_ASSERT_TRUE_FATAL(traffic_next(&traffic, 0, &planned));
		wrong += planned.number != numbers[planned.session]++ ||
			 (planned.frame_bytes != 60 && planned.frame_bytes != 1514);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	/* The first of 1000 by Zipf: one in H(1000) = 7.485. */
	CU_ASSERT_DOUBLE_EQUAL(numbers[0], 13360, 600);
	end();
}

static void test_clients_are_where_they_should_be(void)
{
	uint32_t v6 = 0, wrong = 0;
	struct mr_tuple tuple;

	begin("{\"name\":\"c\",\"ipv6_percent\":30,\"sources\":[{\"prefix\":\"198.18.0.0/15\"},"
	      "{\"prefix\":\"203.0.113.7\",\"share\":3},{\"prefix\":\"2001:2::/"
	      "48\"}],\"services\":["
	      "{\"address\":\"198.51.100.1\"},{\"address\":\"2001:db8::1\",\"port\":587}],"
	      "\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":[{\"packet\":\"syn\"}]}]}",
	      1, 1);
	for (uint64_t serial = 0; serial < 100000; serial++) {
		clients_tuple(&plan.clients, serial, &tuple);
		if (mr_addr_is_v4(&tuple.client)) {
			wrong += (tuple.client.bytes[12] != 198 ||
				  (tuple.client.bytes[13] & 0xfe) != 18) &&
				 tuple.client.bytes[12] != 203;
			wrong += tuple.service_port != RTE_BE16(25) ||
				 tuple.service.bytes[12] != 198;
		} else {
			v6++;
			wrong += tuple.client.bytes[1] != 1 || tuple.client.bytes[3] != 2 ||
				 tuple.client.bytes[5] != 0 || tuple.service_port != RTE_BE16(587);
		}
		wrong += rte_be_to_cpu_16(tuple.client_port) < 1024;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_DOUBLE_EQUAL(v6, 30000, 750);
	end();
}

#define TWO_FAMILIES                                                                       \
	"{\"name\":\"f\",\"ipv6_percent\":50,\"sources\":[{\"prefix\":\"198.18.0.0/16\"}," \
	"{\"prefix\":\"2001:2::/48\"}],\"services\":[{\"address\":\"198.19.0.10\"},"       \
	"{\"address\":\"2001:2::10\"}],\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":["  \
	"{\"packet\":\"data\",\"payload\":%u},{\"packet\":\"data\",\"payload\":100},"      \
	"{\"packet\":\"fin\"}]}]}"

/* Packets of IPv6 are no longer than those of IPv4, and their streams have no holes. */
static void expect_full_payload(uint32_t full, uint32_t v6_full)
{
	struct planned planned;
	char text[1024];
	uint32_t v6 = 0;

	snprintf(text, sizeof(text), TWO_FAMILIES, full);
	begin(text, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++) {
		bool is_v6;
		uint32_t first;

		CU_ASSERT_TRUE_FATAL(traffic_next(&traffic, UINT64_MAX, &planned));
		is_v6 = clients_is_v6(&plan.clients, planned.serial);
		first = is_v6 ? v6_full : full;
		v6 += is_v6;
		switch (planned.number) {
		case 0:
			CU_ASSERT_EQUAL(planned.payload_bytes, first);
			break;
		case 1:
			CU_ASSERT_EQUAL(planned.payload_bytes, 100);
			CU_ASSERT_EQUAL(planned.offset, first);
			break;
		default:
			CU_ASSERT_EQUAL(planned.offset, first + 100);
			break;
		}
	}
	CU_ASSERT(v6 > 300 && v6 < 700);
	end();
}

static void test_both_families_fill_a_packet(void)
{
	expect_full_payload(1448, 1428);
	expect_full_payload(1420, 1420);
	expect_full_payload(8900, 8880);
}

static void test_ports_come_round_late(void)
{
	static bool had[65536];
	uint32_t twice = 0;
	struct mr_tuple tuple;

	memset(had, 0, sizeof(had));
	begin(builtin_profile("syn-flood"), 1, 1);
	for (uint64_t serial = 5; serial < 5 + 64512; serial++) {
		clients_tuple(&plan.clients, serial, &tuple);
		twice += had[tuple.client_port];
		had[tuple.client_port] = true;
	}
	CU_ASSERT_EQUAL(twice, 0);
	end();
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_a_session_plays_its_script),
		UNIT_TEST(test_nothing_comes_before_its_time),
		UNIT_TEST(test_sessions_begin_at_their_rate),
		UNIT_TEST(test_the_same_seed_gives_the_same_packets),
		UNIT_TEST(test_millions_are_open_at_once),
		UNIT_TEST(test_senders_share_without_overlap),
		UNIT_TEST(test_a_flood_numbers_the_packets_of_each_session),
		UNIT_TEST(test_clients_are_where_they_should_be),
		UNIT_TEST(test_both_families_fill_a_packet),
		UNIT_TEST(test_ports_come_round_late),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen crowd", tests);
}
