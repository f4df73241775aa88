#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every mode with direct server return, every mix of families: hundreds of sessions with up to
# 1 MiB each arrive whole, under the client's own address, on servers prepared with what
# `mailrailctl backend prepare` prints, whose tunnels mailrail-decap ends. Health checks take the
# same way.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   lb 10.25.0.2, fd25::2       --'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=200

# decap_has_counted VERDICT: on both servers.
decap_has_counted()
{
	local host

	for host in mx1 mx2; do
		[ "$(on "$host" "$BUILD/tools/mailrail-decap" --stats eth0 --json |
			jq ".verdicts.$1.packets")" -gt 1000 ] || {
			printf '%s has not\n' "$host"
			return 1
		}
	done
}

# mode FORWARDING FAMILY [JQ]: FAMILY of the servers' own addresses, hence of the outer headers.
mode()
{
	local forwarding=$1 outer=$2 inner

	mode_begin "$@"
	for inner in 4 6; do
		check "$MODE: $SESSIONS sessions, IPv$inner" transfers $inner --sessions $SESSIONS
		[ "$forwarding" = l2dsr ] || check "$MODE: they came as ${inner}in$outer" \
			decap_has_counted "${forwarding}_${inner}in$outer"
	done
	check "$MODE: both servers had some" every_backend_has_sessions
	check "$MODE: no client had to be told of a narrow path" equal "$(verdict too_big)" 0
	check "$MODE: nothing was dropped" drops_are_none
	mode_end
}

modes_begin tunnels 2
mode l2dsr 4
mode l2dsr 6
mode ipip 4
mode ipip 6
mode gue 4
mode gue 6 '.pools[0].tunnel.port = 6081'
e2e_end
