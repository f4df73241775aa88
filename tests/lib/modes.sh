# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For tests of forwarding modes: servers that say what they got (mail_sink.py), prepared with
# nothing but what `mailrailctl backend prepare` prints, and clients that check it
# (transfers.py). Read after e2e.sh.

MODE_SERVERS=

# modes_begin NAME SERVERS: clients, balancer, servers mx1, mx2 ... that nobody has prepared yet.
modes_begin()
{
	local number

	MODE_SERVERS=$2
	world_begin "$1"
	balancer_host_add
	for ((number = 1; number <= MODE_SERVERS; number++)); do
		host_add "mx$number" "$(server_address 4 "$number")" "$(server_address 6 "$number")"
		sink_start "mx$number"
	done
}

sink_start()
{
	start "$1" sink "$PYTHON" "$PROJECT/tests/lib/mail_sink.py" "$MAIL_NAMESPACE"
	wait_until 10 listens "$1" tcp 25
}

# server_address FAMILY NUMBER
server_address()
{
	case $1 in
	4) printf '%s' "$SEGMENT4.$((10 + $2))" ;;
	6) printf '%s' "$SEGMENT6:$((10 + $2))" ;;
	esac
}

service_address()
{
	case $1 in
	4) printf '%s' "$SERVICE4" ;;
	6) printf '%s' "$SERVICE6" ;;
	esac
}

clients_of()
{
	case $1 in
	4) printf '%s' "$CLIENTS4" ;;
	6) printf '%s' "$CLIENTS6" ;;
	esac
}

# mode_configure FORWARDING FAMILY [JQ]: the servers by their addresses of that family, behind
# one service with addresses of both (nat: of that one); JQ changes the rest.
mode_configure()
{
	local forwarding=$1 family=$2 change=${3:-.} number backends=()

	for ((number = 1; number <= MODE_SERVERS; number++)); do
		backends+=("$(backend_json "mx$number" "$(server_address "$family" "$number")")")
	done
	balancer_configuration "${backends[@]}" | jq --arg forwarding "$forwarding" \
		--arg own "$(service_address "$family")" --arg four "$SERVICE4" \
		--arg six "$SERVICE6" '.pools[0].forwarding = $forwarding |
		.services[0].addresses = if $forwarding == "nat" then [$own] else [$four, $six] end' |
		jq "$change" >"$(balancer_file)"
}

# mode_begin FORWARDING FAMILY [JQ]: configures and starts the balancer, and prepares the servers.
mode_begin()
{
	local number up=()

	MODE="$1 over IPv$2"
	mode_configure "$@"
	need "$MODE: mailraild starts" balancer_start
	for ((number = 1; number <= MODE_SERVERS; number++)); do
		need "$MODE: mx$number is prepared" server_prepare "mx$number"
		up+=(up)
	done
	need "$MODE: the servers are healthy" wait_until 20 backends_are "${up[@]}"
}

# The next mode begins anew: what is known of this one's sessions is of no use there.
mode_end()
{
	local number

	check "$MODE: mailraild stops" balancer_stop
	rm -rf "$WORLD/lb/sessions"
	for ((number = 1; number <= MODE_SERVERS; number++)); do
		server_unprepare "mx$number"
	done
}

# server_prepare HOST: as its operator would. A tunnel's end stays in the foreground.
server_prepare()
{
	local script=$WORLD/$1/prepare.sh

	mkdir -p "$WORLD/$1"
	ctl backend prepare "$POOL/$1" --os linux >"$script" || return
	: >"$WORLD/$1/prepare.log"
	PATH=$BUILD/tools:$PATH start "$1" prepare sh "$script"
	wait_until 10 server_is_prepared_or_failed "$1"
	server_is_prepared "$1" && return
	cat "$WORLD/$1/prepare.log"
	return 1
}

# A tunnel's end says that it is there; other scripts end, and say nothing when all went well.
server_is_prepared()
{
	if grep -q '^exec mailrail-decap' "$WORLD/$1/prepare.sh"; then
		grep -qs decapsulating "$WORLD/$1/prepare.log"
	else
		! is_running "$1" prepare && [ ! -s "$WORLD/$1/prepare.log" ]
	fi
}

