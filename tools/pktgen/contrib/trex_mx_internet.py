# SPDX-License-Identifier: BSD-3-Clause
"""mailrail-pktgen's mx-internet for TRex in stateless mode. Not tested: see README.md.

    start -f trex_mx_internet.py -m 300kpps --port 0 -t --vip 198.19.0.10 --clients 65534

Shares are those of the packets of an average session: 36.6 packets, 40.8 KB.
"""

import argparse

from trex_stl_lib.api import (CTRexVmInsFixHwCs, Ether, IP, STLPktBuilder, STLProfile,
                              STLScVmRaw, STLStream, STLTXCont, STLVmFixChecksumHw, STLVmFlowVar,
                              STLVmWrFlowVar, TCP)

# TCP flags, payload, packets of a thousand sessions.
PACKETS = [
    ('S', 0, 1100),
    ('A', 0, 3612),
    ('PA', 28, 4139),
    ('PA', 259, 580),
    ('PA', 1448, 26302),
    ('FA', 0, 900),
]
TOTAL = sum(count for _, _, count in PACKETS)
OPTIONS = [('NOP', None), ('NOP', None), ('Timestamp', (1, 1))]


def stream(flags, payload, count, vip, clients):
    """One sort of packet, each from the next client."""
    packet = Ether() / IP(src='198.18.0.1', dst=vip) / \
        TCP(sport=1024, dport=25, flags=flags, options=OPTIONS) / (b'x' * payload)
    variables = STLScVmRaw([
        STLVmFlowVar('client', min_value='198.18.0.1', max_value=f'198.18.{clients >> 8}.'
                     f'{clients & 0xff}', size=4, op='random'),
        STLVmWrFlowVar(fv_name='client', pkt_offset='IP.src'),
        STLVmFlowVar('port', min_value=1024, max_value=65535, size=2, op='random'),
        STLVmWrFlowVar(fv_name='port', pkt_offset='TCP.sport'),
        STLVmFixChecksumHw(l3_offset='IP', l4_offset='TCP',
                           l4_type=CTRexVmInsFixHwCs.L4_TYPE_TCP),
    ])
    return STLStream(packet=STLPktBuilder(pkt=packet, vm=variables),
                     mode=STLTXCont(pps=count * 1000 / TOTAL))


class MxInternet:
    """What TRex asks for its streams."""

    def get_streams(self, tunables=(), **_):
        """All streams, together a thousand packets a second: multiply with -m."""
        parser = argparse.ArgumentParser()
        parser.add_argument('--vip', default='198.19.0.10')
        parser.add_argument('--clients', type=int, default=65534)
        options = parser.parse_args(tunables)
        return STLProfile([stream(*packet, options.vip, options.clients)
                           for packet in PACKETS]).get_streams()


def register():
    """TRex's entry point."""
    return MxInternet()
