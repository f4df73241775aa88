#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Servers behind a router, reached by tunnel. While sessions are in the middle of their
# messages, the router's network card is replaced, then a link on the way becomes narrow, then
# the balancer's own route does: no session breaks, since the balancer follows, and tells
# clients by ICMP how long their packets may be.
#
#   clients 198.51.100.0/24  --.
#           2001:db8:25::/64    [ switch ]--[ router 10.25.0.5 ]-- mx1 10.26.1.11, fd26:1::11
#   lb 10.25.0.2, fd25::2 -----'                               `-- mx2 10.26.2.11, fd26:2::11
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=40 ROUTER=5

server_address()
{
	case $1 in
	4) printf '10.26.%s.11' "$2" ;;
	6) printf 'fd26:%s::11' "$2" ;;
	esac
}

# path_mtu_is BYTES: outer headers included. To one server at least: the client's kernel, once it has
# been told on account of one, may send nothing more that is too big for the other.
path_mtu_is()
{
	equal "$(ctl --json backend list | jq -c '[.backends[].path_mtu_bytes] | min')" "$1"
}

sends_to()
{
	equal "$(ctl --json backend list | jq -c '[.backends[].next_hop]')" "[\"$1\",\"$1\"]"
}

# The router announces its new address, as it does when a card comes up.
router_replace_card()
{
	on router ip link set eth0 address "$1"
}

# links_are BYTES: what the router sends to the servers must be no longer.
links_are()
{
	host_narrow router mx1 1 "$1"
	host_narrow router mx2 2 "$1"
}

# route_is BYTES: what the balancer's own routes say of the path.
route_is()
{
	on lb ip route replace 10.26.0.0/16 via $SEGMENT4.$ROUTER mtu "$1"
	on lb ip -6 route replace fd26::/16 via $SEGMENT6:$ROUTER mtu "$1"
}

# changes TEXT FAMILY MTU COMMAND...: half of each message goes before the command, half after.
changes()
{
	local text=$1 inner=$2 mtu=$3

	shift 3
	check "$MODE: $SESSIONS sessions are in the middle, IPv$inner" \
		transfers_halfway "$inner" $SESSIONS
	check "$MODE: $text" "$@"
	check "$MODE: all sessions go on" transfers_finish
	check "$MODE: the balancer knows the path" wait_until 5 path_mtu_is "$mtu"
}

# mode FORWARDING FAMILY FAMILY_OF_SERVICE
mode()
{
	local inner=$3 told

	links_are 1500
	route_is 1500
	router_replace_card 02:00:00:00:00:a1
	mode_begin "$1" "$2"
	check "$MODE: it sends to the router" wait_until 10 sends_to 02:00:00:00:00:a1
	changes "the router's card is replaced" "$inner" 1500 router_replace_card 02:00:00:00:00:a2
	check "$MODE: it sends to the new one" sends_to 02:00:00:00:00:a2
	check "$MODE: no client was told anything" equal "$(verdict too_big)" 0
	changes 'a link becomes narrow' "$inner" 1400 links_are 1400
	told=$(verdict too_big)
	check "$MODE: clients were told" test "$told" -gt 0
	changes "the balancer's route becomes narrower" "$inner" 1380 route_is 1380
	check "$MODE: clients were told again" test "$(verdict too_big)" -gt "$told"
	# Many packets may be on their way when it happens: not every one gets an answer.
	check "$MODE: nothing else was dropped" drops_are_none drop_too_big
	mode_end
	# Clients forget what they were told.
	on clients ip route flush cache
	on clients ip -6 route flush cache
}

MODE_SERVERS=2
world_begin path
balancer_host_add
host_add router $SEGMENT4.$ROUTER $SEGMENT6:$ROUTER
on router sysctl -qw net.ipv4.conf.eth0.arp_notify=1 net.ipv6.conf.eth0.ndisc_notify=1
for number in 1 2; do
	host_add_behind "mx$number" router "$number"
	sink_start "mx$number"
done
mode ipip 4 4
mode ipip 6 6
mode gue 4 6
e2e_end
