#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Clients in one VLAN, servers in another that has two tags, and the balancer with one network
# card in both: sessions, health checks and the kernel's own traffic pass from tag to tag; frames
# without the right tags pass nowhere. The hosts' VLAN interfaces are tc programs, as not every
# kernel has its own (tests/lib/vlan.bpf.c).
#
#   clients 10.25.0.1 in 100, 10.26.0.1 in 200.30 --.          .-- mx1 10.26.0.11, fd26::11
#                                                    [ switch ]    in 200.30
#   lb 10.25.0.2 in 100, 10.26.0.2 in 200.30 -------'          '-- mx2 10.26.0.12, fd26::12
#   service 10.25.0.10, fd25::10 in 100                            in 200.30
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"
# shellcheck source=tests/lib/trunk.sh
. "$E2E/tests/lib/trunk.sh"

readonly SESSIONS=200
readonly SERVERS4=10.26.0 SERVERS6=fd26:

server_address()
{
	case $1 in
	4) printf '%s' "$SERVERS4.$((10 + $2))" ;;
	6) printf '%s' "$SERVERS6:$((10 + $2))" ;;
	esac
}

trunked_server_add()
{
	host_create "mx$1"
	host_attach "mx$1"
	trunk_add "mx$1"
	vlan_add "mx$1" lan 200 30
	vlan_address "mx$1" lan $SERVERS4 $SERVERS6 $((10 + $1))
	on "mx$1" ip route add default via $SERVERS4.1
	on "mx$1" ip route add default via $SERVERS6:1
	sink_start "mx$1"
}

router_and_balancer_add()
{
	local host number

	for host in clients lb; do
		number=$([ $host = clients ] && echo 1 || echo 2)
		trunk_add $host
		need "$host is in VLAN 100" vlan_add $host wan 100 0
		need "$host is in VLAN 200.30" vlan_add $host lan 200 30
		vlan_address $host wan $SEGMENT4 $SEGMENT6 "$number"
		vlan_address $host lan $SERVERS4 $SERVERS6 "$number"
	done
	on lb ip address add "$SERVICE4/32" dev wan
	on lb ip address add "$SERVICE6/128" dev wan nodad preferred_lft 0
	on lb ip route add default via $ROUTER4
	on lb ip route add default via $ROUTER6
	on clients sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

pings()
{
	on "$1" ping -q -c 2 -i 0.2 -W 2 "$2"
}

untagged_sessions()
{
	on clients "$PYTHON" "$PROJECT/tests/lib/fragments.py" eth0 "$(mac_of lb)" "$SERVICE4" \
		100.64.25.0/24 --sessions 4
}

# mode FORWARDING FAMILY FAMILIES_OF_SERVICE
mode()
{
	local inner

	mode_begin "$1" "$2" '.ports = [
		{name: "clients", device: "af_xdp:eth0", vlan: [100], interface: "wan"},
		{name: "servers", device: "af_xdp:eth0", vlan: [200, 30], interface: "lan"}]'
	for inner in $3; do
		check "$MODE: $SESSIONS sessions, IPv$inner" transfers "$inner" --sessions $SESSIONS
	done
	check "$MODE: both servers had some" every_backend_has_sessions
	check "$MODE: ping of the service's address" pings clients "$SERVICE4"
	check "$MODE: ping between balancer and server" pings lb "$SERVERS4.11"
	check "$MODE: without tags nothing reaches a server" not untagged_sessions
	check "$MODE: nothing was dropped" drops_are_none
	mode_end
}

MODE_SERVERS=2
world_begin vlan
on switch ip link set br0 mtu $TRUNK_MTU
balancer_host_add
router_and_balancer_add
trunked_server_add 1
trunked_server_add 2
need 'tagged frames pass' pings clients "$SERVERS4.11"
mode l2dsr 4 '4 6'
mode l2dsr 6 '4 6'
balancer_becomes_router
mode nat 4 4
e2e_end
