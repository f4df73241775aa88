#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# mailrail-decap on a server whose kernel knows no tunnels: real TCP, whose packets to the server
# come out of every kind of tunnel, in native and in generic mode; what is not tunnelled is not
# disturbed; and nothing is left when it ends, however it ends.
#
#   clients 10.25.0.1 ---.
#                         [ switch ]--- mx1 10.25.0.11, HTTP on 8080
#   lb 10.25.0.2 --------'              service 10.25.0.10 on its loopback
#   encapsulates what arrives
#   for the service
. "$(dirname "$0")/../lib/e2e.sh"

readonly DECAP=$BUILD/tools/mailrail-decap
readonly SERVER4=$SEGMENT4.11 SERVER6=$SEGMENT6:11
readonly MIB=1048576

# What a balancer does: frames for the service leave again, in a tunnel to the server. Its own
# kernel does not see them: it has not got the address.
tunnel_start()
{
	cat >"$WORLD/tunnel.py" <<-'END'
		import socket, struct, sys

		kind, service, source, target, source_mac, target_mac, interface = sys.argv[1:]
		mac = [bytes.fromhex(m.replace(":", "")) for m in (target_mac, source_mac)]


		def is_v6(address):
		    return ":" in address


		def packed(address):
		    return socket.inet_pton(
		        socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


		def checksum(header):
		    total = sum(struct.unpack("!10H", header))
		    total = (total & 0xFFFF) + (total >> 16)
		    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


		def outer_v4(protocol, size):
		    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, protocol, 0)
		    head += packed(source) + packed(target)
		    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


		def outer_v6(protocol, size):
		    return (struct.pack("!IHBB", 6 << 28, size, protocol, 64)
		            + packed(source) + packed(target))


		protocol = 41 if is_v6(service) else 4
		ethertype = 0x86DD if is_v6(service) else 0x0800
		where = slice(24, 40) if is_v6(service) else slice(16, 20)
		wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
		wire.bind((interface, ethertype))
		print("ready", flush=True)
		while True:
		    frame = wire.recv(65535)
		    inner = frame[14:]
		    if inner[where] != packed(service) or frame[:6] != mac[1]:
		        continue
		    if kind == "gue":
		        protocol = 17
		        udp = struct.pack("!HHHH", 49152, 6080, 8 + len(inner), 0)
		        inner = udp + inner
		    outer = (outer_v6 if is_v6(target) else outer_v4)(protocol, len(inner))
		    kind_of_outer = 0x86DD if is_v6(target) else 0x0800
		    wire.send(mac[0] + mac[1] + struct.pack("!H", kind_of_outer) + outer + inner)
	END
	rm -f "$WORLD/lb/tunnel.log"
	start lb tunnel "$PYTHON" "$WORLD/tunnel.py" "$@" \
		"$(mac_of lb)" "$(mac_of mx1)" eth0
	wait_until 10 grep -qs ready "$WORLD/lb/tunnel.log"
}

mac_of()
{
	on "$1" cat /sys/class/net/eth0/address
}

# sink_start: counts what each connection brings to port 25 and answers with its SHA-256.
sink_start()
{
	start mx1 sink "$PYTHON" -c 'import hashlib, socket
s = socket.create_server(("::", 25), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    connection, peer = s.accept()
    digest = hashlib.sha256()
    try:
        while data := connection.recv(65536):
            digest.update(data)
        connection.sendall((digest.hexdigest() + " " + peer[0]).encode())
    except OSError as error:
        print(error, flush=True)
    connection.close()'
	wait_until 10 listens mx1 tcp 25
}

# transfers ADDRESS: 1 MiB to the service arrives as it was sent, from the client's own address.
# Segments leave room for the tunnel, as a pool's `mss` would have it.
transfers()
{
	on clients timeout 30 "$PYTHON" -c 'import hashlib, os, socket, sys
address, size = sys.argv[1], int(sys.argv[2])
data = os.urandom(size)
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
s.settimeout(20)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1300)
s.connect((address, 25))
s.sendall(data)
s.shutdown(socket.SHUT_WR)
said = s.makefile().read().split()
own = s.getsockname()[0]
wanted = [hashlib.sha256(data).hexdigest(), own if ":" in address else "::ffff:" + own]
if said != wanted:
    sys.exit(f"the server says {said}, should say {wanted}")' "$1" "$MIB"
}

