/* SPDX-License-Identifier: BSD-3-Clause */
/* What tells nodes apart, and what does not. */
#include "node_fingerprint.h"

#include <string.h>

#include "../lib/config_text.h"
#include "../lib/unit.h"

static const char frame[] = "{'node': {'name': '%s', 'key': "
			    "'%s6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}, "
			    "'workers': {'cores': [0]}, 'ports': [{'name': 'p', 'device': "
			    "'net_null0', 'twin': false}], "
			    "'pools': [%s], 'services': [%s]}";

#define POOL_A                                                                                \
	"{'name': 'a', 'forwarding': 'ipip', 'tunnel': {'source': '192.0.2.1'}, 'backends': " \
	"[{'name': 'x', 'address': '10.0.0.1'}, {'name': 'y', 'address': '10.0.0.2'}]}"
/* The same, written otherwise, with a source of its own. */
#define POOL_A_TOO                                                                             \
	"{'backends': [{'name': 'y', 'address': '10.0.0.2', 'weight': 100}, {'address': "      \
	"'10.0.0.1', 'name': 'x'}], 'tunnel': {'source': '192.0.2.2'}, 'forwarding': 'ipip', " \
	"'name': 'a'}"
#define POOL_B "{'name': 'b', 'backends': [{'name': 'x', 'address': '10.0.0.1'}]}"
#define SERVICE(name, addresses, ports)                                             \
	"{'name': '" name "', 'namespace': 'x.org', 'addresses': [" addresses "], " \
	"'ports': [" ports "], 'pool': 'a'}"
#define KEY "012345"

static const uint8_t health[][FINGERPRINT_BYTES] = {{1}, {2}};
static const uint8_t swapped[][FINGERPRINT_BYTES] = {{2}, {1}};
static const uint8_t other[][FINGERPRINT_BYTES] = {{1}, {3}};

/* Takes @config. */
static struct node_fingerprint fingerprint(struct config *config,
					   const uint8_t (*pools)[FINGERPRINT_BYTES])
{
	struct node_fingerprint made;

	CU_ASSERT_EQUAL_FATAL(node_fingerprint_make(config, pools, &made), 0);
	config_free(config);
	return made;
}

static bool same_configuration(const struct node_fingerprint *a, const struct node_fingerprint *b)
{
	return memcmp(a->configuration, b->configuration, FINGERPRINT_BYTES) == 0;
}

static bool same_node(const struct node_fingerprint *a, const struct node_fingerprint *b)
{
	return memcmp(a->node, b->node, FINGERPRINT_BYTES) == 0;
}

#define S1 SERVICE("s", "'10.0.0.9', '10.0.0.8'", "25, 587")
#define S2 SERVICE("t", "'10.0.0.7'", "25")

static void test_agreement(void)
{
	const struct node_fingerprint
		one = fingerprint(
			config_from_text(frame, "lb1", KEY, POOL_A ", " POOL_B, S1 ", " S2),
			health),
		two = fingerprint(
			config_from_text(frame, "lb2", KEY, POOL_B ", " POOL_A_TOO,
					 S2 ", " SERVICE("s", "'10.0.0.8', '10.0.0.9'", "587, 25")),
			swapped);

	CU_ASSERT(same_configuration(&one, &two));
	CU_ASSERT(same_node(&one, &two));
}

static void test_difference(void)
{
	const struct node_fingerprint one =
		fingerprint(config_from_text(frame, "n", KEY, POOL_A ", " POOL_B, S1), health);
	const struct node_fingerprint sick =
		fingerprint(config_from_text(frame, "n", KEY, POOL_A ", " POOL_B, S1), other);
	const struct node_fingerprint configured = fingerprint(
		config_from_text(frame, "n", KEY, POOL_A ", " POOL_B, S1 ", " S2), health);
	const struct node_fingerprint keyed =
		fingerprint(config_from_text(frame, "n", "a12345", POOL_A ", " POOL_B, S1), health);
	const struct node_fingerprint port =
		fingerprint(config_from_text(frame, "n", KEY, POOL_A ", " POOL_B,
					     SERVICE("s", "'10.0.0.9', '10.0.0.8'", "25, 588")),
			    health);

	CU_ASSERT(same_configuration(&one, &sick));
	CU_ASSERT_FALSE(same_node(&one, &sick));
	CU_ASSERT_FALSE(same_configuration(&one, &configured));
	CU_ASSERT_FALSE(same_node(&one, &configured));
	CU_ASSERT_FALSE(same_configuration(&one, &keyed));
	CU_ASSERT_FALSE(same_node(&one, &keyed));
	CU_ASSERT_FALSE(same_configuration(&one, &port));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_agreement),
		UNIT_TEST(test_difference),
		CU_TEST_INFO_NULL,
	};

	return unit_run("node_fingerprint", tests);
}
