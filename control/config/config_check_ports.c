/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_check_parts.h"

#include <inttypes.h>
#include <string.h>

#include "device.h"
#include "name.h"

static const struct field_path ports_path = {.key = "ports"};

/* What only a device has that is no kernel interface. */
static void check_interface_port(const struct config_port *port, const struct field_path *path,
				 struct field_errors *errors)
{
	struct field_path neighbours = {path, "neighbours", 0};
	struct field_path mtu = {path, "mtu", 0};
	struct field_path twin = {path, "twin", 0};

	if (port->neighbour_count > 0)
		field_errors_add(errors, &neighbours,
				 "the kernel knows the neighbours of \"%s\"; static ones are for "
				 "virtual devices (net_...) only",
				 port->device);
	if (port->mtu_given)
		field_errors_add(
			errors, &mtu,
			"\"%s\" has an MTU already, which the kernel sets (ip link set dev "
			"%s mtu %u)",
			port->device, port->device_arguments, port->mtu_bytes);
	if (port->twin)
		field_errors_add(errors, &twin,
				 "\"%s\" needs none: what is not for a service stays with the "
				 "kernel",
				 port->device);
}

static void check_user_port(const struct config_port *port, const struct field_path *path,
			    struct field_errors *errors)
{
	struct field_path neighbours = {path, "neighbours", 0};
	struct field_path name = {path, "name", 0};

	if (port->device_kind == MR_DEVICE_PCI && port->neighbour_count > 0)
		field_errors_add(errors, &neighbours,
				 "static neighbours are for virtual devices (net_...) only, not "
				 "for \"%s\"",
				 port->device);
	if (port->twin && port->name && !interface_name_is_valid(port->name))
		field_errors_add(errors, &name,
				 "\"%s\" cannot name the twin interface: at most 15 bytes; take a "
				 "shorter name, or \"twin\": false",
				 port->name);
}

static void check_port(const struct config_port *port, const struct field_path *path,
		       struct field_errors *errors)
{
	struct field_path device = {path, "device", 0};
	struct field_path interface = {path, "interface", 0};
	enum mr_device_kind kind;
	const char *arguments;
	const char *wrong;

	if (port->interface && !interface_name_is_valid(port->interface))
		field_errors_add(errors, &interface,
				 "\"%s\" is not the name of an interface: 1..15 bytes without "
				 "\"/\", \":\" and space",
				 port->interface);
	if (!port->device)
		return;
	wrong = device_parse(port->device, &kind, &arguments);
	if (wrong)
		field_errors_add(errors, &device, "\"%s\" %s", port->device, wrong);
	else if (device_is_interface(kind))
		check_interface_port(port, path, errors);
	else
		check_user_port(port, path, errors);
}

static bool has_same_tags(const struct config_port *a, const struct config_port *b)
{
	return a->vlan_count == b->vlan_count &&
	       (a->vlan_count == 0 ||
		memcmp(a->vlan, b->vlan, a->vlan_count * sizeof(*a->vlan)) == 0);
}

/* @second, at @index, has the device of @first. */
static void check_siblings(const struct config_port *first, uint32_t first_index,
			   const struct config_port *second, uint32_t index,
			   struct field_errors *errors)
{
	struct field_path path = {&ports_path, NULL, index};
	struct field_path device = {&path, "device", 0};
	struct field_path mtu = {&path, "mtu", 0};

	if (strcmp(first->device, second->device) != 0)
		field_errors_add(errors, &device,
				 "\"%s\" is the same device as \"%s\" at /ports/%" PRIu32
				 "/device; ports that share a device spell it alike",
				 second->device, first->device, first_index);
	else if (has_same_tags(first, second))
		field_errors_add(errors, &device,
				 "\"%s\" is already at /ports/%" PRIu32
				 "/device; ports that share a device differ in \"vlan\"",
				 second->device, first_index);
	else if (first->mtu_bytes != second->mtu_bytes)
		field_errors_add(errors, &mtu,
				 "/ports/%" PRIu32 " has another one; ports that share a device "
				 "have the same MTU",
				 first_index);
}

void config_check_ports(const struct config *config, struct field_errors *errors)
{
	for (uint32_t i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];
		struct field_path path = {&ports_path, NULL, i};

		check_port(port, &path, errors);
		for (uint32_t j = 0; port->device_arguments && j < i; j++) {
			const struct config_port *other = &config->ports[j];

			if (!other->device_arguments ||
			    !device_is_same(port->device_kind, port->device_arguments,
					    other->device_kind, other->device_arguments))
				continue;
			check_siblings(other, j, port, i, errors);
			break;
		}
	}
}
