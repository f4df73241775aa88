# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# A world: hosts in network namespaces around one layer-2 switch, and a directory for their
# files. Nothing of it outlives world_end. Every host has one interface, eth0, and leads its
# default route to the router, which is the host `clients`.
#
#   clients --.          .-- mx1, mx2, ...
#              [ switch ]
#   lb -------'

readonly SEGMENT4=10.25.0 SEGMENT6=fd25:
readonly ROUTER4=$SEGMENT4.1 ROUTER6=$SEGMENT6:1
# Each address of these prefixes is one of `clients`' own (RFC 5737, RFC 3849).
readonly CLIENTS4=198.51.100.0/24 CLIENTS4_MORE=203.0.113.0/24 CLIENTS4_OWN=192.0.2.0/24
readonly CLIENTS6=2001:db8:25::/64

WORLD=      # its directory
WORLD_KEEP= # not empty: world_end leaves everything as it is
WORLD_AT_END=: # what world_end calls first

# world_begin KIND: namespaces are called mr-KIND-XXXXXX-HOST.
world_begin()
{
	require_root
	WORLD=$(mktemp -d "${TMPDIR:-/tmp}/mailrail-$1.XXXXXX")
	chmod 755 "$WORLD" # Postfix's own users look for their files here
	touch "$WORLD/hosts"
	echo $$ >"$WORLD/owner"
	trap world_end EXIT
	signals_catch

	ip netns add "$(host_netns switch)"
	echo switch >>"$WORLD/hosts"
	on switch ip link add br0 type bridge forward_delay 0 mcast_snooping 0
	on switch sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
	on switch ip link set br0 up

	host_add clients "$ROUTER4" "$ROUTER6"
	local prefix
	for prefix in $CLIENTS4 $CLIENTS4_MORE $CLIENTS4_OWN; do
		on clients ip route add local "$prefix" dev lo
	done
	on clients ip -6 route add local $CLIENTS6 dev lo
	on clients sysctl -qw net.ipv6.ip_nonlocal_bind=1 # IPv6 asks for addresses, not routes
	# On the segment it is a router: it neither asks in a client's name nor answers for one.
	on clients sysctl -qw net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.arp_ignore=1
	on clients sysctl -qw net.ipv4.ip_local_port_range='10000 65000'
}

world_end()
{
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	"$WORLD_AT_END"
	[ -n "$WORLD" ] && [ -z "$WORLD_KEEP" ] && world_remove "$WORLD"
	exit "$status"
}

# world_remove DIRECTORY: ends what runs in the world's namespaces, and removes both.
world_remove()
{
	local WORLD=$1 host

	while read -r host; do
		host_end_processes "$host"
	done <"$WORLD/hosts"
	while read -r host; do
		ip netns delete "$(host_netns "$host")" 2>/dev/null
	done <"$WORLD/hosts"
	rm -rf "$WORLD"
}

# Directories of KIND's worlds that were kept, or whose script is gone.
worlds_left()
{
	local owner

	for owner in "${TMPDIR:-/tmp}/mailrail-$1".*/owner; do
		[ -e "$owner" ] || continue
		kill -0 "$(cat "$owner")" 2>/dev/null || printf '%s\n' "${owner%/owner}"
	done
}

# --- hosts

host_netns()
{
	local base=${WORLD##*/mailrail-}

	printf 'mr-%s-%s' "${base/./-}" "$1"
}

# on HOST COMMAND...
on()
{
	local host=$1

	shift
	ip netns exec "$(host_netns "$host")" "$@"
}

# host_create HOST: its namespace, without an interface.
host_create()
{
	local host=$1 netns setting

	netns=$(host_netns "$host")
	ip netns add "$netns"
	echo "$host" >>"$WORLD/hosts"
	for setting in ipv4.conf.all.rp_filter=0 ipv4.conf.default.rp_filter=0 \
		ipv6.conf.all.accept_ra=0 ipv6.conf.default.accept_ra=0 \
		ipv6.conf.default.accept_dad=0; do
		on "$host" sysctl -qw "net.$setting"
	done
	on "$host" ip link set lo up
}

# host_link HOST INTERFACE OTHER_HOST OTHER_INTERFACE: a wire between them, up at HOST's end.
# Checksums are computed in software, as on a real one: mailrail and the probe port must see
# them.
host_link()
{
	on "$1" ip link add "$2" type veth peer name "$4" netns "$(host_netns "$3")"
	on "$1" ethtool -K "$2" tx off tso off gso off >/dev/null
	on "$3" ethtool -K "$4" tx off tso off gso off >/dev/null
	on "$1" ip link set "$2" up
}

# host_attach HOST: its eth0, on the switch.
host_attach()
{
	host_link "$1" eth0 switch "$1"
	on switch sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1"
	on switch ip link set "$1" master br0 up
}

# host_add HOST IPV4 [IPV6]
host_add()
{
	local host=$1

	host_create "$host"
	host_attach "$host"
	on "$host" ip address add "$2/24" dev eth0
	[ -z "${3:-}" ] || on "$host" ip address add "$3/64" dev eth0 nodad
	[ "$host" != clients ] || return 0
	on "$host" ip route add default via $ROUTER4
	[ -z "${3:-}" ] || on "$host" ip route add default via $ROUTER6
}

# The service address of a server behind direct server return: its own, and it keeps quiet
# about it (arp_ignore, arp_announce; an IPv6 address on lo is never answered for on eth0
# unless proxied, and an IPv4 one by default is).
host_add_loopback_address()
{
	local host=$1 address=$2

	on "$host" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	on "$host" ip address add "$address" dev lo
}

# start HOST NAME COMMAND...: runs it in the background, away from the terminal's signals.
# Output goes to NAME.log, its process id to NAME.pid in the host's directory.
start()
{
	local host=$1 name=$2 directory=$WORLD/$1

	shift 2
	mkdir -p "$directory"
	# Both exec(): the process keeps the id.
	setsid ip netns exec "$(host_netns "$host")" "$@" \
		>>"$directory/$name.log" 2>&1 </dev/null &
	echo $! >"$directory/$name.pid"
}

pid_of()
{
	cat "$WORLD/$1/$2.pid"
}

is_running()
{
	kill -0 "$(pid_of "$1" "$2")" 2>/dev/null
}

# stop HOST NAME [SECONDS]: SIGTERM; false when it had to be killed.
stop()
{
	local pid

	pid=$(pid_of "$1" "$2")
	kill "$pid" 2>/dev/null
	wait_while "${3:-10}" kill -0 "$pid" 2>/dev/null && return 0
	kill -9 "$pid"
	return 1
}

# Everything in a namespace of ours was started by us.
host_end_processes()
{
	local netns

	netns=$(host_netns "$1")
	host_signal "$netns" CONT
	host_signal "$netns" TERM
	wait_until 5 host_is_idle "$netns" && return
	host_signal "$netns" KILL
	wait_until 5 host_is_idle "$netns"
}

host_signal()
{
	local pid

	for pid in $(ip netns pids "$1" 2>/dev/null); do
		kill -s "$2" "$pid" 2>/dev/null
	done
}

host_is_idle()
{
	[ -z "$(ip netns pids "$1" 2>/dev/null)" ]
}
