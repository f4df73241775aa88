#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# nat, for servers that cannot carry the service's address: hundreds of sessions with up to
# 1 MiB each arrive whole, under the client's own address; the answers come back through the
# balancer and leave it under the service's. The servers' own connections are not touched.
#
#   clients 198.51.100.0/24     --.          .-- mx1 10.25.0.11, fd25::11
#           2001:db8:25::/64       [ switch ]
#   lb 10.25.0.2, fd25::2       --'          '-- mx2 10.25.0.12, fd25::12
#   service 10.25.0.10, fd25::10                 default route to lb
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/modes.sh
. "$E2E/tests/lib/modes.sh"

readonly SESSIONS=200

has_no_service_address()
{
	! on "$1" ip address show | grep -wE "$SERVICE4|$SERVICE6"
}

# leads_to_balancer HOST FAMILY
leads_to_balancer()
{
	local balancer=$BALANCER4

	[ "$2" = 4 ] || balancer=$BALANCER6
	equal "$(on "$1" ip "-$2" -json route show default | jq -r '.[0].gateway')" "$balancer"
}

# sends_out HOST FAMILY: a connection of its own, whose answers are for itself.
sends_out()
{
	local router=$ROUTER4

	[ "$2" = 4 ] || router=$ROUTER6
	on "$1" timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/8025" && head -n 1 <&3' - "$router"
}

# mode FAMILY
mode()
{
	mode_begin nat "$1"
	check "$MODE: the servers lead to the balancer" leads_to_balancer mx1 "$1"
	check "$MODE: and have no service address" has_no_service_address mx1
	check "$MODE: $SESSIONS sessions" transfers "$1" --sessions $SESSIONS --help-bytes 20000
	check "$MODE: both servers had some" every_backend_has_sessions
	check "$MODE: answers are counted" verdict_is_at_least returned $((SESSIONS * 10))
	check "$MODE: nothing was dropped" drops_are_none
	check "$MODE: a server's own connection works" sends_out mx1 "$1"
	mode_end
}

modes_begin nat 2
balancer_becomes_router
start clients sink "$PYTHON" "$PROJECT/tests/lib/mail_sink.py" client.example.net 8025
need 'there is somebody to send to' wait_until 10 listens clients tcp 8025
mode 4
mode 6
e2e_end
