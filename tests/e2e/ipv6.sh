#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The same over IPv6: the service has both kinds of address, its clients here have IPv6 ones.
#
#   clients 2001:db8:25::/64 --.          .-- mx1 fd25::11
#                               [ switch ]
#   lb fd25::2 ----------------'          '-- mx2 fd25::12
#   service 10.25.0.10, fd25::10         each with both on its loopback
. "$(dirname "$0")/../lib/e2e.sh"

CLIENT_TARGET=$SERVICE6
e2e_begin ipv6 2
jq --arg six "$SERVICE6" '.services[0].addresses += [$six]' "$(balancer_file)" >"$WORLD/both"
mv "$WORLD/both" "$(balancer_file)"
need 'mailraild starts' balancer_start
need 'both servers are healthy' wait_until 20 backends_are up up

clients send rate=80 sources="$CLIENTS6" >/dev/null
need '100 messages are delivered' wait_until 60 clients_have_delivered 100
check 'the others too' clients finish
wait_until 10 mail_is_delivered 2
check 'mailboxes and logs are as they must be' mail_report 2
check 'both servers had some' have_messages mx1 mx2

e2e_end
