#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# After mailraild has stopped nothing of it is left. After it was killed a guard is, whatever
# fails, until it starts again; and that leaves nothing either.
#
#   clients --.
#              [ switch ]--- mx1 10.25.0.11
#   lb -------'
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/killing.sh
. "$E2E/tests/lib/killing.sh"

# What mailraild could leave on the machine, to compare before and after.
traces()
{
	echo "interfaces: $(on lb ip -o link show | sed 's/.*: \([^:]*\): <.*/\1/' | sort | xargs)"
	echo "xdp: $(on lb ip link show dev eth0 | grep -o 'xdp[^ ]*')"
	echo "filters: $(on lb tc filter show dev eth0 ingress)$(on lb tc filter show dev eth0 egress)"
	echo "qdiscs: $(on lb tc qdisc show dev eth0 | grep -v noqueue)"
	echo "socket: $(ls "$WORLD"/lb/*.sock 2>/dev/null)"
	echo "hugepage files: $(ls /dev/hugepages 2>/dev/null)"
	echo "runtime: $(find /run/mailrail 2>/dev/null)"
	echo "telemetry: $(on lb ss -Hxl | grep dpdk_telemetry)"
	echo "neighbours: $(on lb ip neighbour show | grep managed)"
	echo "processes: $(ip netns pids "$(host_netns lb)" | xargs)"
}

nothing_is_left()
{
	traces | diff "$WORLD/before" -
}

steers()
{
	on lb ip link show dev eth0 | grep -q xdp
}

serves()
{
	check "$1: steers by XDP" steers
	check "$1: the server is healthy" wait_until 20 backend_is mx1 up
	check "$1: mail passes" connection_is greeted
}

e2e_begin restart 1
traces >"$WORLD/before"

need 'mailraild starts' balancer_start
serves 'first start'
check 'it stops when told' balancer_stop
check 'it says nothing of a failure' not grep -iE 'fail|error' "$WORLD/lb/mailraild.log"
check 'nothing is left' nothing_is_left

need 'mailraild starts again' balancer_start
serves 'second start'
check 'it is gone' balancer_kill
check 'its guard is left' has_guard
cp "$(balancer_file)" "$WORLD/fine"
balancer_change '.ports += [{name: "none", device: "net_nothing0"}]'
check 'it does not start with a device that nobody has' not balancer_start
check 'the guard is there still' has_guard
check 'and no XDP program' not steers
cp "$WORLD/fine" "$(balancer_file)"
need 'mailraild starts after it was killed' balancer_start
serves 'after the kill'
check 'it stops when told' balancer_stop
check 'nothing is left' nothing_is_left

e2e_end
