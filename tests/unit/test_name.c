/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "name.h"

static char *repeat(char *out, size_t length)
{
	memset(out, 'a', length);
	out[length] = '\0';
	return out;
}

static void test_names(void)
{
	static const char *const good[] = {"a", "1", "hub-transport", "A.b_c-9", "a--", "a."};
	static const char *const bad[] = {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "\xc3\xa4"};
	char text[80];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT(name_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(name_is_valid(bad[i]));
	CU_ASSERT(name_is_valid(repeat(text, 63)));
	CU_ASSERT_FALSE(name_is_valid(repeat(text, 64)));
}

static void test_domain_names(void)
{
	static const char *const good[] = {"mail.example.com", "localhost",	"a",
					   "xn--mller-kva.de", "1.2.3.example", "3com.com"};
	static const char *const bad[] = {
		"",   ".",   "mail.example.com.", "a..b", "-a.de", "a-.de", "a_b.de", "10.0.0.1",
		".a", "a b", "m\xc3\xbcller.de"};
	char text[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT(fqdn_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(fqdn_is_valid(bad[i]));
	CU_ASSERT(fqdn_is_valid(repeat(text, 63)));
	CU_ASSERT_FALSE(fqdn_is_valid(repeat(text, 64)));

	repeat(text, 253);
	for (size_t i = 49; i < 253; i += 50)
		text[i] = '.';
	CU_ASSERT(fqdn_is_valid(text));
	strcat(text, "a");
	CU_ASSERT_FALSE(fqdn_is_valid(text));
}

static void test_interfaces(void)
{
	static const char *const good[] = {"eth0", "br-lan.100", "a", "123456789012345"};
	static const char *const bad[] = {"", ".", "..", "a/b", "a b", "a:1", "1234567890123456"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT(interface_name_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_FALSE(interface_name_is_valid(bad[i]));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_names),
		UNIT_TEST(test_domain_names),
		UNIT_TEST(test_interfaces),
		CU_TEST_INFO_NULL,
	};

	return unit_run("name", tests);
}
