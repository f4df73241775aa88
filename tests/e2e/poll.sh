#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Workers that sleep while nothing arrives forward whole sessions, see every change of the
# configuration, and stop when told. What they do while idle is set at the start.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   lb 10.25.0.2, fd25::2       --'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=100 HELD=40

# worker_counter NAME: of all workers.
worker_counter()
{
	ctl --json stats get | jq ".total.$1"
}

# counter_passes NAME COUNT
counter_passes()
{
	[ "$(worker_counter "$1")" -gt "$2" ]
}

sleeps_on()
{
	local before

	before=$(worker_counter sleeps)
	wait_until 10 counter_passes sleeps "$before"
}

# Share of the time since the start that workers were at work.
busy_share()
{
	ctl --json stats get | jq '.total | .busy_cycles / .cycles'
}

poll_is_refused()
{
	ctl config get | jq ".workers.poll = \"$1\"" >"$WORLD/other"
	! ctl config apply "$WORLD/other" >"$WORLD/said" 2>&1 &&
		grep -q '/workers: cannot change while mailraild runs; restart' "$WORLD/said"
}

# mode FORWARDING FAMILY FAMILIES_OF_SERVICE [JQ]
mode()
{
	local inner

	mode_begin "$1" "$2" ".workers.poll = \"adaptive\" | ${4:-.}"
	check "$MODE: idle, the worker sleeps" sleeps_on
	for inner in $3; do
		check "$MODE: $SESSIONS sessions, IPv$inner" transfers "$inner" --sessions $SESSIONS
	done
	check "$MODE: both servers had some" every_backend_has_sessions
	inner=${3##* }
	check "$MODE: $HELD sessions are in the middle" transfers_halfway "$inner" $HELD
	check "$MODE: mx1 is drained" ctl backend drain "$POOL/mx1"
	check "$MODE: all sessions go on" transfers_finish
	check "$MODE: it slept in between" sleeps_on
	check "$MODE: nothing was dropped" drops_are_none
	check "$MODE: it says how busy it was" jq -ne "$(busy_share) | . > 0 and . < 1"
}

modes_begin poll 2
balancer_becomes_router
mode_begin l2dsr 4
check 'busy is the default' equal "$(ctl config get | jq -r .workers.poll)" busy
check 'busy: sessions' transfers 4 --sessions $SESSIONS
check 'busy: the worker never sleeps' equal "$(worker_counter sleeps)" 0
check 'what idle workers do cannot change meanwhile' poll_is_refused adaptive
mode_end
mode l2dsr 4 '4 6'
mode_end
mode nat 4 4 '.ports[0].device = "af_packet:eth0"'
mode_end
e2e_end
