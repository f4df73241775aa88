#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What is not for a service is the kernel's: ping, other TCP ports, UDP, ARP and NDP work on
# the service's address and on the interface's own while mailrail runs; and a service that is
# added or removed at run time takes its port from the kernel and gives it back.
#
#   clients 198.51.100.0/24 --.
#                              [ switch ]--- mx1 10.25.0.11
#   lb 10.25.0.2 -------------'              HTTP on 8080 says "mx1"
#   service 10.25.0.10
#   HTTP on 8080 says "lb", UDP echo on 9000
. "$(dirname "$0")/../lib/e2e.sh"

# web_is HOST ADDRESS: who answers there.
web_is()
{
	equal "$(on clients timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/8080" &&
		printf "GET /whose HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' - "$2")" "$1"
}

# echo_start ADDRESS: says back what it hears, from the address that it heard it on.
echo_start()
{
	start lb "echo-$1" "$PYTHON" -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 9000))
while True:
    s.sendto(*s.recvfrom(1500))' "$1"
	wait_until 10 listens lb udp 9000
}

udp_echoes()
{
	equal "$(on clients timeout 5 bash -c 'exec 3<>"/dev/udp/$1/9000" && echo hello >&3 &&
		head -n 1 <&3' - "$1")" hello
}

pings()
{
	on clients ping -q -c 3 -i 0.2 -W 2 "$1"
}

# Asks anew who has ADDRESS: the balancer's own interface must answer.
resolves()
{
	on clients ip neighbour flush dev eth0
	pings "$1" >/dev/null
	equal "$(on clients ip neighbour show "$1" | grep -o 'lladdr [^ ]*')" \
		"lladdr $(on lb cat /sys/class/net/eth0/address)"
}

everything_is_the_kernels()
{
	check "$1: ping of the service's address" pings "$SERVICE4"
	check "$1: ping of the interface's address" pings "$BALANCER4"
	check "$1: ping of the IPv6 addresses" pings "$SERVICE6"
	check "$1: ARP for the service's address" resolves "$SERVICE4"
	check "$1: NDP for the service's address" resolves "$SERVICE6"
	check "$1: another TCP port of the service's address" web_is lb "$SERVICE4"
	check "$1: another TCP port of the interface's address" web_is lb "$BALANCER4"
	check "$1: UDP to the service's address" udp_echoes "$SERVICE4"
	check "$1: UDP to the interface's address" udp_echoes "$BALANCER4"
	check "$1: SMTP to the interface's address is refused by the kernel" \
		connection_is refused target="$BALANCER4"
}

e2e_begin kernel 1
jq --arg six "$SERVICE6" '.services[0].addresses += [$six]' "$(balancer_file)" >"$WORLD/base"
cp "$WORLD/base" "$(balancer_file)"
need 'HTTP on the balancer' web_start lb
need 'HTTP on the server' web_start mx1
need "UDP echo on the interface's address" echo_start "$BALANCER4"
need "UDP echo on the service's address" echo_start "$SERVICE4"
need 'mailraild starts' balancer_start
need 'the server is healthy' wait_until 20 backend_is mx1 up

everything_is_the_kernels 'mail service only'
check 'mail passes' connection_is greeted

jq '.services += [.services[0] | .name = "web" | .ports = [8080] | .addresses = .addresses[:1]]' \
	"$WORLD/base" >"$WORLD/with-web"
check 'a service is added' ctl config apply "$WORLD/with-web"
check 'its port is balanced' web_is mx1 "$SERVICE4"
check "the interface's address is not" web_is lb "$BALANCER4"
check 'mail passes' connection_is greeted

check 'the service is removed' ctl config apply "$WORLD/base"
everything_is_the_kernels 'service removed'
check 'mail passes' connection_is greeted

e2e_end
