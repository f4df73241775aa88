/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes that agree and nodes that do not: real configurations and fleets, as two nodes would
 * have them. What a fingerprint promises is compared with what sessions get, one by one.
 */
#include "fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/session.h>

#include "../lib/config_text.h"
#include "../lib/no_dataplane.h"
#include "../lib/unit.h"
#include "fleet.h"

#define SESSIONS 20000

static struct no_dataplane dataplane = {.now_s = 1000};

#define KEY	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"

#define MX1 "{\"name\": \"mx1\", \"address\": \"10.0.0.1\"}"
#define MX2 "{\"name\": \"mx2\", \"address\": \"2001:db8::2\"}"
#define MX3 "{\"name\": \"mx3\", \"address\": \"10.0.0.3\", \"weight\": 50}"
#define MX4 "{\"name\": \"mx4\", \"address\": \"10.0.0.4\"}"

#define MX3_HEAVY   "{\"name\": \"mx3\", \"address\": \"10.0.0.3\", \"weight\": 51}"
#define MX3_DRAINED "{\"name\": \"mx3\", \"address\": \"10.0.0.3\", \"state\": \"drain\"}"
#define MX3_MOVED   "{\"name\": \"mx3\", \"address\": \"10.0.0.33\", \"weight\": 50}"
#define MX3_RENAMED "{\"name\": \"mx9\", \"address\": \"10.0.0.3\", \"weight\": 50}"

struct node {
	struct config *config; /* in force */
	struct fleet *fleet;
	struct roster roster;
	struct mr_hash_key hash_key;
};

static struct config *decode(const char *key, const char *pool, uint32_t size, const char *backends)
{
	return config_from_text(
		"{\"node\": {\"name\": \"n\", \"key\": \"%s\"}, \"ports\": [{\"name\": \"p\", "
		"\"device\": \"af_packet:eth0\"}], \"pools\": [{\"name\": \"%s\", \"forwarding\": "
		"\"ipip\", \"table_size\": %u, \"health\": {\"type\": \"none\"}, \"backends\": "
		"[%s]}], \"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "
		"[\"10.9.9.9\"], \"ports\": [25], \"pool\": \"%s\"}]}",
		key, pool, size, backends, pool);
}

static void node_apply(struct node *node, struct config *config)
{
	struct mr_error error = {""};
	struct fleet *next;

	if (fleet_create(&node->roster, config, node->fleet, &next, &error) < 0) {
		puts(error.text);
		CU_FAIL_FATAL("no fleet");
	}
	fleet_destroy(node->fleet);
	config_free(node->config);
	node->fleet = next;
	node->config = config;
	mr_hash_key_init(&node->hash_key, config->node.key);
}

static struct node *node_create(struct config *config)
{
	struct node *node = calloc(1, sizeof(*node));

	CU_ASSERT_PTR_NOT_NULL_FATAL(node);
	node->roster.dp = no_dataplane_handle(&dataplane);
	node_apply(node, config);
	return node;
}

static void node_destroy(struct node *node)
{
	fleet_destroy(node->fleet);
	roster_fini(&node->roster);
	config_free(node->config);
	free(node);
}

static uint64_t fingerprint_of(const struct node *node)
{
	uint64_t fingerprint;
	uint8_t bytes[FINGERPRINT_BYTES];

	CU_ASSERT_EQUAL_FATAL(
		fingerprint_make(&node->fleet->pools[0], node->config->node.key, bytes), 0);
	memcpy(&fingerprint, bytes, sizeof(fingerprint));
	return fingerprint;
}

/* Who gets the new session of a client. */
static const struct backend *backend_for(const struct node *node, uint32_t client)
{
	const struct pool *pool = &node->fleet->pools[0];
	const struct mr_tuple tuple = {
		.client = mr_addr_from_v4(&client),
		.service = node->config->services[0].addresses[0],
		.client_port = (rte_be16_t)(client * 7919),
		.service_port = rte_cpu_to_be_16(25),
	};
	const uint64_t hash = mr_session_hash(&node->hash_key, &tuple);
	const mr_slot word = pool->slots->words[mr_session_slot(hash, pool->slots->size)];

	return pool_find_member(pool, mr_slot_current(word))->backend;
}

/* How many of SESSIONS new sessions get another server from @a than from @b. */
static uint32_t count_disagreements(const struct node *a, const struct node *b)
{
	uint32_t count = 0;

	for (uint32_t client = 1; client <= SESSIONS; client++) {
		const struct backend *one = backend_for(a, client), *other = backend_for(b, client);

		count += strcmp(one->name, other->name) != 0 ||
			 !mr_addr_equal(&one->address, &other->address);
	}
	return count;
}

static struct config *usual(void)
{
	return decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3);
}

