/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <ctype.h>
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

/* Domain, bus, device and function: each digit where '0' stands, as Linux writes them. */
static bool is_pci_address(const char *text)
{
	static const char form[] = "0000:00:00.0";

	for (size_t i = 0; i < sizeof(form); i++) {
		if (form[i] == '0' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	return text[sizeof(form) - 2] <= '7';
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
	if (strncmp(device, "pci:", 4) == 0) {
		if (!is_pci_address(device + 4))
			return "does not name a PCI device: expected its whole address, like "
			       "\"pci:0000:03:00.0\"";
		*out_kind = MR_DEVICE_PCI;
		*out_arguments = device + 4;
		return NULL;
	}
	if (strncmp(device, "net_", 4) != 0)
		return "is not a device: expected \"af_xdp:INTERFACE\", \"af_packet:INTERFACE\", "
		       "\"pci:ADDRESS\" or a DPDK virtual device \"net_...\"";
	wrong = check_vdev(device);
	if (wrong)
		return wrong;
	*out_kind = MR_DEVICE_VDEV;
	*out_arguments = device;
	return NULL;
}

bool device_is_interface(enum mr_device_kind kind)
{
	switch (kind) {
	case MR_DEVICE_AF_XDP:
	case MR_DEVICE_AF_PACKET:
		return true;
	case MR_DEVICE_VDEV:
	case MR_DEVICE_PCI:
		return false;
	}
	return false;
}

bool device_is_same(enum mr_device_kind a_kind, const char *a_arguments, enum mr_device_kind b_kind,
		    const char *b_arguments)
{
	size_t length;

	if (device_is_interface(a_kind) && device_is_interface(b_kind))
		return strcmp(a_arguments, b_arguments) == 0;
	if (a_kind != b_kind)
		return false;
	if (a_kind == MR_DEVICE_PCI)
		return strcasecmp(a_arguments, b_arguments) == 0;
	length = strcspn(a_arguments, ",");
	return length == strcspn(b_arguments, ",") && memcmp(a_arguments, b_arguments, length) == 0;
}
