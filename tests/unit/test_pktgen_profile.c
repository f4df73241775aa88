/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "builtin_profiles.h"
#include "field_errors.h"
#include "profile.h"

#define HEADERS 66 /* Ethernet, IPv4, TCP with timestamps */
#define SYN	74

struct size {
	uint64_t packets;
	uint64_t bytes;
};

static void add_steps(struct size *size, const struct profile_steps *steps)
{
	for (uint32_t i = 0; i < steps->count; i++) {
		const struct profile_step *step = &steps->list[i];
		const uint32_t headers = step->packet == PROFILE_SYN ? SYN : HEADERS;

		size->packets += step->count;
		size->bytes += (uint64_t)step->count * (headers + step->payload_bytes);
	}
}

static struct size size_of(const struct profile_kind *kind)
{
	struct size size = {0};

	add_steps(&size, &kind->open);
	for (uint32_t i = 0; i < kind->messages; i++)
		add_steps(&size, &kind->message);
	add_steps(&size, &kind->close);
	return size;
}

/* What a client of Postfix sends, as it was measured: 0 bytes stand for "not exactly known". */
static const struct measured {
	const char *kind;
	struct size size;
} measured[] = {
	{"half-open", {2, 148}},  {"ehlo-quit", {6, 430}},   {"refused", {9, 680}},
	{"4k", {12, 5031}},	  {"4k-tls", {16, 6054}},    {"20k", {24, 22207}},
	{"75k-tls", {71, 82452}}, {"1m", {773, 0}},	     {"1m-tls", {775, 0}},
	{"10m", {7200, 0}},	  {"20x75k-tls", {1169, 0}},
};

static const struct measured *measurement_of(const char *kind)
{
	for (uint32_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++)
		if (strcmp(measured[i].kind, kind) == 0)
			return &measured[i];
	return NULL;
}

static void load(const char *name, struct profile *profile)
{
	struct field_errors errors = {0};
	json_t *json = profile_read(name, &errors);

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_TRUE_FATAL(profile_decode(json, profile, &errors));
	json_decref(json);
	field_errors_fini(&errors);
}

static void test_sessions_are_as_long_as_they_were_measured(void)
{
	const char *const names[] = {"mx-internet", "spam-storm", "relay-lob"};
	struct profile profile;

	for (uint32_t i = 0; i < 3; i++) {
		load(names[i], &profile);
		for (uint32_t kind = 0; kind < profile.kind_count; kind++) {
			const struct measured *expected = measurement_of(profile.kinds[kind].name);
			const struct size size = size_of(&profile.kinds[kind]);

			CU_ASSERT_PTR_NOT_NULL_FATAL(expected);
			CU_ASSERT_EQUAL(size.packets, expected->size.packets);
			if (expected->size.bytes > 0)
				CU_ASSERT_EQUAL(size.bytes, expected->size.bytes);
		}
		profile_fini(&profile);
	}
}

/* Packets and bytes of a session on average. */
static void check_mean(const char *name, double packets, double bytes)
{
	double packet_sum = 0, byte_sum = 0, shares = 0;
	struct profile profile;

	load(name, &profile);
	for (uint32_t i = 0; i < profile.kind_count; i++) {
		const struct size size = size_of(&profile.kinds[i]);

		shares += profile.kinds[i].share;
		packet_sum += (double)size.packets * profile.kinds[i].share;
		byte_sum += (double)size.bytes * profile.kinds[i].share;
	}
	CU_ASSERT_DOUBLE_EQUAL(packet_sum / shares, packets, packets * 0.01);
	CU_ASSERT_DOUBLE_EQUAL(byte_sum / shares, bytes, bytes * 0.025);
	profile_fini(&profile);
}

static void test_mixes_have_their_mean(void)
{
	check_mean("mx-internet", 36.7, 40800);
	check_mean("spam-storm", 6.4, 570);
	check_mean("relay-lob", 119, 154000);
}

static void test_every_profile_that_comes_along_is_right(void)
{
	struct profile profile;
	uint32_t count = 0;

	for (const char *name; (name = builtin_profile_name(count)) != NULL; count++) {
		load(name, &profile);
		CU_ASSERT_STRING_EQUAL(profile.name, name);
		profile_fini(&profile);
	}
	CU_ASSERT_EQUAL(count, 5);
}

#define WHO  "\"sources\":[{\"prefix\":\"10.0.0.0/8\"}],\"services\":[{\"address\":\"10.0.0.1\"}]"
#define KIND "{\"name\":\"a\",\"share\":1,\"open\":[{\"packet\":\"syn\"}]}"

static const struct refusal {
	const char *text;
	const char *line;
} refusals[] = {
	{"{\"name\":\"a\"," WHO "}", "/kinds: either these or a flood is wanted"},
	{"{\"name\":\"a\"," WHO ",\"kinds\":[" KIND "],\"flood\":{\"sessions\":1,\"frames\":["
	 "{\"bytes\":64}]}}",
	 "/kinds: either these or a flood is wanted"},
	{"{\"name\":\"a\"," WHO ",\"kinds\":[{\"name\":\"a\",\"share\":0,\"open\":["
	 "{\"packet\":\"syn\"}]}]}",
	 "/kinds: none has a share"},
	{"{\"name\":\"a\"," WHO ",\"ipv6_percent\":20,\"kinds\":[" KIND "]}",
	 "/services: none of IPv6 has a share"},
	{"{\"name\":\"a\"," WHO ",\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":["
	 "{\"packet\":\"sin\"}]}]}",
	 "/kinds/0/open/0/packet: "},
	{"{\"name\":\"a\"," WHO ",\"kinds\":[{\"name\":\"a\",\"share\":1,\"open\":["
	 "{\"packet\":\"data\",\"payload\":9001}]}]}",
	 "/kinds/0/open/0/payload: "},
	{"{\"name\":\"a\"," WHO ",\"flood\":{\"sessions\":1,\"frames\":[{\"bytes\":63}]}}",
	 "/flood/frames/0/bytes: "},
	{"{\"name\":\"a\"," WHO ",\"vlan\":[1,2,3],\"kinds\":[" KIND "]}", "/vlan: "},
};

static void test_what_is_wrong_is_named_with_its_place(void)
{
	for (uint32_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		json_t *json = json_loads(refusals[i].text, 0, NULL);
		struct field_errors errors = {0};
		struct profile profile;
		bool found = false;

		CU_ASSERT_PTR_NOT_NULL_FATAL(json);
		CU_ASSERT_FALSE(profile_decode(json, &profile, &errors));
		for (uint32_t error = 0; error < errors.count; error++) {
			char line[FIELD_ERROR_LINE_MAX];

			field_errors_line(&errors, error, line, sizeof(line));
			found |= strncmp(line, refusals[i].line, strlen(refusals[i].line)) == 0;
			if (!found)
				printf("%s\n", line);
		}
		CU_ASSERT_TRUE(found);
		profile_fini(&profile);
		field_errors_fini(&errors);
		json_decref(json);
	}
}

static void test_the_schema_names_every_part(void)
{
	json_t *schema = profile_schema();
	char *text = schema ? json_dumps(schema, 0) : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"kinds\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"gap_us\""));
	free(text);
	json_decref(schema);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_sessions_are_as_long_as_they_were_measured),
		UNIT_TEST(test_mixes_have_their_mean),
		UNIT_TEST(test_every_profile_that_comes_along_is_right),
		UNIT_TEST(test_what_is_wrong_is_named_with_its_place),
		UNIT_TEST(test_the_schema_names_every_part),
		CU_TEST_INFO_NULL,
	};

	return unit_run("pktgen profile", tests);
}
