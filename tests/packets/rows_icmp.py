# SPDX-License-Identifier: BSD-3-Clause
"""ICMP errors about sessions: to the session's backend, in all modes; the rest is the kernel's."""

import itertools

from scapy.layers.inet import ICMP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6ND_NS, ICMPv6PacketTooBig, ICMPv6ParamProblem,
    ICMPv6TimeExceeded, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment)
from scapy.packet import Raw

from frames import (
    DATA_OPTIONS, FULL, LINE, ether, link, network, readdressed, tcp, tunnelled, v4, v6)
from row import Row, Step, left, moved, row, taken
from session import session_hash
from world import (
    CLIENT, CLIENT6, HUB1, HUB2, HUB_ADDRESSES, HUB_ADDRESSES6, HUBS, KEY, LAN, LISTEN,
    MACS, MOVING, NO_BACKEND, ROUTER, UNREACHED, VIP, VIP6, WAN, backends, nat_sources,
    ports)

HOP, HOP6 = '198.51.100.1', '2001:db8:f::1'  # a router on the way to the client
BEHIND, BEHIND6 = '10.1.0.254', '2001:db8:1::fe'  # one between mailrail and the backends

ERRORS4 = {
    'net unreachable': ICMP(type=3, code=0),
    'host unreachable': ICMP(type=3, code=1),
    'port unreachable': ICMP(type=3, code=3),
    'fragmentation needed': ICMP(type=3, code=4, nexthopmtu=1400),
    'administratively prohibited': ICMP(type=3, code=13),
    'time exceeded': ICMP(type=11, code=0),
    'parameter problem': ICMP(type=12, code=0, ptr=20),
}
ERRORS6 = {
    'no route': ICMPv6DestUnreach(code=0),
    'port unreachable': ICMPv6DestUnreach(code=4),
    'packet too big': ICMPv6PacketTooBig(mtu=1400),
    'hop limit exceeded': ICMPv6TimeExceeded(code=0),
    'unknown header': ICMPv6ParamProblem(code=1, ptr=40),
}
MODES = list(itertools.product(('ipip', 'gue'), (4, 6)))
DATA = tcp('PA', sport=25, dport=40000, ack=2000, options=DATA_OPTIONS) / LINE


def quoted(ip, source, destination, segment=DATA, tcp_bytes=None, **fields):
    """What a router has seen of a packet: its IP header and that much of what follows."""
    packet = ip(source, destination, **fields) / segment
    whole = bytes(packet)
    if tcp_bytes is None:
        return Raw(whole)
    return Raw(whole[:len(whole) - len(bytes(segment)) + tcp_bytes])


def about4(kind='host unreachable', source=HOP, vip=VIP, front=None, **quote):
    return (front or ether()) / v4(source, vip) / ERRORS4[kind] / quoted(v4, vip, CLIENT, **quote)


def about6(kind='packet too big', source=HOP6, vip=VIP6, front=None, **quote):
    return (front or ether()) / v6(source, vip) / ERRORS6[kind] / quoted(v6, vip, CLIENT6, **quote)


def hash4(port=40000):
    return session_hash(KEY, CLIENT, VIP, port, 25)


def hash6(port=40000):
    return session_hash(KEY, CLIENT6, VIP6, port, 25)


def kinds():
    """Errors of every kind and length, and their session's hash."""
    sizes = {'8 bytes': 8, '18 bytes': 18, '20 bytes': 20, 'all': None}
    for about, errors, value in ((about4, ERRORS4, hash4()), (about6, ERRORS6, hash6())):
        family = 4 if about is about4 else 6
        for kind, (size, tcp_bytes) in itertools.product(errors, sizes.items()):
            yield f'v{family} {kind}, {size}', about, {'kind': kind, 'tcp_bytes': tcp_bytes}, value
        yield (f'v{family} odd length', about, {'kind': next(iter(errors)), 'tcp_bytes': 17}, value)
        yield (f'v{family} the quoted segment is damaged', about,
               {'segment': tcp('A', sport=25, dport=40000, chksum=0x1234)}, value)
    full = DATA.copy()
    full[Raw].load = FULL.load
    yield 'a full-size quote', about4, {'segment': full, 'tcp_bytes': 500}, hash4()
    yield 'a full-size quote 6', about6, {'segment': full, 'tcp_bytes': 1100}, hash6()
    yield 'options in the quote', about4, {'options': [IPOption_NOP()] * 12}, hash4()
    yield 'first fragment in the quote', about4, {'flags': 'MF'}, hash4()


def mode_rows():
    for name, about, fields, value in kinds():
        frame = about(**fields)
        yield row(f'ICMP {name}: l2dsr', frame, 'forwarded_icmp', LAN,
                  readdressed(frame, HUBS[HUB1], MACS[LAN]))
        for forwarding, outer in MODES:
            yield row(f'ICMP {name}: {forwarding} in IPv{outer}', frame, 'forwarded_icmp', LAN,
                      tunnelled(frame, forwarding, outer, value),
                      backends=backends(forwarding, outer))
        if 'damaged' not in name:
            yield from nat_rows(name, about, fields)


