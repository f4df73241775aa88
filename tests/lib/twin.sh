# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For tests of a port "wan" with a twin, through which the kernel has its ARP, NDP, ping and TCP,
# both ways. Both hosts have web_start's server. Read after e2e.sh.

# twin_configure [INTERFACE]: the balancer's addresses and routes, if not on the twin itself.
twin_configure()
{
	local interface=${1:-wan}

	on lb ip address add "$BALANCER4/24" dev "$interface" &&
		on lb ip address add "$BALANCER6/64" dev "$interface" nodad &&
		on lb ip address add "$SERVICE4/32" dev "$interface" &&
		on lb ip address add "$SERVICE6/128" dev "$interface" nodad &&
		on lb ip route add default via "$ROUTER4" &&
		on lb ip route add default via "$ROUTER6"
}

pings()
{
	on "$1" ping -q -c 3 -i 0.2 -W 2 "$2"
}

# resolves HOST ADDRESS: asks anew, and hears the port's MAC address.
resolves()
{
	on "$1" ip neighbour flush dev eth0
	pings "$1" "$2" >/dev/null
	equal "$(on "$1" ip neighbour show "$2" | grep -o 'lladdr [^ ]*')" \
		"lladdr $(on lb cat /sys/class/net/wan/address)"
}

# web_is FROM HOST ADDRESS: who answers there.
web_is()
{
	equal "$(on "$1" timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/8080" &&
		printf "GET /whose HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' - "$3")" "$2"
}

# Megabytes both ways over one connection with the kernel.
bulk_is_whole()
{
	equal "$(on clients timeout 20 "$PYTHON" -c 'import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], 8080)
c.request("GET", "/bulk")
print(len(c.getresponse().read()))' "$BALANCER4")" 4194304
}

everything_is_the_kernels()
{
	check "$1: ping of the service's address" pings clients "$SERVICE4"
	check "$1: ping of the twin's address" pings clients "$BALANCER4"
	check "$1: ping of the IPv6 address" pings clients "$SERVICE6"
	check "$1: ping from the balancer" pings lb "$ROUTER4"
	check "$1: IPv6 ping from the balancer" pings lb "$ROUTER6"
	check "$1: ARP" resolves clients "$SERVICE4"
	check "$1: NDP" resolves clients "$SERVICE6"
	check "$1: another TCP port of the service's address" web_is clients lb "$SERVICE4"
	check "$1: TCP to the twin's address" web_is clients lb "$BALANCER4"
	check "$1: TCP from the balancer" web_is lb clients "$ROUTER4"
}
