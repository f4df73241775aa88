#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `mailrailctl backend prepare`: what it prints for Linux makes a server ready that was not, and
# changes nothing when it is run again; only the balancer answers ARP and NDP for the service
# then. What a system cannot do is refused, and said why.
#
#   clients --.
#              [ switch ]--- mx1 10.25.0.11, fd25::11
#   lb -------'
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

# Everything about the server that a script could have changed.
server_state()
{
	on mx1 ip address show dev lo
	on mx1 ip route show table all
	on mx1 ip -6 route show table all
	on mx1 sysctl -a 2>/dev/null | grep -E '\.(arp_|rp_filter|accept_redirects)'
}

# answered FAMILY: somebody says that he has the service's address.
answered()
{
	local address

	address=$(service_address "$1")
	on clients ip neighbour flush dev eth0
	on clients ping -q -c 1 -W 2 "$address" >/dev/null
	on clients ip neighbour show "$address" | grep -q lladdr
}

# prepare ARGUMENT...
prepare()
{
	ctl backend prepare "$POOL/mx1" "$@"
}

# refused STATUS PATTERN ARGUMENT...
refused()
{
	local status=$1 pattern=$2 got=0

	shift 2
	ctl backend prepare "$@" >"$WORLD/said" 2>&1 || got=$?
	equal "$got" "$status" && grep -qF -- "$pattern" "$WORLD/said" && return 0
	cat "$WORLD/said"
	return 1
}

forwarding_is()
{
	mode_configure "$@"
	ctl config apply "$(balancer_file)"
}

modes_begin prepare 1
mode_configure l2dsr 4
need 'mailraild starts' balancer_start
check 'a server that nobody has prepared is down' wait_until 20 backend_is mx1 down
check 'the script runs' server_prepare mx1
check 'the server is healthy' wait_until 20 backend_is mx1 up
server_state >"$WORLD/prepared"
check 'the script runs again' server_prepare mx1
server_state >"$WORLD/prepared-again"
check 'and has changed nothing' diff "$WORLD/prepared" "$WORLD/prepared-again"

check 'ARP for the service is answered' answered 4
check 'NDP for the service is answered' answered 6
on lb ip address delete "$SERVICE4/32" dev eth0
on lb ip address delete "$SERVICE6/128" dev eth0
check 'not by the server: ARP' not answered 4
check 'not by the server: NDP' not answered 6
on lb ip address add "$SERVICE4/32" dev eth0

check 'FreeBSD has a script' prepare --os freebsd
check 'Windows has one' eval 'prepare --os windows | grep -q New-ReceiveConnector'
check 'in which nobody has permission' not eval 'prepare --os windows | grep AnonymousUsers'
check 'unless one asks for it' eval 'prepare --os windows --anonymous | grep -q AnonymousUsers'
check 'programs get lines' eval "prepare --json --os linux | jq -e '.commands | length > 5'"
check 'a system is needed' refused 1 '/os' "$POOL/mx1"
check 'an unknown system' refused 1 '"linux", "freebsd", "windows"' "$POOL/mx1" --os plan9
check '--anonymous is for Windows' refused 1 '/anonymous' "$POOL/mx1" --os linux --anonymous
check 'an unknown backend' refused 6 'did you mean "mx1"' "$POOL/mx2" --os linux
check 'an unknown pool' refused 6 '/pool' nobody/mx1 --os linux

check 'the pool forwards by gue' forwarding_is gue 4
check 'Windows has no GUE' refused 1 'cannot take packets out of gue' "$POOL/mx1" --os windows
check 'FreeBSD neither' refused 1 'cannot take packets out of GUE' "$POOL/mx1" --os freebsd
check 'Linux has' eval 'prepare --os linux | grep -q "exec mailrail-decap"'
check 'the pool forwards by nat' forwarding_is nat 4
check 'Windows has that' eval 'prepare --os windows | grep -q New-NetRoute'

e2e_end
