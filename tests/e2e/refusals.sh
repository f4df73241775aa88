#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What mailraild cannot work with it refuses: one line that names the field or the device, exit
# status 1, and nothing left behind.
#
#   lb 10.25.0.2 --[ switch ]-- mx1 10.25.0.11
#   with a second interface, eth1, for a second mailraild
. "$(dirname "$0")/../lib/e2e.sh"

# What a refused start could leave on the host.
traces()
{
	on lb ip -o link show | sed 's/^[0-9]*: //'
	on lb tc filter show dev eth0 ingress
	on lb tc qdisc show
	find "$WORLD/lb" -name '*.sock'
	find /run/dpdk /dev/hugepages -type f 2>/dev/null
	ip netns pids "$(host_netns lb)"
}

# refused TEXT PATTERN: mailraild refuses the configuration in $WORLD/bad.
refused()
{
	local text=$1 pattern=$2 status=0

	traces >"$WORLD/before"
	on lb timeout 30 "$BUILD/control/mailraild" --config "$WORLD/bad" \
		>"$WORLD/said" 2>&1 </dev/null || status=$?
	check "$text: exit status 1" equal $status 1
	check "$text: one line" equal "$(wc -l <"$WORLD/said")" 1
	check "$text: it names $pattern" says "$pattern"
	check "$text: nothing is left" nothing_is_left
}

says()
{
	grep -qE "$1" "$WORLD/said" && return 0
	cat "$WORLD/said"
	return 1
}

nothing_is_left()
{
	traces | diff "$WORLD/before" -
}

# with JQ_PROGRAM: the good configuration, changed.
with()
{
	jq "$1" "$WORLD/good" >"$WORLD/bad"
}

# Another program at PATH, which listens there.
occupy_socket()
{
	start lb occupant "$PYTHON" -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(3600)' "$1"
	wait_until 10 test -S "$1"
}

world_begin refusals
balancer_host_add
on lb ip link add eth1 type veth peer name eth1-peer
on lb ip link set eth1 up
on lb ip link set eth1-peer up
server_add 1
balancer_configuration "${BACKENDS[@]}" | jq '.pools[0].health.type = "none"' >"$WORLD/good"

# --- the file

rm -f "$WORLD/bad"
refused 'no such file' "$WORLD/bad"
printf '{\n  "node": {"name": "lb",,}\n}\n' >"$WORLD/bad"
refused 'broken JSON' "$WORLD/bad.*(line )?2"
with '.pools[0].colour = "red"'
refused 'unknown field' '/pools/0/colour'
sed 's/"name": "lb",/"name": "lb", "name": "lb2",/' "$WORLD/good" >"$WORLD/bad"
refused 'a member that is there twice' '/node/name: is there twice'
with 'del(.node.key)'
refused 'missing field' '/node/key'
with '.node.key = "abc"'
refused 'malformed key' '/node/key'
with '.pools[0].backends[0].address = "10.25.0.256"'
refused 'malformed address' '/pools/0/backends/0/address'
with '.services[0].pool = "nowhere"'
refused 'unknown pool' '/services/0/pool.*nowhere'
with '.pools[0].backends[0].weight = 5000'
refused 'weight out of range' '/pools/0/backends/0/weight.*5000'
with '.pools[0].table_size = 65536'
refused 'table size not prime' '/pools/0/table_size.*65536'
with '.services += [.services[0] | .name = "twin"]'
refused 'endpoint used twice' '/services/1'
with '.pools[0].session_idle = 15'
refused 'duration without a unit' '/pools/0/session_idle'

# --- the machine

with '.workers.cores = [0, 1, 2, 3, 4, 5, 6, 7, 1000]'
refused 'a core that is not there' '/workers/cores'
with '.ports[0].device = "af_xdp:nosuch0"'
refused 'missing interface' 'nosuch0'
with '.ports[0].device = "af_packet:nosuch0"'
refused 'missing interface, af_packet' 'nosuch0'
with '.ports[0].device = "net_nosuch0"'
refused 'no such driver' 'net_nosuch0'
with '.control.socket = "/proc/nosuch/control.sock"'
refused 'no place for the socket' '/proc/nosuch/control.sock'

need 'a foreign XDP program is attached' foreign_xdp_attach lb
with .
refused 'foreign XDP program' 'eth0'
check 'the foreign program is still there' \
	eval 'on lb ip link show dev eth0 | grep -q "prog/xdp"'
on lb ip link set dev eth0 xdp off

need 'another program has the socket' occupy_socket "$WORLD/lb/control.sock"
with .
refused "another program's socket" "$WORLD/lb/control.sock"
check "the other program's socket is still there" test -S "$WORLD/lb/control.sock"
stop lb occupant
rm -f "$WORLD/lb/control.sock"

cp "$WORLD/good" "$(balancer_file)"
need 'one mailraild runs' balancer_start
with '.control.socket |= sub("control"; "second") | .sessions.state += "-second"'
refused 'port of another mailraild' 'eth0'
with '.control.socket |= sub("control"; "second")'
refused "another mailraild's sessions" '/sessions/state'
with '.ports[0].device = "af_xdp:eth1"'
refused "another mailraild's socket" "$WORLD/lb/control.sock"
check 'the first one still runs' balancer_answers
check 'the first one still steers' eval 'on lb ip link show dev eth0 | grep -q xdp'
check 'it stops when told' balancer_stop
need 'the same configuration is fine now' balancer_start
check 'it stops when told' balancer_stop

e2e_end