/* Byte by byte as the header has it: the value was computed apart from this program. */
static void test_known_answer(void)
{
	static const uint8_t expected[FINGERPRINT_BYTES] = {0x3b, 0x6b, 0xc8, 0x00,
							    0xbb, 0xa1, 0x93, 0x23};
	const uint8_t mx1_address[4] = {10, 0, 0, 1};
	const uint8_t mx2_address[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
	struct backend mx1 = {.id = 9, .name = (char[]){"mx1"}};
	struct backend mx2 = {.id = 5, .name = (char[]){"mx2"}};
	struct backend gone = {.id = 7, .name = (char[]){"mx0"}};
	struct member members[] = {{.backend = &mx2}, {.backend = &gone}, {.backend = &mx1}};
	struct pool pool = {
		.name = (char[]){"hub"},
		.members = members,
		.member_count = 3,
		.slots = mr_slots_create(3, NULL),
	};
	uint8_t key[CONFIG_KEY_BYTES], fingerprint[FINGERPRINT_BYTES];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	mx1.address = mr_addr_from_v4(mx1_address);
	mx2.address = mr_addr_from_v6(mx2_address);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool.slots);
	pool.slots->words[0] = mr_slot_make(9, 9, false);
	pool.slots->words[1] = mr_slot_make(5, 7, true);
	pool.slots->words[2] = mr_slot_make(MR_BACKEND_NONE, 5, true);
	CU_ASSERT_EQUAL_FATAL(fingerprint_make(&pool, key, fingerprint), 0);
	CU_ASSERT_EQUAL(memcmp(fingerprint, expected, sizeof(expected)), 0);
	mr_slots_put(pool.slots);
}

/* Other order in the file, other ids, another past: still the same fingerprint and sessions. */
static void test_agreement(void)
{
	struct node *plain = node_create(usual());
	struct node *other = node_create(decode(KEY, "hub", 65537, MX4 ", " MX3));

	node_apply(other, decode(KEY, "hub", 65537, MX4 ", " MX2 ", " MX3_DRAINED));
	CU_ASSERT_NOT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	node_apply(other, decode(KEY, "hub", 65537, MX3 ", " MX2 ", " MX1));
	CU_ASSERT_NOT_EQUAL(plain->fleet->pools[0].members[0].backend->id,
			    other->fleet->pools[0].members[2].backend->id);
	CU_ASSERT(other->fleet->pools[0].moving_slots > 0);

	CU_ASSERT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	CU_ASSERT_EQUAL(count_disagreements(plain, other), 0);
	node_destroy(plain);
	node_destroy(other);
}

/* @config's node against the usual one: other sessions, and another fingerprint. */
static void check_differs(struct config *config)
{
	struct node *plain = node_create(usual());
	struct node *other = node_create(config);

	CU_ASSERT_NOT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	CU_ASSERT(count_disagreements(plain, other) > 0);
	node_destroy(plain);
	node_destroy(other);
}

static void test_differences(void)
{
	check_differs(decode(OTHER_KEY, "hub", 65537, MX1 ", " MX2 ", " MX3));
	check_differs(decode(KEY, "hub", 65539, MX1 ", " MX2 ", " MX3));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3_HEAVY));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3_DRAINED));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3_MOVED));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3_RENAMED));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2));
	check_differs(decode(KEY, "hub", 65537, MX1 ", " MX2 ", " MX3 ", " MX4));
}

/* Two pools that share servers are not confused, though their sessions get the same ones. */
static void test_pool_name(void)
{
	struct node *plain = node_create(usual());
	struct node *other = node_create(decode(KEY, "edge", 65537, MX1 ", " MX2 ", " MX3));

	CU_ASSERT_NOT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	CU_ASSERT_EQUAL(count_disagreements(plain, other), 0);
	node_destroy(plain);
	node_destroy(other);
}

static void advance(struct node *node)
{
	struct pool *pool = &node->fleet->pools[0];

	CU_ASSERT_EQUAL_FATAL(pool_advance(pool, pool->slots, dataplane.now_s), 0);
}

/* A server that is down on one node only, and then on both. */
static void test_health(void)
{
	struct node *plain = node_create(usual());
	struct node *other = node_create(usual());
	const uint64_t healthy = fingerprint_of(plain);

	other->fleet->pools[0].members[1].backend->verdict = HEALTH_DOWN;
	advance(other);
	CU_ASSERT_NOT_EQUAL(fingerprint_of(other), healthy);
	CU_ASSERT(count_disagreements(plain, other) > 0);
	plain->fleet->pools[0].members[1].backend->verdict = HEALTH_DOWN;
	advance(plain);
	CU_ASSERT_EQUAL(fingerprint_of(other), fingerprint_of(plain));
	CU_ASSERT_EQUAL(count_disagreements(plain, other), 0);

	other->fleet->pools[0].members[1].backend->verdict = HEALTH_UP;
	advance(other);
	CU_ASSERT_EQUAL(fingerprint_of(other), healthy);
	node_destroy(plain);
	node_destroy(other);
}

/* Nobody serves: that too is something to agree on. */
static void test_nobody(void)
{
	struct node *plain = node_create(decode(KEY, "hub", 65537, MX3_DRAINED));
	struct node *other = node_create(decode(KEY, "hub", 65537, MX1));

	CU_ASSERT_NOT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	other->fleet->pools[0].members[0].backend->verdict = HEALTH_DOWN;
	advance(other);
	CU_ASSERT_EQUAL(fingerprint_of(plain), fingerprint_of(other));
	node_destroy(plain);
	node_destroy(other);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_known_answer),
		UNIT_TEST(test_agreement),
		UNIT_TEST(test_differences),
		UNIT_TEST(test_pool_name),
		UNIT_TEST(test_health),
		UNIT_TEST(test_nobody),
		CU_TEST_INFO_NULL,
	};

	return unit_run("fingerprint", tests);
}
