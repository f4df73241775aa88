#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A server's network card is replaced: its link-layer address changes, and traffic follows,
# whether the server announces the new one or only answers when asked.
#
#   clients 198.51.100.0/24 --.
#     and held 203.0.113.0/24  [ switch ]--- mx1 10.25.0.11
#   lb 10.25.0.2 -------------'
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

sends_to()
{
	equal "$(backend_field mx1 next_hop)" "$1"
}

e2e_begin next-hop 1
need 'mailraild starts' balancer_start
need 'the server is healthy' wait_until 20 backend_is mx1 up
check "it sends to the server's address" sends_to "$(on mx1 cat /sys/class/net/eth0/address)"
check 'sessions are open' clients open count=5

on mx1 sysctl -qw net.ipv4.conf.eth0.arp_notify=1
check 'the address changes, and is announced' on mx1 ip link set eth0 address 02:00:00:00:00:a1
check 'it sends to the new one' wait_until 10 sends_to 02:00:00:00:00:a1
check 'open sessions go on' clients noop
check 'newcomers are served' connection_is greeted

on mx1 sysctl -qw net.ipv4.conf.eth0.arp_notify=0
check 'the address changes in silence' on mx1 ip link set eth0 address 02:00:00:00:00:a2
check 'it sends to the new one' wait_until 60 sends_to 02:00:00:00:00:a2
check 'newcomers are served' wait_until 20 connection_is greeted
check 'the server is healthy' wait_until 20 backend_is mx1 up

e2e_end