server_is_prepared_or_failed()
{
	server_is_prepared "$1" || ! is_running "$1" prepare
}

# Ends the tunnel, if it has one; addresses stay.
server_unprepare()
{
	! is_running "$1" prepare || stop "$1" prepare
}

# What an operator does on the balancer's host before servers of nat pools lead their traffic to
# it.
balancer_becomes_router()
{
	on lb sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.send_redirects=0
	on lb sh -c 'for i in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >"$i"; done'
}

# transfers FAMILY [ARGUMENT]...: see transfers.py; the clients' addresses are of that family.
transfers()
{
	transfers_from clients "$1" --sources "$(clients_of "$1")" "${@:2}"
}

# transfers_from HOST FAMILY ARGUMENT...
transfers_from()
{
	on "$1" "$PYTHON" "$PROJECT/tests/lib/transfers.py" "$(service_address "$2")" "${@:3}"
}

# transfers_halfway FAMILY SESSIONS: returns when all sessions are in the middle of their
# messages; transfers_finish lets them go on, and is true if all went well.
transfers_halfway()
{
	rm -f "$WORLD/go-on" "$WORLD/clients/transfers.log"
	start clients transfers "$PYTHON" "$PROJECT/tests/lib/transfers.py" \
		"$(service_address "$1")" --sources "$(clients_of "$1")" --sessions "$2" \
		--halfway "$WORLD/go-on"
	wait_until 30 transfers_say halfway && return
	cat "$WORLD/clients/transfers.log"
	return 1
}

transfers_finish()
{
	touch "$WORLD/go-on"
	wait_while 50 is_running clients transfers
	transfers_say ', 0 failed$' && return
	cat "$WORLD/clients/transfers.log"
	return 1
}

transfers_say()
{
	grep -q "$1" "$WORLD/clients/transfers.log"
}

# drops_are_none [EXCEPT]: no packet had a reason to be dropped, but that one; a probe that ends
# may leave a frame behind.
drops_are_none()
{
	equal "$(ctl --json stats get | jq -c --arg except "${1:-}" '.total.verdicts |
		with_entries(select(.value > 0 and (.key | startswith("drop_")) and
			.key != "drop_no_probe" and .key != $except))')" '{}'
}

# Whether each has got some.
every_backend_has_sessions()
{
	[ "$(ctl --json backend list | jq '[.backends[].sessions] | min')" -ge 10 ]
}

# Of two workers, each has forwarded a tenth at least.
workers_share()
{
	local shares

	shares=$(ctl --json stats get | jq -c '[.workers[].verdicts.forwarded]')
	[ "$(jq 'length == 2 and min * 10 > add' <<<"$shares")" = true ] && return 0
	printf 'they forwarded %s\n' "$shares"
	return 1
}

# host_add_behind HOST ROUTER NUMBER: a host on a network of its own behind a host of the switch,
# which becomes a router: 10.26.NUMBER.11 and fd26:NUMBER::11 on eth0; the router's end has .1
# and the host's name.
host_add_behind()
{
	local host=$1 router=$2

	host_create "$host"
	host_link "$host" eth0 "$router" "$host"
	on "$router" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	on "$router" ip address add "10.26.$3.1/24" dev "$host"
	on "$router" ip address add "fd26:$3::1/64" dev "$host" nodad
	on "$router" ip link set "$host" up
	on "$host" ip address add "10.26.$3.11/24" dev eth0
	on "$host" ip address add "fd26:$3::11/64" dev eth0 nodad
	on "$host" ip route add default via "10.26.$3.1"
	on "$host" ip route add default via "fd26:$3::1"
}

# host_narrow ROUTER HOST NUMBER BYTES: longer packets do not get from the router to the host
# behind it, whose own end knows nothing of that.
host_narrow()
{
	on "$1" ip route replace "10.26.$3.0/24" dev "$2" mtu lock "$4"
	on "$1" ip -6 route replace "fd26:$3::/64" dev "$2" metric 256 mtu lock "$4"
}
