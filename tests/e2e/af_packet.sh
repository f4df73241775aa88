#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The way of mail over af_packet, for kernels without AF_XDP. There the kernel sees each frame
# too: it must not answer a client's SYN with a reset, and it must still get what is its own.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#                              [ switch ]
#   lb 10.25.0.2 -------------'          '-- mx2 10.25.0.12
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

e2e_begin af-packet 2
jq '.ports[0].device = "af_packet:eth0"' "$(balancer_file)" >"$WORLD/packet"
mv "$WORLD/packet" "$(balancer_file)"
need 'mailraild starts' balancer_start
check 'there is no XDP program' not eval 'on lb ip link show dev eth0 | grep -q xdp'
need 'both servers are healthy' wait_until 20 backends_are up up

resets=$(kernel_resets)
clients send rate=80 >/dev/null
need '100 messages are delivered' wait_until 60 clients_have_delivered 100
check 'the others too' clients finish
wait_until 10 mail_is_delivered 2
check 'mailboxes and logs are as they must be' mail_report 2
check 'both servers had some' have_messages mx1 mx2
check 'the kernel reset none of them' equal "$(kernel_resets)" "$resets"
check "ping of the service's address" on clients ping -q -c 2 -i 0.2 -W 2 "$SERVICE4"
check 'another port is the kernel'\''s to refuse' connection_is refused port=26
check 'which counts as its reset' not equal "$(kernel_resets)" "$resets"

check 'it stops when told' balancer_stop
check 'no filter is left' equal "$(on lb tc filter show dev eth0 ingress)" ''
check 'no qdisc is left' not eval 'on lb tc qdisc show dev eth0 | grep -q clsact'

e2e_end
