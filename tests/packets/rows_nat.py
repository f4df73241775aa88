# SPDX-License-Identifier: BSD-3-Clause
"""nat: to the backend's own address on the way in, from the service's on the way back."""

from scapy.layers.inet import IP, TCP, IPOption_NOP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt
from scapy.layers.l2 import Ether
from scapy.packet import Padding, Raw

from frames import (
    DATA_OPTIONS, LINE, SYN_OPTIONS, ether, link, natted, network, readdressed, tcp, v4, v6)
from row import left, row
from world import (
    CLIENT, CLIENT6, HUB1, HUB2, HUB_ADDRESSES, HUB_ADDRESSES6, HUBS, KERNEL, LAN, MACS,
    PROBE_PORT, PROBE_SOURCE, PROBE_SOURCE6, PROBER, VIP, VIP6, WAN, backends, nat_sources, ports)

FAMILIES = {4: (v4, CLIENT, VIP, HUB_ADDRESSES), 6: (v6, CLIENT6, VIP6, HUB_ADDRESSES6)}
KERNEL_LAN = f'kernel{LAN}'


def nat_world(outer, lan=None, **changes):
    return {'backends': backends('nat', outer), 'nat_sources': nat_sources(outer),
            'ports': ports(lan={'kernel_side': 'twin', **(lan or {})}), **changes}


def segments():
    data = tcp('PA', ack=2000, options=DATA_OPTIONS)
    yield 'SYN', tcp('S', options=SYN_OPTIONS)
    yield 'data', data / LINE
    yield 'FIN', tcp('FA', ack=2000)
    yield 'RST', tcp('R')
    yield 'odd length', data / Raw(b'odd')
    yield 'full-size', tcp('A') / Raw(bytes(range(250)) * 5)
    yield 'padding', tcp('A') / Padding(bytes(6))
    # Sums of either extreme: RFC 1624 is about these.
    for value in (0x0000, 0xfffe, 0xffff):
        yield f'acknowledging {value:#x}', tcp('A', ack=value << 16 | value)


def in_rows():
    for family, (ip, _, _, _) in FAMILIES.items():
        for name, segment in segments():
            frame = ether() / ip() / segment
            yield row(f'nat IPv{family}: {name}', frame, 'forwarded', LAN, natted(frame),
                      **nat_world(family))
        frame = ether() / ip() / tcp('S')
        yield row(f'nat IPv{family}: tags', link(MACS[WAN], MACS[WAN], 7) / ip() / tcp('S'),
                  'forwarded', LAN, natted(frame, front=link(HUBS[HUB1], MACS[LAN], 8, 9)),
                  **nat_world(family, ports=ports(wan={'tags': [7]}, lan={'tags': [8, 9]})))
        yield row(f'nat IPv{family}: backend of the other family', frame, 'drop_family',
                  **nat_world(10 - family))
    yield row('nat IPv4: options', ether() / v4(options=[IPOption_NOP()] * 12) / tcp('A'),
              'forwarded', LAN, natted(ether() / v4(options=[IPOption_NOP()] * 12) / tcp('A')),
              **nat_world(4))
    extended = ether() / v6() / IPv6ExtHdrDestOpt() / tcp('A')
    yield row('nat IPv6: extension headers', extended, 'forwarded', LAN, natted(extended),
              **nat_world(6))
    yield from damaged_rows()


def change(checksum, before, after):
    """RFC 1624, equation 3."""
    total = ~checksum & 0xffff
    for old, new in zip(*(memoryview(text).cast('H') for text in (before, after))):
        total += (~old & 0xffff) + new
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def damaged_rows():
    """A damaged segment stays damaged: its checksum is changed, not computed anew."""
    frame = ether() / v4() / tcp('PA', chksum=0xdead) / LINE
    expected = natted(frame)
    addresses = [bytes(IP(dst=address))[16:20] for address in (VIP, HUB_ADDRESSES[HUB1])]
    swapped = int.from_bytes(0xdead.to_bytes(2, 'big'), 'little')
    expected[TCP].chksum = int.from_bytes(change(swapped, *addresses).to_bytes(2, 'little'), 'big')
    yield row('nat IPv4: damaged segment', frame, 'forwarded', LAN, expected, **nat_world(4))