cannot_connect()
{
	! on clients timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/25"' - "$1"
}

pings()
{
	on clients ping -q -c 2 -i 0.2 -W 2 "$1"
}

web_answers()
{
	equal "$(on clients timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/8080" &&
		printf "GET /whose HTTP/1.0\r\n\r\n" >&3 && tail -n 1 <&3' - "$SERVER4")" mx1
}

# --- mailrail-decap

decap_start()
{
	rm -f "$WORLD/mx1/decap.log"
	start mx1 decap "$DECAP" eth0 "$@"
	wait_until 10 decap_is_ready_or_ended
	is_running mx1 decap
}

decap_is_ready_or_ended()
{
	grep -qs decapsulating "$WORLD/mx1/decap.log" || ! is_running mx1 decap
}

# stats_of VERDICT
stats_of()
{
	on mx1 "$DECAP" --stats eth0 --json | jq ".verdicts.$1.packets"
}

counts_at_least()
{
	local packets

	packets=$(stats_of "$1")
	[ "$packets" -ge "$2" ] && return 0
	printf '%s is %s, should be at least %s\n' "$1" "$packets" "$2"
	return 1
}

has_no_program()
{
	! on mx1 ip link show dev eth0 | grep xdp
}

# refused STATUS PATTERN ARGUMENT...: ends at once with one line that says PATTERN.
refused()
{
	local status=$1 pattern=$2 got=0

	shift 2
	on mx1 timeout 10 "$DECAP" "$@" >"$WORLD/said" 2>&1 </dev/null || got=$?
	equal "$got $(wc -l <"$WORLD/said")" "$status 1" && grep -qE -- "$pattern" "$WORLD/said" &&
		return 0
	cat "$WORLD/said"
	return 1
}

# --- the tunnels

# through KIND SERVICE SOURCE TARGET VERDICT: mail-sized data goes through, and is counted.
through()
{
	local verdict=$5

	need "$MODE, $verdict: the balancer encapsulates" tunnel_start "$1" "$2" "$3" "$4"
	check "$MODE, $verdict: 1 MiB arrives" transfers "$2"
	# 1300 bytes at most to a segment.
	check "$MODE, $verdict: it is counted" counts_at_least "$verdict" $((MIB / 1300))
	check "$MODE, $verdict: the balancer stops" stop lb tunnel
}

all_tunnels()
{
	local MODE=$1

	through ipip "$SERVICE4" "$BALANCER4" "$SERVER4" ipip_4in4
	through ipip "$SERVICE6" "$BALANCER4" "$SERVER4" ipip_6in4
	through ipip "$SERVICE4" "$BALANCER6" "$SERVER6" ipip_4in6
	through ipip "$SERVICE6" "$BALANCER6" "$SERVER6" ipip_6in6
	through gue "$SERVICE4" "$BALANCER4" "$SERVER4" gue_4in4
	through gue "$SERVICE6" "$BALANCER4" "$SERVER4" gue_6in4
	through gue "$SERVICE4" "$BALANCER6" "$SERVER6" gue_4in6
	through gue "$SERVICE6" "$BALANCER6" "$SERVER6" gue_6in6
	check "$MODE: ping of the server" pings "$SERVER4"
	check "$MODE: ping of the server, IPv6" pings "$SERVER6"
	check "$MODE: another TCP port" web_answers
	check "$MODE: people get a table" eval \
		'on mx1 "$DECAP" --stats eth0 | grep -qE "^DECAPSULATED +ipip_4in4 +[1-9]"'
}

world_begin decap
host_add lb "$BALANCER4" "$BALANCER6"
server_host_add mx1 11
# Whoever asks for the service hears of the balancer, which answers nothing itself.
for address in "$SERVICE4" "$SERVICE6"; do
	on clients ip neighbour replace "$address" lladdr "$(mac_of lb)" nud permanent dev eth0
