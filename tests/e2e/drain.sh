#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Draining, as an operator meets it: a drained server keeps the sessions it has, which go on
# to carry mail, and gets no new ones. With all servers drained newcomers are refused at once,
# and a server that is disabled loses its sessions.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#                             [ switch ]
#   lb 10.25.0.2 ------------'          '-- mx2 10.25.0.12
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

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

e2e_end
