/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <string.h>

#include "name.h"

/* Names of DPDK devices end before RTE_DEV_NAME_MAX_LEN. */
#define VDEV_NAME_MAX 63

static const struct interface_kind {
	const char *prefix;
	enum mr_device_kind kind;
} interface_kinds[] = {
	{"af_xdp:", MR_DEVICE_AF_XDP},
	{"af_packet:", MR_DEVICE_AF_PACKET},
};

static const char *check_vdev(const char *device)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t length = strcspn(device, ",");

	if (length > VDEV_NAME_MAX || strspn(device, allowed) < length)
		return "is not a DPDK virtual device: its name has lower-case letters, digits and "
		       "\"_\", 63 at most";
	if (strpbrk(device, " \t"))
		return "is not a DPDK virtual device: its arguments contain a space";
	return NULL;
}

const char *device_parse(const char *device, enum mr_device_kind *out_kind,
			 const char **out_arguments)
{
	const char *wrong;

	for (size_t i = 0; i < sizeof(interface_kinds) / sizeof(interface_kinds[0]); i++) {
		size_t length = strlen(interface_kinds[i].prefix);

		if (strncmp(device, interface_kinds[i].prefix, length) != 0)
			continue;
		if (!interface_name_is_valid(device + length))
			return "does not name an interface: 1..15 bytes without \"/\", \":\" and "
			       "space";
		*out_kind = interface_kinds[i].kind;
		*out_arguments = device + length;
		return NULL;
	}
	if (strncmp(device, "pci:", 4) == 0)
		return "cannot be used: PCI devices are not supported by this version";
	if (strncmp(device, "net_", 4) != 0)
		return "is not a device: expected \"af_xdp:INTERFACE\", \"af_packet:INTERFACE\" or "
		       "a DPDK virtual device \"net_...\"";
	wrong = check_vdev(device);
	if (wrong)
		return wrong;
	*out_kind = MR_DEVICE_VDEV;
	*out_arguments = device;
	return NULL;
}