def nat_rows(name, about, fields):
    """To the backend, that it has sent the packet; to the client, that it came from there."""
    family = 4 if about is about4 else 6
    addresses = HUB_ADDRESSES if family == 4 else HUB_ADDRESSES6
    place = {'backends': backends('nat', family), 'nat_sources': nat_sources(family),
             'ports': ports(lan={'kernel_side': 'twin'})}
    translated = about(vip=addresses[HUB1], front=link(HUBS[HUB1], MACS[LAN]), **fields)
    yield row(f'ICMP {name}: nat', about(**fields), 'forwarded_icmp', LAN, translated, **place)
    fields = {'segment': tcp('PA', ack=2000) / LINE, **fields}
    if 'sport' in repr(fields['segment']):
        fields['segment'] = fields['segment'].copy()
        fields['segment'].sport, fields['segment'].dport = 40000, 25
    for source, shown in (((HUB_ADDRESSES, HUB_ADDRESSES6)[family == 6][HUB1], None),
                          ((BEHIND, BEHIND6)[family == 6],) * 2):
        yield row(f'ICMP {name}: nat, back from {source}',
                  back(family, source, addresses[HUB1], fields), 'returned', f'kernel{LAN}',
                  back(family, shown or (VIP, VIP6)[family == 6], (VIP, VIP6)[family == 6],
                       fields),
                  arrives=LAN, **place)


def back(family, source, server, fields):
    """An error about a client's packet to the server."""
    fields = dict(fields)
    ip, client, errors = ((v4, CLIENT, ERRORS4) if family == 4 else (v6, CLIENT6, ERRORS6))
    error = errors[fields.pop('kind', next(iter(errors)))]
    return ether(LAN, HUBS[HUB1]) / ip(source, client) / error / quoted(ip, client, server,
                                                                        **fields)


def place_rows():
    for about, value in ((about4, hash4()), (about6, hash6())):
        packet = network(about())
        name = packet.name
        frame = link(MACS[WAN], ROUTER, 7, 8) / packet
        place = {'ports': ports(wan={'tags': [7, 8]}, lan={'tags': [9]})}
        yield row(f'ICMP with tags, {name}', frame, 'forwarded_icmp', LAN,
                  link(HUBS[HUB1], MACS[LAN], 9) / packet, **place)
        yield row(f'ICMP with tags, {name}, tunnel', frame, 'forwarded_icmp', LAN,
                  tunnelled(frame, 'gue', 6, value, front=link(HUBS[HUB1], MACS[LAN], 9)),
                  backends=backends('gue', 6), **place)
        for segments in ([20, 20, 20, 20, 20], [34, 8, 20, 8], [62]):
            yield row(f'ICMP in buffers {segments}, {name}', about(), 'forwarded_icmp', LAN,
                      readdressed(about(), HUBS[HUB1], MACS[LAN]), how={'segments': segments})
        listened = moved(about(), LISTEN)
        yield row(f'ICMP beside the kernel, {name}', listened, 'forwarded_icmp', LAN,
                  readdressed(listened, HUBS[HUB1], MACS[LAN]), arrives=LISTEN)
        yield row(f'ICMP for an empty pool, {name}', about(), 'drop_no_backend', **NO_BACKEND)
        yield row(f'ICMP, no next hop, {name}', about(), 'drop_no_next_hop',
                  pools=[[[UNREACHED, UNREACHED, False]]])
        yield row(f'ICMP, backend of the other family, {name}', about(), 'drop_family',
                  backends=backends('nat', 6 if about is about4 else 4))
    # With the extension headers that IPv6 may have before the message, and in the quote.
    extended = (ether() / v6(HOP6, VIP6) / IPv6ExtHdrDestOpt() / ERRORS6['packet too big']
                / quoted(v6, VIP6, CLIENT6))
    yield row('ICMP behind IPv6 options', extended, 'forwarded_icmp', LAN,
              readdressed(extended, HUBS[HUB1], MACS[LAN]))
    quote = Raw(bytes(v6(VIP6, CLIENT6) / IPv6ExtHdrDestOpt() / DATA))
    inside = ether() / v6(HOP6, VIP6) / ERRORS6['packet too big'] / quote
    yield row('ICMP with IPv6 options in the quote', inside, 'forwarded_icmp', LAN,
              readdressed(inside, HUBS[HUB1], MACS[LAN]))


