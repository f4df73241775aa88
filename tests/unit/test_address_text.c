/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "address_text.h"

/* Text in, text out; NULL: refused. */
struct row {
	const char *in;
	const char *out;
};

static void test_addresses(void)
{
	static const struct row rows[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::", "::"},
		{"fe80::1", "fe80::1"},
		{"::ffff:10.0.0.1", NULL},
		{"10.0.0", NULL},
		{"10.0.0.1 ", NULL},
		{"010.0.0.1", NULL},
		{"fe80::1%eth0", NULL},
		{"", NULL},
		{"localhost", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_addr addr;
		char text[MR_ADDR_TEXT_MAX];

		CU_ASSERT_EQUAL(address_parse(rows[i].in, &addr), rows[i].out != NULL);
		if (!rows[i].out)
			continue;
		address_format(&addr, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].out);
	}
}

static void test_hosts(void)
{
	static const char *const hosts[] = {"10.0.0.1", "127.0.0.1", "223.255.255.255",
					    "2001:db8::1", "fe80::1"};
	static const char *const others[] = {
		"0.0.0.0",	   "0.1.2.3", "224.0.0.1", "239.255.255.255",
		"255.255.255.255", "::",      "ff02::1"};
	struct mr_addr addr;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		CU_ASSERT(address_parse(hosts[i], &addr) && address_is_host(&addr));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CU_ASSERT(address_parse(others[i], &addr) && !address_is_host(&addr));
}

static void test_prefixes(void)
{
	static const struct {
		const char *in;
		enum prefix_parse_result result;
		const char *out;
		uint8_t length;
	} rows[] = {
		{"10.0.0.0/26", PREFIX_OK, "10.0.0.0/26", 122},
		{"10.0.0.1", PREFIX_OK, "10.0.0.1", 128},
		{"10.0.0.1/32", PREFIX_OK, "10.0.0.1", 128},
		{"0.0.0.0/0", PREFIX_OK, "0.0.0.0/0", 96},
		{"2001:db8::/32", PREFIX_OK, "2001:db8::/32", 32},
		{"::/0", PREFIX_OK, "::/0", 0},
		{"2001:db8::1/128", PREFIX_OK, "2001:db8::1", 128},
		{"10.0.0.1/26", PREFIX_HOST_BITS, "10.0.0.0/26", 122},
		{"10.0.0.255/25", PREFIX_HOST_BITS, "10.0.0.128/25", 121},
		{"2001:db8::1/127", PREFIX_HOST_BITS, "2001:db8::/127", 127},
		{"10.0.0.0/33", PREFIX_MALFORMED, NULL, 0},
		{"2001:db8::/129", PREFIX_MALFORMED, NULL, 0},
		{"10.0.0.0/", PREFIX_MALFORMED, NULL, 0},
		{"10.0.0.0/08", PREFIX_MALFORMED, NULL, 0},
		{"10.0.0.0/-1", PREFIX_MALFORMED, NULL, 0},
		{"10.0.0.0/8/8", PREFIX_MALFORMED, NULL, 0},
		{"10/8", PREFIX_MALFORMED, NULL, 0},
		{"/8", PREFIX_MALFORMED, NULL, 0},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/64", PREFIX_MALFORMED, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mr_prefix prefix;
		char text[MR_ADDR_TEXT_MAX];

		CU_ASSERT_EQUAL(prefix_parse(rows[i].in, &prefix), rows[i].result);
		if (rows[i].result == PREFIX_MALFORMED)
			continue;
		prefix_format(&prefix, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].out);
		CU_ASSERT_EQUAL(prefix.length, rows[i].length);
	}
}

static void test_macs(void)
{
	static const struct row rows[] = {
		{"02:00:00:00:00:0a", "02:00:00:00:00:0a"},
		{"FF:EE:DD:CC:BB:AA", "ff:ee:dd:cc:bb:aa"},
		{"02:00:00:00:00:0", NULL},
		{"02:00:00:00:00:000", NULL},
		{"2:0:0:0:0:0", NULL},
		{"02-00-00-00-00-0a", NULL},
		{"02:00:00:00:00:0g", NULL},
		{"0200:00:00:00:000", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rte_ether_addr mac;
		char text[MAC_TEXT_MAX];

		CU_ASSERT_EQUAL(mac_parse(rows[i].in, &mac), rows[i].out != NULL);
		if (!rows[i].out)
			continue;
		mac_format(&mac, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].out);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_addresses), UNIT_TEST(test_hosts), UNIT_TEST(test_prefixes),
		UNIT_TEST(test_macs),	   CU_TEST_INFO_NULL,
	};

	return unit_run("address_text", tests);
}
