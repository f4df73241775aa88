#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# TCP segments that arrive in fragments, in every order and mixed with one another, reach the
# server of their session and are put together there: in all modes, both families, and with two
# workers, of which each may get any piece.
#
#   somebody 100.64.25.0/24, fd64::/64 --.          .-- mx1 10.25.0.11, fd25::11
#     (on the host clients)               [ switch ]
#   lb 10.25.0.2, fd25::2 ---------------'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=96

# Its addresses are no host's, so that no kernel resets its connections.
somebody_of()
{
	case $1 in
	4) printf '100.64.25.0/24' ;;
	6) printf 'fd64::/64' ;;
	esac
}

# fragmented FAMILY
fragmented()
{
	on clients "$PYTHON" "$PROJECT/tests/lib/fragments.py" eth0 "$(mac_of lb)" \
		"$(service_address "$1")" "$(somebody_of "$1")" --sessions "$SESSIONS"
}

counter_is_at_least()
{
	local count

	count=$(ctl --json stats get | jq ".total.$1")
	[ "$count" -ge "$2" ] && return 0
	printf '%s is %s, should be at least %s\n' "$1" "$count" "$2"
	return 1
}

every_worker_has_packets()
{
	[ "$(ctl --json stats get | jq '[.workers[].rx_packets] | min')" -gt 100 ]
}

# mode FORWARDING FAMILY FAMILIES_OF_SERVICE [JQ]
mode()
{
	local inner

	mode_begin "$1" "$2" "${4:-.}"
	for inner in $3; do
		check "$MODE: $SESSIONS segments in fragments, IPv$inner" fragmented "$inner"
	done
	check "$MODE: both servers had some" every_backend_has_sessions
	# Half of the orders begin with another fragment than the first one.
	check "$MODE: early ones had to wait" counter_is_at_least fragments_kept $((SESSIONS / 2))
	check "$MODE: nothing was dropped" drops_are_none
}

modes_begin fragments 2
balancer_becomes_router
mode l2dsr 4 '4 6'
mode_end
mode ipip 4 '4 6'
mode_end
mode gue 6 '4 6'
mode_end
mode l2dsr 6 '4 6' '.workers.cores = [0, 1] | .ports[0].device = "af_packet:eth0"'
check "$MODE: both workers had packets" every_worker_has_packets
check "$MODE: fragments went from one to the other" counter_is_at_least fragments_handed 10
mode_end
mode nat 4 4
mode_end
mode nat 6 6
mode_end
e2e_end