def session_rows():
    """Pins count for errors too, but an error makes none."""
    opening = ether() / v4() / tcp('S')
    error = about4()

    def to(hub, frame):
        return (LAN, readdressed(frame, HUBS[hub], MACS[LAN]))

    yield Row('ICMP about a pinned session', [
        Step(opening, 'forwarded', [to(HUB2, opening)]),
        Step(error, 'forwarded_icmp', [to(HUB2, error)]),
    ], {'pins_created': 1, 'pins_adopted': 0}, **MOVING)
    yield Row('ICMP about a session from before the change', [
        Step(error, 'forwarded_icmp', [to(HUB1, error)]),
    ], {'pins_created': 0, 'pins_adopted': 0}, **MOVING)


def excluded_rows():
    for about, client in ((about4, '10.0.0.3'), (about6, '2001:db8::3')):
        ip, vip, hop = (v4, VIP, HOP) if about is about4 else (v6, VIP6, HOP6)
        error = ERRORS4['host unreachable'] if ip is v4 else ERRORS6['packet too big']
        frame = ether() / ip(hop, vip) / error / quoted(ip, vip, client)
        name = f'ICMP about an excluded client, {network(frame).name}'
        # Steering has taken it, as it does not know who is excluded: the kernel has no copy.
        yield from taken(name, frame, 'drop_excluded')


def foreign_rows():
    """Whatever is no error about a session."""
    data = DATA
    unreachable, too_big = ERRORS4['host unreachable'], ERRORS6['packet too big']
    others = tcp('A', sport=26, dport=40000)
    frames = {
        'echo reply': ether() / v4() / ICMP(type=0),
        'source quench': ether() / v4(HOP) / ICMP(type=4) / quoted(v4, VIP, CLIENT),
        'redirect': ether() / v4(HOP) / ICMP(type=5, code=1) / quoted(v4, VIP, CLIENT),
        'timestamp': ether() / v4() / ICMP(type=13),
        'about a port that is no service': about4(segment=others),
        'about UDP': ether() / v4(HOP) / unreachable
        / quoted(v4, VIP, CLIENT, UDP(sport=25, dport=40000)),
        'about ICMP': ether() / v4(HOP) / unreachable / quoted(v4, VIP, CLIENT, ICMP()),
        'quoting 7 bytes of TCP': about4(tcp_bytes=7),
        'quoting no TCP': about4(tcp_bytes=0),
        'quoting half an IP header': ether() / v4(HOP) / unreachable
        / Raw(bytes(v4(VIP, CLIENT))[:19]),
        'quoting nothing': ether() / v4(HOP) / unreachable,
        'quoting a later fragment': about4(frag=20),
        'quoting IPv4 version 5': about4(version=5),
        'quoting an IHL of 4': about4(ihl=4),
        'that quotes another sender': ether() / v4(HOP) / unreachable
        / quoted(v4, '10.0.0.12', CLIENT),
        'to another address about a session': ether() / v4(HOP, '10.0.0.12') / unreachable
        / quoted(v4, VIP, CLIENT),
        'in fragments': ether() / v4(HOP, flags='MF') / unreachable
        / quoted(v4, VIP, CLIENT, data / Raw(bytes(5))),
        'IPv6 echo reply': ether() / v6() / ICMPv6EchoReply(),
        'IPv6 neighbour solicitation': ether() / v6() / ICMPv6ND_NS(),
        'IPv6 about a port that is no service': about6(segment=others),
        'IPv6 quoting 7 bytes of TCP': about6(tcp_bytes=7),
        'IPv6 quoting half an IP header': ether() / v6(HOP6) / too_big
        / Raw(bytes(v6(VIP6, CLIENT6))[:39]),
        'IPv6 quoting nothing': ether() / v6(HOP6) / too_big,
        'IPv6 quoting IPv4': ether() / v6(HOP6) / too_big / quoted(v4, VIP, CLIENT),
        'IPv6 quoting a later fragment': ether() / v6(HOP6) / too_big
        / Raw(bytes(v6(VIP6, CLIENT6) / IPv6ExtHdrFragment(nh=6, offset=20) / Raw(bytes(40)))),
        'IPv6 quoting nine headers': ether() / v6(HOP6) / too_big / Raw(bytes(nine_headers())),
        'IPv6 that quotes another sender': ether() / v6(HOP6) / too_big
        / quoted(v6, '2001:db8::12', CLIENT6),
    }
    for name, frame in frames.items():
        yield from left(f'ICMP {name}', frame, 'drop_not_service')
    short = ether() / v4(HOP, proto=1) / Raw(b'\x03\x01' + bytes(4))
    yield from left('ICMP shorter than its header', short, 'drop_not_service')
    yield row('ICMP of no bytes', ether() / v4(HOP, proto=1), 'drop_not_service')


def nine_headers():
    packet = v6(VIP6, CLIENT6)
    for _ in range(9):
        packet = packet / IPv6ExtHdrDestOpt()
    return packet / DATA


def rows():
    for some in (mode_rows, place_rows, session_rows, excluded_rows, foreign_rows):
        yield from some()
