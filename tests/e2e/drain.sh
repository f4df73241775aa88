#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Draining, as an operator meets it: a drained server keeps the sessions it has, which go on
# to carry mail, and gets no new ones. With all servers drained newcomers are refused at once,
# and a server that is disabled loses its sessions. `drain --wait` returns when the last
# session has gone, and not before, through a crash of mailraild too.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#                             [ switch ]
#   lb 10.25.0.2 ------------'          '-- mx2 10.25.0.12
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

# all_enabled SESSION_IDLE: both servers get sessions, which may be silent for as long.
all_enabled()
{
	ctl --json config get | jq --arg idle "$1" '.config |
		.pools[0].session_idle = $idle | .pools[0].backends[].state = "enabled"' |
		ctl config apply -
}

# shown FILTER: of pool.show.
shown()
{
	ctl --json pool show $POOL | jq -r "$1"
}

is_steady()
{
	equal "$(shown '.moving_slots, .pins' | xargs)" '0 0'
}

# All sessions of @group say something; then everybody on mx1 is known.
speak_and_are_known()
{
	clients noop group="$1" >/dev/null
	[ "$(shown '.backends[0].exact')" = true ]
}

alive_are()
{
	equal "$(clients noop group="$1" | jq .alive)" "$2"
}

# drain_waits NAME: in the background, its output in NAME.log, its exit status in NAME.status.
drain_waits()
{
	# shellcheck disable=SC2016 # the inner shell's words
	start lb "$1" bash -c '"${@:2}"; echo $? >"$1"' bash "$WORLD/lb/$1.status" \
		"$BUILD/tools/mailrailctl" --socket "$WORLD/lb/control.sock" \
		backend drain $POOL/mx1 --wait
}

says()
{
	grep -q "$2" "$WORLD/lb/$1.log"
}

# ended NAME STATUS
ended()
{
	wait_until 20 test -s "$WORLD/lb/$1.status"
	equal "$(cat "$WORLD/lb/$1.status")" "$2"
}

e2e_begin drain 2
need 'mailraild starts' balancer_start
need 'both servers are healthy' wait_until 20 backends_are up up
need '20 sessions are open' clients open count=20 group=held

check 'mx1 is drained' ctl backend drain $POOL/mx1
check 'its state is drain' equal "$(backend_field mx1 state)" drain
check 'its health is still up' backend_is mx1 up
check 'only mx2 has slots' table_has mx2
before=$(sessions_on mx1 | wc -l)
check '20 new sessions open' clients open count=20 group=new
check 'mx1 got none of them' equal "$(sessions_on mx1 | wc -l)" "$before"
check 'the held sessions carry a message each' clients mail group=held
check 'mx1 had some of those' wait_until 5 have_messages mx1

check 'mx2 is drained too' ctl backend drain $POOL/mx2
check 'newcomers are refused at once' connection_is refused
check 'and counted' verdict_is_at_least reset_no_backend 1
check 'every session goes on' clients mail

check 'mx1 is enabled' ctl backend enable $POOL/mx1
check 'newcomers are served' connection_is greeted
check 'mx2 is disabled' ctl backend disable $POOL/mx2
alive=$(clients noop | jq .alive)
check 'its sessions, and only those, are gone' equal "$alive" "$(sessions_on mx1 | wc -l)"

check 'all sessions end' clients close
check 'both are enabled, and nobody may be silent for more than 5 s' all_enabled 5s
check 'the pool becomes steady' wait_until 20 is_steady
check '20 sessions are open' clients open count=20 group=long
drain_waits first
check 'drain --wait does not know all of mx1'"'"'s sessions at first' \
	wait_until 5 says first 'may have more'
check 'after a while of talking it does' wait_until 20 speak_and_are_known long
check 'they are as many as mx1 has' equal "$(shown '.backends[0].pins')" \
	"$(sessions_on mx1 | wc -l)"
check 'it says so' wait_until 5 says first "mx1: $(sessions_on mx1 | wc -l) sessions, "
kill -9 "$(pid_of lb mailraild)"
check 'it notices that mailraild has crashed' wait_until 5 says first 'waiting for it'
need 'mailraild starts again' balancer_start
check 'the sessions go on' alive_are long 20
check 'it has noticed that too' wait_until 5 says first 'answers again'
check 'after a while of talking all are known again' wait_until 20 speak_and_are_known long
check 'it still waits' is_running lb first
check 'the sessions end' clients close group=long
check 'then it returns, with success' ended first 0
check 'no session is left on mx1' equal "$(sessions_on mx1)" ''
check 'it says so' says first 'no session is left'
check 'the pool becomes steady' wait_until 20 is_steady

check 'both are enabled' all_enabled 5s
check 'the pool becomes steady' wait_until 20 is_steady
check '20 sessions are open' clients open count=20 group=last
drain_waits second
check 'drain --wait waits' wait_until 5 says second 'may have more'
check 'somebody enables mx1' ctl backend enable $POOL/mx1
check 'it gives up' ended second 1
check 'it says why' says second 'enabled again'

e2e_end
