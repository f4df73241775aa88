#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Health decides who is in the table: a server that stops, hangs, turns everybody away or has
# lost the service's address leaves it and comes back; the others are not disturbed.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#     and held 203.0.113.0/24  [ switch ]--- mx2 10.25.0.12
#   lb 10.25.0.2 -------------'          '-- mx3 10.25.0.13
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

# mx2_leaves TEXT COMMAND...: what COMMAND does to it takes it out of the table.
mx2_leaves()
{
	local text=$1

	shift
	check "$text" "$@"
	check "$text: it leaves the table" wait_until 30 table_has mx1 mx3
	check "$text: it is down" backend_is mx2 down
	check "$text: the reason is told" not equal "$(backend_field mx2 reason)" ''
	check "$text: newcomers are served" connection_is greeted
	check "$text: sessions with the others go on" sessions_with_others_answer
}

mx2_returns()
{
	local text=$1

	shift
	check "$text" "$@"
	check "$text: it is back in the table" wait_until 20 table_has mx1 mx2 mx3
	check "$text: it is up" backend_is mx2 up
	check "$text: sessions with the others go on" sessions_with_others_answer
}

sessions_with_others_answer()
{
	clients noop group=others
}

# Opens sessions, and lets go of those that mx2 has.
hold_sessions_with_others()
{
	ctl backend drain "$POOL/mx2" && clients open count=20 group=others &&
		ctl backend enable "$POOL/mx2"
}

# freeze HOST: it accepts connections, as its kernel does, and says nothing any more.
freeze()
{
	signal_mail_server "$1" STOP
}

thaw()
{
	signal_mail_server "$1" CONT
}

signal_mail_server()
{
	local pid

	for pid in $(ip netns pids "$(host_netns "$1")"); do
		kill -s "$2" "$pid"
	done
}

# dialogue_has BACKEND WORDS: one of its last dialogues has a line that begins so.
dialogue_has()
{
	ctl --json health show "$POOL/$1" | jq -e --arg words "$2" \
		'[.dialogues[].lines[].text] | any(startswith($words))'
}

e2e_begin health 3
jq '.pools[0].health.timeout = "2s"' "$(balancer_file)" >"$WORLD/impatient"
mv "$WORLD/impatient" "$(balancer_file)"
need 'mailraild starts' balancer_start
need 'all three servers are healthy' wait_until 20 backends_are up up up
need 'sessions with mx1 and mx3 are open' hold_sessions_with_others

check 'what probes and a server say is told' dialogue_has mx2 250-
check 'to the end' dialogue_has mx2 221

mx2_leaves 'Postfix stopped' postfix_do mx2 stop
check 'why it is down is told' dialogue_has mx2 'connection refused'
mx2_returns 'Postfix started' postfix_start mx2

mx2_leaves 'Postfix frozen' freeze mx2
mx2_returns 'Postfix thawed' thaw mx2

mx2_leaves "the service's address lost" on mx2 ip address del "$SERVICE4/32" dev lo
mx2_returns "the service's address back" host_add_loopback_address mx2 "$SERVICE4"

mx2_leaves 'the cable pulled' on switch ip link set mx2 down
mx2_returns 'the cable back' on switch ip link set mx2 up

check 'probes came from the balancer itself' \
	grep -q "connect from unknown\[$BALANCER4\]" "$WORLD/mx1/maillog"

for host in mx1 mx2 mx3; do
	check "$host stops" postfix_do $host stop
done
check 'the table is empty' wait_until 30 table_has ''
check 'newcomers are refused at once' connection_is refused
check 'mx1 starts' postfix_start mx1
check 'newcomers are served again' wait_until 20 connection_is greeted

e2e_end
