#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A port without a kernel interface of its own has a twin: through it the kernel does ARP, NDP,
# ping and TCP, both ways, and learns the next hops, while mail passes by it. The port here is
# DPDK's af_packet driver on eth0, whose own stack in the kernel gets nothing.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#   HTTP on 8080               [ switch ]
#                             '          '-- mx2 10.25.0.12
#   lb: eth0 -- port "wan" ---'
#       twin "wan" 10.25.0.2, fd25::2, service 10.25.0.10, fd25::10; HTTP on 8080
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/twin.sh
. "$E2E/tests/lib/twin.sh"

# Takes eth0 from the kernel: AF_PACKET sockets see a frame before the ingress hook does.
eth0_take()
{
	on lb ip address flush dev eth0
	on lb sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	cat >"$WORLD/drop.c" <<-'END'
		__attribute__((section("classifier"), used)) int drop(void *ctx)
		{
			return 2; /* TC_ACT_SHOT */
		}
		__attribute__((section("license"), used)) char terms[] = "GPL";
	END
	clang -O2 -target bpf -c "$WORLD/drop.c" -o "$WORLD/drop.o" &&
		on lb tc qdisc add dev eth0 clsact &&
		on lb tc filter add dev eth0 ingress bpf direct-action obj "$WORLD/drop.o" \
			sec classifier
}

# twin_has WHAT FILE: the twin's property is eth0's.
twin_has()
{
	equal "$(on lb cat "/sys/class/net/wan/$1")" "$(on lb cat "/sys/class/net/eth0/$1")"
}

e2e_begin twin 2
need "eth0 is taken from the kernel" eth0_take
# Two workers, where there are two cores, each with its own queues of the port and of the twin.
cores=$("$PYTHON" -c 'import os; print(sorted(os.sched_getaffinity(0))[:2])')
jq --argjson cores "$cores" '.workers.cores = $cores | .ports = [{name: "wan",
	device: "net_af_packet0,iface=eth0,qpairs=\($cores | length)"}]' "$(balancer_file)" \
	>"$WORLD/twin" && mv "$WORLD/twin" "$(balancer_file)"
need 'HTTP on the clients' web_start clients
need 'mailraild starts' balancer_start
check 'the twin has the MAC address of the port' twin_has address
check 'the twin has the MTU of the port' twin_has mtu
check 'the twin is up' eval 'on lb ip link show dev wan up | grep -q LOWER_UP'
need 'the twin gets its addresses and routes' twin_configure
need 'HTTP on the balancer' web_start lb
head -c 4194304 /dev/zero >"$WORLD/lb/web/bulk"
need 'both servers are healthy' wait_until 20 backends_are up up

everything_is_the_kernels 'without mail'
check 'mail passes' connection_is greeted

clients send rate=80 >/dev/null
need '50 messages are delivered' wait_until 60 clients_have_delivered 50
everything_is_the_kernels 'while mail passes'
check 'megabytes over a connection with the kernel' bulk_is_whole
check 'the others too' clients finish
wait_until 10 mail_is_delivered 2
check 'mailboxes and logs are as they must be' mail_report 2
check 'both servers had some' have_messages mx1 mx2
check 'frames went to the kernel' verdict_is_at_least passed_to_kernel 300
check 'frames came from the kernel' verdict_is_at_least from_kernel 300
check 'none was refused by a queue' equal "$(verdict drop_tx_full)" 0

check 'it stops when told' balancer_stop
check 'the twin is gone' not eval 'on lb ip link show dev wan'

e2e_end