def out_rows():
    for family, (ip, client, vip, addresses) in FAMILIES.items():
        for hub in (HUB1, HUB2):
            for name, segment in segments():
                segment = segment.copy()
                segment.sport, segment.dport = 25, 40000
                frame = ether(LAN, HUBS[hub]) / ip(addresses[hub], client) / segment
                back = ether(LAN, HUBS[hub]) / ip(vip, client) / segment
                yield row(f'nat IPv{family}: hub {hub + 1} answers: {name}', frame, 'returned',
                          KERNEL_LAN, back, arrives=LAN, **nat_world(family))
    yield from out_place_rows()


def out_place_rows():
    for family, (ip, client, vip, addresses) in FAMILIES.items():
        segment = tcp('SA', sport=25, dport=40000, options=SYN_OPTIONS)
        frame = link(MACS[LAN], HUBS[HUB1], 8, 9) / ip(addresses[HUB1], client) / segment
        back = link(MACS[LAN], HUBS[HUB1], 8, 9) / ip(vip, client) / segment
        yield row(f'nat IPv{family}: answer with tags, to the twin', frame, 'returned', KERNEL_LAN,
                  back, arrives=LAN, **nat_world(family, lan={'tags': [8, 9]}))
        yield row(f"nat IPv{family}: answer with tags, to the kernel's interface", frame,
                  'returned', KERNEL_LAN, link(KERNEL, HUBS[HUB1]) / network(back), arrives=LAN,
                  **nat_world(family, lan={'tags': [8, 9], 'kind': 'af_xdp',
                                           'kernel_side': 'shared'}))
        plain = ether(LAN, HUBS[HUB1]) / ip(addresses[HUB1], client) / segment
        yield row(f'nat IPv{family}: answer where the kernel has a copy', plain, 'returned',
                  KERNEL_LAN, readdressed(ether() / ip(vip, client) / segment, KERNEL,
                                          HUBS[HUB1]),
                  arrives=LAN, **nat_world(family, lan={'kind': 'af_packet',
                                                        'kernel_side': 'shared'}))
        yield row(f'nat IPv{family}: answer where there is no kernel', plain, 'drop_not_service',
                  arrives=LAN, **nat_world(family, ports=ports()))
        longer = plain / Raw(bytes(9000))
        yield row(f'nat IPv{family}: answer longer than the kernel takes', longer, 'drop_too_big',
                  arrives=LAN, **nat_world(family))
        other = ether() / ip(addresses[HUB1], client) / tcp('SA', sport=26, dport=40000)
        yield from left(f'nat IPv{family}: from a port of the hub that is no service', other,
                        'drop_not_service', backends=backends('nat', family),
                        nat_sources=nat_sources(family))


def probe_rows():
    for family, (ip, _, vip, addresses) in FAMILIES.items():
        source = PROBE_SOURCE if family == 4 else PROBE_SOURCE6
        probe = Ether(dst=HUBS[HUB1], src=PROBER) / ip(source) / tcp('S', sport=PROBE_PORT)
        yield row(f'nat IPv{family}: probe', probe, 'probe_sent', LAN, natted(probe, HUB2),
                  arrives='probe', **nat_world(family))
        segment = tcp('SA', sport=25, dport=PROBE_PORT)
        reply = ether(LAN, HUBS[HUB2]) / ip(addresses[HUB2], source) / segment
        back = Ether(dst=PROBER, src=HUBS[HUB2]) / ip(vip, source) / segment
        yield row(f'nat IPv{family}: probe reply', reply, 'probe_reply', 'probe', back,
                  arrives=LAN, **nat_world(family))
        tagged = link(MACS[LAN], HUBS[HUB2], 8) / network(reply)
        yield row(f'nat IPv{family}: probe reply with a tag', tagged, 'probe_reply', 'probe', back,
                  arrives=LAN, **nat_world(family, lan={'tags': [8]}))


def rows():
    for some in (in_rows, out_rows, probe_rows):
        yield from some()
