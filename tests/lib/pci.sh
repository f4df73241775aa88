# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What must be so of every port on a PCI device, whatever its card. Read after vm.sh, modes.sh and
# twin.sh.

readonly SESSIONS=100

# pci_begin NAME: a machine with the card, two servers and the clients.
pci_begin()
{
	modes_begin "$1" 2
	need 'HTTP on the clients' web_start clients
	need 'HTTP on the machine' vm_web_start
	head -c 4194304 /dev/zero >"$WORLD/lb/web/bulk"
}

# pci_configure JQ: the card as port "wan", and health checks that wait for an emulated machine;
# JQ changes the rest.
pci_configure()
{
	mode_configure l2dsr 4 ".control.socket = \"$VM_SOCKET\" |
		.sessions.state = \"$VM_STATE\" |
		.pools[0].health.timeout = \"20s\" |
		.ports = [{name: \"wan\", device: \"pci:$VM_PCI\"}] | $1"
}

# mailraild_is_refused PATTERN: it ends by itself, and says why.
mailraild_is_refused()
{
	local said

	said=$(on lb timeout 60 "$BUILD/control/mailraild" --config "$(balancer_file)")
	equal $? 1 && grep -q "$1" <<<"$said" && return
	printf '%s\n' "$said"
	return 1
}

# pci_refusals DRIVER: of the machine's kernel, which has the card.
pci_refusals()
{
	pci_configure .
	need "the kernel's driver $1 has the card" vm_bind "$1"
	check 'mailraild says who has the card' mailraild_is_refused "bound to $1"
	check 'and leaves it there' vm_is_bound "$1"
	need 'the card is for VFIO' vm_bind vfio-pci
}


# pci_start MTU
pci_start()
{
	need 'mailraild starts' balancer_start
	check "the twin has the card's MAC address" equal \
		"$(on lb cat /sys/class/net/wan/address)" "$VM_MAC"
	check 'the twin has the MTU' equal "$(on lb cat /sys/class/net/wan/mtu)" "$1"
	need 'the twin gets its addresses and routes' twin_configure
	pci_servers_ready
}

pci_servers_ready()
{
	local number

	for ((number = 1; number <= MODE_SERVERS; number++)); do
		need "mx$number is prepared" server_prepare "mx$number"
	done
	need 'both servers are healthy' wait_until 20 backends_are up up
}

# pci_carries_all: mail and what is the kernel's.
pci_carries_all()
{
	local family

	everything_is_the_kernels 'without mail'
	for family in 4 6; do
		check "$SESSIONS sessions, IPv$family" transfers $family --sessions $SESSIONS
	done
	check 'both servers had some' every_backend_has_sessions
	check 'sessions are in the middle' transfers_halfway 4 20
	check 'ping meanwhile' pings clients "$SERVICE4"
	check 'TCP to the twin meanwhile' web_is clients lb "$BALANCER4"
	check 'the sessions go on' transfers_finish
	check 'megabytes over a connection with the kernel' bulk_is_whole
	check 'frames were forwarded' verdict_is_at_least forwarded 10000
	check 'frames went to the kernel' verdict_is_at_least passed_to_kernel 100
	check 'frames came from the kernel' verdict_is_at_least from_kernel 100
	check 'nothing was dropped without need' drops_are_needed
}

# The first probes come before the twin's addresses, the last may leave a frame behind, and an
# emulated card may be slower than its queue is long, by less than one frame in a hundred.
drops_are_needed()
{
	equal "$(ctl --json stats get | jq -c '.total.verdicts |
		.forwarded as $forwarded | with_entries(select(.value > 0 and
			(.key | startswith("drop_") and . != "drop_no_next_hop" and
				. != "drop_no_probe") and
			(.key != "drop_tx_full" or .value * 100 > $forwarded)))')" '{}'
}

# pci_stop DRIVER: the card goes back to the machine's kernel, and works there.
pci_stop()
{
	local interface

	check 'mailraild stops when told' balancer_stop
	check 'the twin is gone' not on lb ip link show dev wan
	need 'the card goes back to its driver' vm_bind "$1"
	interface=$(on lb sh -c 'ls /sys/bus/pci/devices/$1/net /sys/bus/pci/devices/$1/virtio*/net \
		2>/dev/null | grep -v "^$\|:"' - "$VM_PCI")
	need 'it is an interface again' on lb ip link set "$interface" up
	on lb ip address add "$BALANCER4/24" dev "$interface"
	check 'and the kernel sends and receives by it' wait_until 10 pings lb "$ROUTER4"
}
