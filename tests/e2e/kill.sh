#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# mailraild is killed while sessions are open, some of them remembered because their slots are
# moving, and started again: after kill -9, in good order for a successor (SIGQUIT), and with
# another number of workers on another kind of port. What clients say meanwhile is lost, never
# refused, and afterwards every session goes on where it was. Then what it had written down is
# damaged, and it starts all the same.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#           192.0.2.1         [ switch ]--- mx2 10.25.0.12
#   lb 10.25.0.2 ------------'          '-- mx3 10.25.0.13
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/sessions.sh
. "$E2E/tests/lib/sessions.sh"
# shellcheck source=tests/lib/killing.sh
. "$E2E/tests/lib/killing.sh"

readonly BEFORE=90 AFTER=40 SERVERS=(mx1 mx2 mx3)
readonly ALL=$((BEFORE + AFTER))

# is_down TEXT: what must hold until it is started again. Clients go on speaking, and what they
# say is repeated by TCP; the answers are looked at later.
is_down()
{
	local resets retransmitted

	check "$1: the guard is there" has_guard
	resets=$(kernel_resets)
	retransmitted=$(clients_retransmitted)
	clients noop group=held >"$WORLD/noop.json" &
	SPEAKING=$!
	check "$1: what the sessions say is lost" wait_until 10 clients_repeat "$retransmitted" $ALL
	check "$1: so is what a new one says" connection_is silence timeout=1
	check "$1: another port is refused" connection_is refused port=26
	check "$1: ping is answered" on clients ping -q -c 1 -W 2 "$SERVICE4"
	check "$1: nothing of the service was reset" equal "$(kernel_resets)" $((resets + 1))
}

clients_retransmitted()
{
	on clients cat /proc/net/snmp | awk '$1 == "Tcp:" && $2 != "RtoAlgorithm" { print $13 }'
}

clients_repeat()
{
	[ "$(clients_retransmitted)" -ge $(($1 + $2)) ]
}

# goes_on TEXT: what must hold once it has been started again.
goes_on()
{
	wait "$SPEAKING"
	check "$1: all $ALL sessions answer" equal "$(jq .alive "$WORLD/noop.json")" $ALL ||
		jq -r '.broken[]' "$WORLD/noop.json"
	check "$1: and again" all_answer $ALL
	check "$1: each on the server that it began on" sessions_stayed "${SERVERS[@]}"
	check "$1: mx1 is drained still" equal "$(table_slots | awk '$1 == "mx1" { print $2 }')" 0
	check "$1: sessions are remembered" pins_are_at_least 1
	check "$1: slots are moving" slots_are_moving
	check "$1: new sessions are greeted" connection_is greeted
}

# The guard is there whatever moment of a start the kill meets.
killed_while_starting()
{
	local ms

	for ms in 040 080 120 160 200 240 280 320; do
		start lb mailraild "$BUILD/control/mailraild" --config "$(balancer_file)"
		sleep "0.$ms"
		balancer_kill
		has_guard || return
	done
}

# state_is_refused TEXT
state_is_refused()
{
	check "$1: it says so" log_says 'warning: .*refused'
	check "$1: it is kept for a look" test -d "$WORLD/lb/sessions.refused"
	check "$1: it starts steady" not slots_are_moving
	check "$1: the servers are healthy" wait_until 20 backend_is mx2 up
	check "$1: new sessions are greeted" connection_is greeted
}

log_says()
{
	grep -qE "$1" "$WORLD/lb/mailraild.log"
}

e2e_begin kill ${#SERVERS[@]}
need 'mailraild starts' balancer_start
need 'three servers are healthy' wait_until 20 backends_are up up up

# --- how long nobody is served

balancer_kill
need 'it starts after it was killed' balancer_start_timed "${SERVERS[@]}"
echo "      the first packet was forwarded $(cat "$WORLD/first-packet-ms") ms after mailraild was executed"
need 'three servers are healthy' wait_until 20 backends_are up up up

# --- sessions outlive the process

need "$BEFORE sessions are open" clients open count=$BEFORE group=held timeout=30
check 'mx1 is drained' ctl backend drain $POOL/mx1
check "$BEFORE sessions answer" all_answer $BEFORE
need "$AFTER more are open, on moving slots too" clients open count=$AFTER group=held timeout=30
note_sessions "${SERVERS[@]}"

balancer_kill
is_down 'kill -9'
need 'it starts' balancer_start
goes_on 'after the kill'

check 'SIGQUIT ends it' balancer_quit
check 'SIGQUIT leaves no XDP program' not eval 'on lb ip link show dev eth0 | grep -q xdp'
is_down 'SIGQUIT'
resets=$(kernel_resets)
check 'it is killed over and over while it starts' killed_while_starting
check 'nothing of the service was reset' equal "$(kernel_resets)" "$resets"
need 'it starts' balancer_start
goes_on 'after SIGQUIT'

if [ "$(nproc)" -ge 2 ]; then
	balancer_kill
	is_down 'before two workers'
	balancer_change '.workers.cores = [0, 1] | .ports[0].device = "af_packet:eth0"'
	need 'it starts with two workers and af_packet' balancer_start
	goes_on 'two workers'
	balancer_kill
	is_down 'before one worker'
	balancer_change '.workers.cores = [0] | .ports[0].device = "af_xdp:eth0"'
	need 'it starts with one worker and af_xdp' balancer_start
	goes_on 'one worker'
else
	echo '      this machine has one core: it starts again with as many workers'
fi

# --- what is damaged is not believed

balancer_kill
: >"$WORLD/lb/mailraild.log"
check 'a bit of the table is flipped' flip_bit "$WORLD/lb/sessions/$POOL.table" 1000
need 'it starts with a damaged table' balancer_start
state_is_refused 'a damaged table'

check 'mx2 is drained' ctl backend drain $POOL/mx2
check 'slots are moving' slots_are_moving
check 'mx1 is enabled' ctl backend enable $POOL/mx1
balancer_kill
: >"$WORLD/lb/mailraild.log"
check 'the pins lose their end' truncate --size=-4096 "$WORLD/lb/sessions/pins"
need 'it starts with truncated pins' balancer_start
state_is_refused 'truncated pins'

check 'it stops when told' balancer_stop
check 'no guard is left' not has_guard
check 'no hook is left' not eval 'on lb tc qdisc show dev eth0 | grep -q clsact'

e2e_end
