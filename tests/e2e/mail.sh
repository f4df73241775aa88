#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Real mail, spread over three servers: every message arrives once, the servers see the
# clients' own addresses and ports, and each gets the share that its weight asks for.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11  weight 100
#                              [ switch ]--- mx2 10.25.0.12  weight 200
#   lb 10.25.0.2 -------------'          '-- mx3 10.25.0.13  weight 100
#   service 10.25.0.10                   each with 10.25.0.10 on its loopback
. "$(dirname "$0")/../lib/e2e.sh"

e2e_begin mail 3
jq '.pools[0].backends[1].weight = 200' "$(balancer_file)" >"$WORLD/weighted"
mv "$WORLD/weighted" "$(balancer_file)"
need 'mailraild starts' balancer_start
need 'all three servers are healthy' wait_until 20 backends_are up up up
table_slots | sed 's/^/all /' >"$WORLD/phases"
check 'the second server has about half of the table' \
	jq -ne --argjson mine "$(backend_field mx2 slots)" '$mine / 65537 | . > 0.48 and . < 0.52'

clients phase name=all >/dev/null
clients send rate=80 >/dev/null
need '300 messages are delivered' wait_until 60 clients_have_delivered 300
check 'the others too' clients finish
wait_until 10 mail_is_delivered 3
check 'mailboxes, logs and shares are as they must be' mail_report 3

e2e_end
