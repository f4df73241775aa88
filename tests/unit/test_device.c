/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "../lib/unit.h"
#include "device.h"

static void test_devices(void)
{
	static const struct {
		const char *device;
		enum mr_device_kind kind;
		const char *arguments;
	} rows[] = {
		{"af_xdp:eth0", MR_DEVICE_AF_XDP, "eth0"},
		{"af_packet:br-lan.7", MR_DEVICE_AF_PACKET, "br-lan.7"},
		{"pci:0000:03:00.0", MR_DEVICE_PCI, "0000:03:00.0"},
		{"pci:0001:aF:1f.7", MR_DEVICE_PCI, "0001:aF:1f.7"},
		{"net_null0", MR_DEVICE_VDEV, "net_null0"},
		{"net_memif0,role=client,id=1", MR_DEVICE_VDEV, "net_memif0,role=client,id=1"},
		{"net_pcap0,rx_pcap=/tmp/in.pcap", MR_DEVICE_VDEV,
		 "net_pcap0,rx_pcap=/tmp/in.pcap"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum mr_device_kind kind = (enum mr_device_kind) - 1;
		const char *arguments = NULL;

		CU_ASSERT_PTR_NULL(device_parse(rows[i].device, &kind, &arguments));
		CU_ASSERT_EQUAL(kind, rows[i].kind);
		CU_ASSERT_STRING_EQUAL(arguments, rows[i].arguments);
	}
}

static void test_refused(void)
{
	static const struct {
		const char *device;
		const char *because;
	} rows[] = {
		{"eth0", "is not a device"},
		{"", "is not a device"},
		{"memif:x", "is not a device"},
		{"af_xdp", "is not a device"},
		{"af_xdp:", "does not name an interface"},
		{"af_xdp:eth 0", "does not name an interface"},
		{"af_packet:a/b", "does not name an interface"},
		{"af_packet:1234567890123456", "does not name an interface"},
		{"pci:", "does not name a PCI device"},
		{"pci:03:00.0", "does not name a PCI device"},
		{"pci:0000:03:00", "does not name a PCI device"},
		{"pci:0000:03:00.8", "does not name a PCI device"},
		{"pci:0000:03:00.0,txq=1", "does not name a PCI device"},
		{"pci:0000:0g:00.0", "does not name a PCI device"},
		{"net_Null0", "its name has"},
		{"net_null0, x=1", "contain a space"},
		{"net_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "its name has"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum mr_device_kind kind;
		const char *arguments;
		const char *wrong = device_parse(rows[i].device, &kind, &arguments);

		CU_ASSERT_PTR_NOT_NULL_FATAL(wrong);
		CU_ASSERT_PTR_NOT_NULL(strstr(wrong, rows[i].because));
	}
}

static bool are_same(const char *first, const char *second)
{
	enum mr_device_kind kinds[2];
	const char *arguments[2];

	CU_ASSERT_PTR_NULL_FATAL(device_parse(first, &kinds[0], &arguments[0]));
	CU_ASSERT_PTR_NULL_FATAL(device_parse(second, &kinds[1], &arguments[1]));
	return device_is_same(kinds[0], arguments[0], kinds[1], arguments[1]);
}

static void test_same_device(void)
{
	CU_ASSERT(are_same("af_xdp:eth0", "af_xdp:eth0"));
	CU_ASSERT(are_same("af_xdp:eth0", "af_packet:eth0"));
	CU_ASSERT(are_same("pci:0000:aF:00.0", "pci:0000:Af:00.0"));
	CU_ASSERT(are_same("net_null0,size=64", "net_null0,copy=1"));
	CU_ASSERT_FALSE(are_same("af_xdp:eth0", "af_xdp:eth1"));
	CU_ASSERT_FALSE(are_same("af_xdp:net_null0", "net_null0"));
	CU_ASSERT_FALSE(are_same("pci:0000:03:00.0", "pci:0000:03:00.1"));
	CU_ASSERT_FALSE(are_same("net_null0", "net_null01"));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_devices),
		UNIT_TEST(test_refused),
		UNIT_TEST(test_same_device),
		CU_TEST_INFO_NULL,
	};

	return unit_run("device", tests);
}