done
need 'the server listens' sink_start
need 'HTTP on the server' web_start mx1

check 'no XDP program is there yet' has_no_program
need 'the balancer encapsulates' tunnel_start gue "$SERVICE4" "$BALANCER4" "$SERVER4"
check 'and nothing connects' cannot_connect "$SERVICE4"
check 'the balancer stops' stop lb tunnel

# --- what it refuses

check 'nobody allowed' refused 2 '--from' eth0
check 'a wrong prefix' refused 2 '10.25.0.2/33' eth0 --from 10.25.0.2/33
check 'bits beyond the prefix' refused 2 '10.25.0.2/24' eth0 --from 10.25.0.2/24
check 'a wrong port' refused 2 '65536' eth0 --from "$BALANCER4" --gue-port 65536
check 'an unknown option' refused 2 'colour' eth0 --from "$BALANCER4" --colour
check 'no such interface' refused 1 'nosuch0' nosuch0 --from "$BALANCER4"
on mx1 ip link add eth1 type veth peer name eth1-peer
on mx1 sysctl -qw net.ipv6.conf.eth1.disable_ipv6=1
check 'an interface without an address' refused 1 'eth1.*--to' eth1 --from "$BALANCER4"
check 'counters of nobody' refused 1 'does not run' --stats eth0
need 'a foreign XDP program is attached' foreign_xdp_attach mx1
check 'a foreign XDP program' refused 1 'eth0 is held.*"pass"' eth0 --from "$BALANCER4"
check 'its counters are not ours' refused 1 'does not run' --stats eth0
check 'it is still there' eval 'on mx1 ip link show dev eth0 | grep -q xdp'
on mx1 ip link set dev eth0 xdp off

# --- what it does

need 'it starts' decap_start --from "$BALANCER4" --from "$SEGMENT6:/64"
check 'in native mode, and says so' grep -q 'eth0: decapsulating in native mode' \
	"$WORLD/mx1/decap.log"
all_tunnels native
check 'a second one is refused' refused 1 'eth0 is held.*already' eth0 --from "$BALANCER4"

need 'somebody else encapsulates' tunnel_start gue "$SERVICE4" "$SEGMENT4.99" "$SERVER4"
check 'and nothing connects' cannot_connect "$SERVICE4"
check 'that is counted' counts_at_least foreign_source 1
check 'he stops' stop lb tunnel

on mx1 ip address add "$SEGMENT4.77/24" dev eth0 label eth0:77
need 'a tunnel to a new address' tunnel_start ipip "$SERVICE4" "$BALANCER4" "$SEGMENT4.77"
check 'is not decapsulated' cannot_connect "$SERVICE4"
check 'but counted' counts_at_least foreign_destination 1
kill -HUP "$(pid_of mx1 decap)"
check 'after SIGHUP it is' wait_until 10 transfers "$SERVICE4"
check 'the balancer stops' stop lb tunnel

check 'it stops when told' stop mx1 decap
check 'no XDP program is left' has_no_program
check 'it says nothing of a failure' not grep -v decapsulating "$WORLD/mx1/decap.log"

need 'it starts in generic mode' decap_start --generic --from any --to "$SERVER4" --to "$SERVER6"
check 'and says so' grep -q 'in generic mode' "$WORLD/mx1/decap.log"
all_tunnels generic
kill -9 "$(pid_of mx1 decap)"
check 'it is killed' wait_while 5 is_running mx1 decap
check 'no XDP program is left' wait_until 5 has_no_program

on mx1 ip address add 192.0.2.1/32 dev eth1
start mx1 decap "$DECAP" eth1 --from "$BALANCER4"
need 'it starts on another interface' wait_until 10 grep -q 'eth1: decap' "$WORLD/mx1/decap.log"
on mx1 ip link delete eth1
check 'it ends when the interface does' wait_while 10 is_running mx1 decap
check 'and says why' grep -q 'eth1.*gone' "$WORLD/mx1/decap.log"

e2e_end
