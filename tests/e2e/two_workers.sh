#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two workers on two cores, each with a queue of its own: the kernel spreads sessions over them,
# and each finds all it needs to know, also of sessions that the other began, when the table
# changes.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   lb 10.25.0.2, fd25::2       --'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=200 HELD=60
readonly TWO='.workers.cores = [0, 1] | .ports[0].device = "af_packet:eth0"'

[ "$(nproc)" -ge 2 ] || {
	echo 'this machine has one core'
	exit 77
}

# mode FORWARDING FAMILY FAMILIES_OF_SERVICE
mode()
{
	local inner

	mode_begin "$1" "$2" "$TWO"
	for inner in $3; do
		check "$MODE: $SESSIONS sessions, IPv$inner" transfers "$inner" --sessions $SESSIONS
	done
	check "$MODE: each worker had a tenth at least" workers_share
	check "$MODE: both servers had some" every_backend_has_sessions
	inner=${3##* }
	check "$MODE: $HELD sessions are in the middle" transfers_halfway "$inner" $HELD
	check "$MODE: mx1 is drained" ctl backend drain "$POOL/mx1"
	check "$MODE: all sessions go on" transfers_finish
	check "$MODE: nothing was dropped" drops_are_none
	mode_end
}

modes_begin two-workers 2
balancer_becomes_router
mode l2dsr 4 '4 6'
mode gue 6 '4 6'
mode nat 4 4
e2e_end
