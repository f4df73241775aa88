#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# ICMP errors about a session reach the server that has it. The clients' link is narrower than
# anybody knows: a router tells the service so, and only if the session's own server hears it
# does the server's answer arrive. Every session has a client address of its own, so that none
# profits from what its server was told about another.
#
#   far 10.27.0.0/24, fd27::/64 --[ clients ]--.          .-- mx1 10.25.0.11, fd25::11
#           packets of at most 1280 bytes       [ switch ]
#   lb 10.25.0.2, fd25::2 ---------------------'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=40 NARROW=1280

far_of()
{
	case $1 in
	4) printf '10.27.0.0/24' ;;
	6) printf 'fd27::/64' ;;
	esac
}

# The addresses are the far host's own; the router knows how narrow the way to them is.
far_add()
{
	host_add_behind far clients 7
	on far ip route add local 10.27.0.0/24 dev lo
	on far ip -6 route add local fd27::/64 dev lo
	on far sysctl -qw net.ipv6.ip_nonlocal_bind=1
	on clients ip route add 10.27.0.0/24 via 10.26.7.11 mtu lock $NARROW
	on clients ip -6 route add fd27::/64 via fd26:7::11 mtu lock $NARROW
}

servers_forget()
{
	local host

	for host in mx1 mx2; do
		on "$host" ip route flush cache
		on "$host" ip -6 route flush cache
	done
}

# mode FORWARDING FAMILY FAMILIES_OF_SERVICE
mode()
{
	local inner before

	mode_begin "$1" "$2"
	for inner in $3; do
		servers_forget
		before=$(verdict forwarded_icmp)
		check "$MODE: $SESSIONS sessions, IPv$inner" transfers_from far "$inner" \
			--sources "$(far_of "$inner")" --sessions $SESSIONS --help-bytes 60000
		# Some addresses may have been taken twice.
		check "$MODE: the errors were forwarded" \
			verdict_is_at_least forwarded_icmp $((before + SESSIONS * 2 / 3))
	done
	check "$MODE: both servers had some" every_backend_has_sessions
	check "$MODE: nothing was dropped" drops_are_none
	mode_end
}

modes_begin icmp 2
balancer_becomes_router
far_add
mode l2dsr 4 '4 6'
mode ipip 6 '4 6'
mode gue 4 '4 6'
mode nat 4 4
mode nat 6 6
e2e_end
