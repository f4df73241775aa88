#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# mailrail-pktgen: what it sends, what it sees of what it receives, and sessions through
# mailraild and back while a server is drained.
#
#   pktgen, as clients  --- in ---.
#                                   [ lb: mailraild, af_xdp ]
#   pktgen, as mx1, mx2 --- out --'
. "$(dirname "$0")/../lib/e2e.sh"

readonly PKTGEN=$BUILD/tools/pktgen/mailrail-pktgen
readonly IN_MAC=02:00:00:00:00:01

# pktgen_part NAME: see tests/lib/pktgen_NAME.py.
pktgen_part()
{
	"$PYTHON" -B "$PROJECT/tests/lib/pktgen_$1.py" "$PKTGEN"
}

# part_was_right NAME STATUS: of one that ran in the background.
part_was_right()
{
	[ "$2" -eq 0 ] || cat "$WORLD/$1.log"
	return "$2"
}

# Wires to a host that is clients and servers at once; the kernel need not ask who is there.
wires_add()
{
	local interface number

	host_create pktgen
	for interface in in out; do
		host_link lb $interface pktgen $interface
		on pktgen sysctl -qw net.ipv6.conf.$interface.disable_ipv6=1
		on pktgen ip link set $interface up
	done
	on lb ip link set in address $IN_MAC
	on lb ip address flush dev eth0
	on lb ip address add "$SERVICE4/32" dev in
	on lb ip address add "$SERVICE6/128" dev in nodad
	on lb ip address add $SEGMENT4.2/24 dev out
	for number in 11 12; do
		on lb ip neighbour add $SEGMENT4.$number lladdr 02:00:00:00:01:$number dev out \
			nud permanent
	done
}

wires_configure()
{
	balancer_configuration "$(backend_json mx1 $SEGMENT4.11)" "$(backend_json mx2 $SEGMENT4.12)" |
		jq --arg four "$SERVICE4" --arg six "$SERVICE6" '.pools[0].health = {type: "none"} |
			.services[0].addresses = [$four, $six] |
			.ports = [("in", "out") | {name: ., device: "af_xdp:\(.)"}]' \
			>"$(balancer_file)"
}

pktgen_start()
{
	local core room=framesz=2048,framecnt=4096

	core=$("$PYTHON" -c 'import os; print(min(os.sched_getaffinity(0)))')
	start pktgen pktgen "$PKTGEN" --no-huge -m 256 --no-shconf --no-pci --no-telemetry \
		--log-level=error --lcores="0@$core,1@$core" --vdev "net_af_packet0,iface=in,$room" \
		--vdev "net_af_packet1,iface=out,$room" -- --profile mx-internet --ipv6 30 \
		--to "$IN_MAC" --service "$SERVICE4" --service "$SERVICE6" \
		--sessions-per-second 300 --seconds 4 --json "$WORLD/pktgen/pktgen.json"
	wait_until 20 pktgen_is_in_the_middle
}

# It has shown its progress, and both servers have sessions.
pktgen_is_in_the_middle()
{
	is_running pktgen pktgen && grep -q '^ *1 ' "$WORLD/pktgen/pktgen.log" &&
		[ "$(ctl --json backend list | jq '[.backends[].sessions] | min')" -ge 10 ]
}

pktgen_has_finished()
{
	wait_while 20 is_running pktgen pktgen && [ -s "$WORLD/pktgen/pktgen.json" ]
}

# reported JQ: of pktgen's results.
reported()
{
	jq -c "$1" "$WORLD/pktgen/pktgen.json"
}

world_begin pktgen
balancer_host_add
wires_add
# Both at once: most of the one is waiting.
pktgen_part pcap >"$WORLD/pcap.log" 2>&1 &
pcap=$!
check 'what arrives is seen' pktgen_part ports
wait $pcap
check 'frames and times are right' part_was_right pcap $?

wires_configure
need 'mailraild starts' balancer_start
need 'sessions are in the middle' pktgen_start
check 'mx1 is drained' ctl backend drain $POOL/mx1
check 'pktgen finishes' pktgen_has_finished
check 'mailraild received all that was sent' \
	equal "$(reported .sent.packets)" "$(ctl --json stats get | jq .total.rx_packets)"
check 'pktgen received all that was forwarded' \
	equal "$(reported .received.packets)" "$(verdict forwarded)"
check 'no session is broken' equal "$(reported .received.broken_sessions)" 0
check 'there are sessions' equal "$(reported '.received.sessions > 100')" true
check 'both servers had some' equal \
	"$(reported '[.backends[] | select(.sessions > 10).backend] | sort')" \
	'["02:00:00:00:01:11","02:00:00:00:01:12"]'
e2e_end
