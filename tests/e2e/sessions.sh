#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sessions never move: 200 are open while backends are drained, enabled, re-weighted, added,
# removed, and one goes down and comes back. After each change every session of a backend that
# lives still answers, on the server that it began on, and new ones go only where they should.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#                             [ switch ]--- mx2 10.25.0.12
#   lb 10.25.0.2 ------------'          '-- mx3 10.25.0.13, later mx4 10.25.0.14
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/sessions.sh
. "$E2E/tests/lib/sessions.sh"

readonly SESSIONS=200

# new_sessions_go_to HOST...: opens 40 more and looks who has them.
new_sessions_go_to()
{
	local host before reply got=()

	for host in mx1 mx2 mx3 mx4; do
		sessions_on "$host" >"$WORLD/$host.before"
	done
	reply=$(clients open count=40 group=new) || {
		printf '%s\n' "$reply"
		return 1
	}
	for host in mx1 mx2 mx3 mx4; do
		before=$(sessions_on "$host" | comm -23 - "$WORLD/$host.before" | wc -l)
		[ "$before" -eq 0 ] || got+=("$host")
	done
	clients close group=new >/dev/null
	equal "${got[*]}" "$*"
}

# after TEXT HOST...: what must hold after each change that leaves all backends alive.
after()
{
	local text=$1

	shift
	check "$text: all $SESSIONS sessions answer" all_answer $SESSIONS
	check "$text: each on the server that it began on" sessions_stayed mx1 mx2 mx3 mx4
	check "$text: new sessions go to $*" new_sessions_go_to "$@"
	check "$text: the others are not disturbed by them" all_answer $SESSIONS
}

e2e_begin sessions 3
server_add 4
postfix_create mx4
need 'a fourth server is ready' postfix_start mx4
balancer_configuration "${BACKENDS[@]:0:3}" >"$(balancer_file)"
need 'mailraild starts' balancer_start
need 'three servers are healthy' wait_until 20 backends_are up up up

need "$SESSIONS sessions are open" clients open count=$SESSIONS group=held
note_sessions mx1 mx2 mx3 mx4
after 'at first' mx1 mx2 mx3

check 'mx2 is drained' ctl backend drain $POOL/mx2
after 'mx2 drained' mx1 mx3

check 'mx2 is enabled' ctl backend enable $POOL/mx2
after 'mx2 enabled' mx1 mx2 mx3

check 'mx1 gets a tenth of its weight' ctl backend set $POOL/mx1 weight=10
check 'mx3 gets five times its weight' ctl backend set $POOL/mx3 weight=500
check "$SESSIONS sessions answer" all_answer $SESSIONS
check 'each on the server that it began on' sessions_stayed mx1 mx2 mx3

check 'mx1 has its weight back' ctl backend set $POOL/mx1 weight=100
check 'mx3 has its weight back' ctl backend set $POOL/mx3 weight=100
balancer_configuration "${BACKENDS[@]}" >"$WORLD/four"
check 'mx4 is added' ctl config apply "$WORLD/four"
check 'mx4 is healthy' wait_until 20 backend_is mx4 up
after 'mx4 added' mx1 mx2 mx3 mx4

balancer_configuration "${BACKENDS[@]:1}" >"$WORLD/without-mx1"
check 'mx1 is removed' ctl config apply "$WORLD/without-mx1"
after 'mx1 removed' mx2 mx3 mx4

balancer_configuration "${BACKENDS[@]}" >"$WORLD/four"
check 'mx1 is added again' ctl config apply "$WORLD/four"
check 'mx1 is healthy' wait_until 20 backend_is mx1 up
after 'mx1 back' mx1 mx2 mx3 mx4

# A server that dies takes its own sessions along, and no other.
held_by_mx3=$(wc -l <"$WORLD/mx3.sessions")
check 'mx3 stops' postfix_do mx3 stop
check 'mx3 leaves the table' wait_until 20 table_has mx1 mx2 mx4
check "only its $held_by_mx3 sessions broke" \
	equal "$(clients noop group=held | jq .alive)" $((SESSIONS - held_by_mx3))
check 'the others stayed where they were' sessions_stayed mx1 mx2 mx4
check 'new sessions go to the others' new_sessions_go_to mx1 mx2 mx4
check 'mx3 starts' postfix_start mx3
check 'mx3 is back in the table' wait_until 20 table_has mx1 mx2 mx3 mx4
check 'the other sessions answer' clients noop group=held
check 'they stayed where they were' sessions_stayed mx1 mx2 mx4
check 'new sessions go to all' new_sessions_go_to mx1 mx2 mx3 mx4

e2e_end
