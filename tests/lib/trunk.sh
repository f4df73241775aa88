# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For tests of VLANs: hosts whose eth0 has tagged frames only. Their VLAN interfaces are tc
# programs, as not every kernel has its own (vlan.bpf.c). Read after e2e.sh and modes.sh.

# Two tags and a full packet are longer than a plain frame may be.
readonly TRUNK_MTU=1508

# trunk_add HOST: eth0 without addresses, for tagged frames.
trunk_add()
{
	on "$1" ip address flush dev eth0
	on "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	on "$1" ip link set eth0 mtu $TRUNK_MTU
	on switch ip link set "$1" mtu $TRUNK_MTU
	tags_stay_in_frames "$1" eth0
	tags_stay_in_frames switch "$1"
	on "$1" tc qdisc add dev eth0 clsact
}

# As on a wire, where an XDP program finds them.
tags_stay_in_frames()
{
	on "$1" ethtool -K "$2" tx-vlan-hw-insert off tx-vlan-stag-hw-insert off \
		rx-vlan-hw-parse off rx-vlan-stag-hw-parse off >/dev/null
}

# vlan_add HOST NAME OUTER INNER: INNER 0 for one tag.
vlan_add()
{
	local host=$1 name=$2 object=$WORLD/$1-$2.o

	on "$host" ip link add "$name" address "$(mac_of "$host")" type veth peer name "$name-end"
	on "$host" sysctl -qw "net.ipv6.conf.$name-end.disable_ipv6=1"
	on "$host" ethtool -K "$name" tx off tso off gso off >/dev/null
	on "$host" ip link set "$name-end" up
	on "$host" ip link set "$name" up
	clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" \
		-DTRUNK="$(ifindex_of "$host" eth0)" -DVLAN="$(ifindex_of "$host" "$name")" \
		-DOUTER="$3" -DINNER="$4" -c "$PROJECT/tests/lib/vlan.bpf.c" -o "$object" || return
	on "$host" tc qdisc add dev "$name" clsact
	on "$host" tc filter add dev eth0 ingress bpf direct-action object-file "$object" section in
	on "$host" tc filter add dev "$name" egress bpf direct-action object-file "$object" \
		section out
}

ifindex_of()
{
	on "$1" cat "/sys/class/net/$2/ifindex"
}

# vlan_address HOST NAME NETWORK4 NETWORK6 NUMBER
vlan_address()
{
	on "$1" ip address add "$3.$5/24" dev "$2"
	on "$1" ip address add "$4:$5/64" dev "$2" nodad
}
