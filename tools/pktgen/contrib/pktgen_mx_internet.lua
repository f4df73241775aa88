-- SPDX-License-Identifier: BSD-3-Clause
-- mailrail-pktgen's mx-internet for Pktgen-DPDK. Not tested: see README.md.
--
--	Pktgen:/> script pktgen_mx_internet.lua
--
-- Pktgen-DPDK has one size at a time in range mode, so the sizes of mx-internet follow one
-- another, each for its share of the packets of an average session.

package.path = package.path .. ";?.lua;test/?.lua;app/?.lua;"
require "Pktgen"

local port = "0"
local vip = "198.19.0.10"
local balancer = "02:00:00:00:00:01"
local rate_percent = 100
local round_ms = 1000
local rounds = 60

-- Frame with check sequence, packets of a thousand sessions.
local sizes = {
	{ 70, 5612 },
	{ 98, 4139 },
	{ 329, 580 },
	{ 1518, 26302 },
}

local total = 0
for _, size in ipairs(sizes) do
	total = total + size[2]
end

pktgen.range.dst_mac(port, "start", balancer)
pktgen.range.src_ip(port, "start", "198.18.0.1")
pktgen.range.src_ip(port, "inc", "0.0.0.1")
pktgen.range.src_ip(port, "min", "198.18.0.1")
pktgen.range.src_ip(port, "max", "198.18.255.254")
pktgen.range.dst_ip(port, "start", vip)
pktgen.range.dst_ip(port, "inc", "0.0.0.0")
pktgen.range.src_port(port, "start", 1024)
pktgen.range.src_port(port, "inc", 1)
pktgen.range.src_port(port, "min", 1024)
pktgen.range.src_port(port, "max", 65535)
pktgen.range.dst_port(port, "start", 25)
pktgen.range.dst_port(port, "inc", 0)
pktgen.range.ip_proto(port, "tcp")
pktgen.set_range(port, "on")
pktgen.set(port, "rate", rate_percent)

for _ = 1, rounds do
	for _, size in ipairs(sizes) do
		pktgen.range.pkt_size(port, "start", size[1])
		pktgen.range.pkt_size(port, "inc", 0)
		pktgen.range.pkt_size(port, "min", size[1])
		pktgen.range.pkt_size(port, "max", size[1])
		pktgen.start(port)
		pktgen.delay(round_ms * size[2] // total + 1)
		pktgen.stop(port)
	end
end
