#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A port on a PCI device whose frames have a VLAN tag. The card filters VLANs, and is told to let
# this one through. The machine's kernel has its VLAN interface on the port's twin.
#
#   clients 198.51.100.0/24 in 100 --.          .-- mx1 10.25.0.11, fd25::11 in 100
#           2001:db8:25::/64          [ switch ]
#                                    |          '-- mx2 10.25.0.12, fd25::12 in 100
#   lb, a virtual machine: virtio -- port "wan" in 100
#       twin "wan", on it wan.100 10.25.0.2, fd25::2, service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"
# shellcheck source=tests/lib/trunk.sh
. "$E2E/tests/lib/trunk.sh"
# shellcheck source=tests/lib/twin.sh
. "$E2E/tests/lib/twin.sh"
# shellcheck source=tests/lib/vm.sh
. "$E2E/tests/lib/vm.sh"
# shellcheck source=tests/lib/pci.sh
. "$E2E/tests/lib/pci.sh"

# host_moves HOST NUMBER: from eth0 to VLAN 100 on it.
host_moves()
{
	trunk_add "$1"
	need "$1 is in VLAN 100" vlan_add "$1" wan 100 0
	vlan_address "$1" wan $SEGMENT4 $SEGMENT6 "$2"
}

vlan_interface_add()
{
	on lb ip link add link wan name wan.100 type vlan id 100 &&
		on lb ip link set wan.100 up && twin_configure wan.100
}

VM_CARD=virtio-net-pci,iommu_platform=on,disable-legacy=on
modes_begin vlan-vm 2
on switch ip link set br0 mtu $TRUNK_MTU
on switch ip link set lb mtu $TRUNK_MTU
host_moves clients 1
for number in 1 2; do
	host_moves "mx$number" $((10 + number))
	on "mx$number" ip route add default via $ROUTER4
	on "mx$number" ip route add default via $ROUTER6
done
need 'the card is for VFIO' vm_bind vfio-pci
pci_configure '.workers.cores = [1] |
	.ports[0] += {vlan: [100], interface: "wan.100"}'
need 'mailraild starts' balancer_start
need 'the kernel has a VLAN interface on the twin' vlan_interface_add
check "ping of the service's address" pings clients $SERVICE4
check 'ping of its IPv6 address' pings clients $SERVICE6
check 'ping from the balancer' pings lb $ROUTER4
pci_servers_ready
for family in 4 6; do
	check "$SESSIONS sessions, IPv$family" transfers $family --sessions $SESSIONS
done
check 'both servers had some' every_backend_has_sessions
check 'nothing was dropped without need' drops_are_needed
check 'mailraild stops when told' balancer_stop
e2e_end
