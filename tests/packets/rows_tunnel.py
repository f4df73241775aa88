# SPDX-License-Identifier: BSD-3-Clause
"""Tunnels to backends: ipip and gue, every family in every family."""

import itertools

from scapy.layers.inet import IP, IPOption_NOP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from frames import (
    DATA_OPTIONS, LINE, SYN_OPTIONS, ether, network, tcp, tunnelled, tuple_hash, v4, v6)
from row import row
from world import (
    HUB1, HUB2, HUBS, LAN, LISTEN, MOVING, OUTER_SOURCE, OUTER_SOURCE6, PROBE_PORT,
    PROBE_SOURCE, PROBE_SOURCE6, PROBER, backends)

WAYS = list(itertools.product(('ipip', 'gue'), (4, 6)))


def tunnel_rows():
    data = tcp('PA', ack=2000, options=DATA_OPTIONS) / LINE
    packets = {
        'IPv4 SYN': v4() / tcp('S', options=SYN_OPTIONS),
        'IPv4 data': v4() / data,
        'IPv4 RST': v4() / tcp('R'),
        'IPv4 with DF': v4(flags='DF') / data,
        'IPv4 with options': v4(options=[IPOption_NOP()] * 40) / data,
        'IPv4 second port': v4() / tcp('S', dport=587),
        'IPv4 full-size': v4(flags='DF') / tcp('A') / Raw(bytes(1412)),
        'IPv4 odd length': v4() / tcp('A') / Raw(b'odd'),
        'IPv6 SYN': v6() / tcp('S', options=SYN_OPTIONS),
        'IPv6 data': v6() / data,
        'IPv6 flow label stays inside': v6(fl=0xabcde) / data,
        'IPv6 full-size': v6() / tcp('A') / Raw(bytes(1392)),
    }
    for tos in (0x01, 0x02, 0x03, 0xb8, 0xff):
        packets[f'IPv4 DSCP and ECN {tos:#x}'] = v4(tos=tos) / data
        packets[f'IPv6 traffic class {tos:#x}'] = v6(tc=tos) / data
    for (name, packet), (forwarding, outer) in itertools.product(packets.items(), WAYS):
        frame = ether() / packet
        yield row(f'{forwarding} in IPv{outer}: {name}', frame, 'forwarded', LAN,
                  tunnelled(frame, forwarding, outer), backends=backends(forwarding, outer))


def session_rows():
    """One session is always the same to the receiver's RSS; others differ."""
    for (forwarding, outer), sport in itertools.product(WAYS, range(40001, 40005)):
        for base in (v4(), v6()):
            frame = ether() / base / tcp('A', sport=sport)
            yield row(f'{forwarding} in IPv{outer}: {base.name} from port {sport}', frame,
                      'forwarded', LAN, tunnelled(frame, forwarding, outer),
                      backends=backends(forwarding, outer))
    frame = ether() / v4() / tcp('A')
    yield row('gue to another port', frame, 'forwarded', LAN,
              tunnelled(frame, 'gue', 4, gue_port=9999), backends=backends('gue', gue_port=9999))
    for forwarding, outer in WAYS:
        for flags, hub in (('S', HUB2), ('A', HUB1)):
            frame = ether(LISTEN) / v4() / tcp(flags)
            yield row(f'{forwarding} in IPv{outer}: moving slot, {flags}', frame, 'forwarded',
                      LAN, tunnelled(frame, forwarding, outer, hub=hub), arrives=LISTEN,
                      backends=backends(forwarding, outer), **MOVING)


def varied_source(address, bits, value):
    """The address with its low bits from the session's hash."""
    low = value & (1 << bits) - 1
    base = IP(src=address) if '.' in address else IPv6(src=address)
    packed = bytes(base)[12:16] if '.' in address else bytes(base)[8:24]
    number = int.from_bytes(packed, 'big') >> bits << bits | low & (1 << 8 * len(packed)) - 1
    packed = number.to_bytes(len(packed), 'big')
    return IP(src='.'.join(map(str, packed))).src if '.' in address else IPv6(
        b'\x60' + bytes(7) + packed + bytes(16)).src


def varied_rows():
    for outer, bits in ((4, 0), (4, 1), (4, 8), (4, 16), (6, 8), (6, 64), (6, 16)):
        source = OUTER_SOURCE if outer == 4 else OUTER_SOURCE6
        for forwarding, base in itertools.product(('ipip', 'gue'), (v4(), v6())):
            frame = ether() / base / tcp('A', sport=40007)
            inner = network(frame)
            value = tuple_hash(inner)
            expected = Ether(bytes(tunnelled(frame, forwarding, outer)))
            header = expected[IP] if outer == 4 else expected[IPv6]
            header.src = varied_source(source, bits, value)
            if outer == 4:
                del header.chksum
            yield row(f'{forwarding} in IPv{outer}: {bits} bits of the source vary, {base.name}',
                      frame, 'forwarded', LAN, expected,
                      backends=backends(forwarding, outer, source_bits=bits))


def probe_rows():
    for forwarding, outer in WAYS:
        for base in (v4(PROBE_SOURCE), v6(PROBE_SOURCE6)):
            probe = Ether(dst=HUBS[HUB1], src=PROBER) / base / tcp('S', sport=PROBE_PORT)
            yield row(f'{forwarding} in IPv{outer}: {base.name} probe', probe, 'probe_sent', LAN,
                      tunnelled(probe, forwarding, outer, hub=HUB2), arrives='probe',
                      backends=backends(forwarding, outer))


def rows():
    for some in (tunnel_rows, session_rows, varied_rows, probe_rows):
        yield from some()
