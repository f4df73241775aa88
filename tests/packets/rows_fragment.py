# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams in pieces: all of them to the same backend, in whatever order they come."""

import itertools

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.packet import Raw

from frames import (
    DATA_OPTIONS, ether, link, link_layers, natted, network, readdressed, tcp, tunnelled,
    tuple_hash, v4, v6)
from row import Row, Step, Wait, left, moved, row
from rows_session import reset
from world import (
    CLIENT, CLIENT6, HUB1, HUB2, HUB_ADDRESSES, HUB_ADDRESSES6, HUBS, LAN, LISTEN, MACS, MOVING,
    NO_BACKEND, TWIN, VIP, VIP6, WAN, backends, nat_sources, ports)

MODES = [('l2dsr', 4), ('ipip', 4), ('ipip', 6), ('gue', 4), ('gue', 6)]
IDENTIFICATION = 0x4d52
KEPT_OF_EACH = 64
TIMEOUT_S = 5


def datagram(base, front=None, text=bytes(range(240)) * 2, flags='PA', **fields):
    fields = {'ack': 2000, 'options': DATA_OPTIONS, **fields}
    return (front or ether()) / base / tcp(flags, **fields) / Raw(text)


def piece_header(packet, start, more, identification):
    """RFC 791, section 3.2, and RFC 8200, section 4.5."""
    if isinstance(packet, IP):
        return IP(src=packet.src, dst=packet.dst, ttl=packet.ttl, tos=packet.tos, proto=6,
                  id=identification, flags='MF' if more else 0, frag=start // 8)
    return (IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim, tc=packet.tc)
            / IPv6ExtHdrFragment(nh=6, offset=start // 8, m=int(more), id=identification))


def pieces(frame, starts=(0, 160, 320), identification=IDENTIFICATION):
    """The datagram in fragments that begin at these bytes of its TCP segment."""
    packet = network(frame)
    front = link_layers(frame)
    segment = bytes(packet)[20 if isinstance(packet, IP) else 40:]
    ends = [*starts[1:], len(segment)]
    return [front / piece_header(packet, start, end < len(segment), identification)
            / Raw(segment[start:end]) for start, end in zip(starts, ends)]


def steps_in_order(order, inputs, outputs, verdict='forwarded', leaves=LAN, arrives=WAN):
    """The first piece sets free those that came before it."""
    waiting, known = [], False
    for index in order:
        out = []
        if index == 0:
            out, waiting, known = [index, *waiting], [], True
        elif known:
            out = [index]
        else:
            waiting.append(index)
        yield Step(inputs[index], {verdict: len(out)} if out else {},
                   [(leaves, outputs[number]) for number in out], arrives)


def order_rows():
    orders = list(itertools.permutations(range(3)))
    for (forwarding, outer), base in itertools.product(MODES, (v4(), v6(), v4(tos=0xb9))):
        whole = datagram(base)
        inputs = pieces(whole)
        if forwarding == 'l2dsr':
            outputs = [readdressed(piece, HUBS[HUB1], MACS[LAN]) for piece in inputs]
        else:
            value = tuple_hash(network(whole))
            outputs = [tunnelled(piece, forwarding, outer, value) for piece in inputs]
        for order in orders:
            early = 2 if order[2] == 0 else 1 if order[1] == 0 else 0
            yield Row(f'fragments, {forwarding} in IPv{outer}: {base.name} tos '
                      f"{getattr(base, 'tos', 0)} order {order}",
                      list(steps_in_order(order, inputs, outputs)),
                      {'fragments_kept': early, 'fragments_released': early},
                      backends=backends(forwarding, outer))


def nat_rows():
    families = {4: (v4, CLIENT, VIP, HUB_ADDRESSES), 6: (v6, CLIENT6, VIP6, HUB_ADDRESSES6)}
    for family, (ip, client, vip, addresses) in families.items():
        place = {'backends': backends('nat', family), 'nat_sources': nat_sources(family),
                 'ports': ports(lan={'kernel_side': 'twin'})}
        whole = datagram(ip())
        for order in itertools.permutations(range(3)):
            yield Row(f'fragments, nat: IPv{family} order {order}',
                      list(steps_in_order(order, pieces(whole), pieces(natted(whole)))), **place)
        answer = datagram(ip(addresses[HUB2], client), ether(LAN, HUBS[HUB2]), sport=25,
                          dport=40000)
        back = datagram(ip(vip, client), ether(LAN, HUBS[HUB2]), sport=25, dport=40000)
        for order in itertools.permutations(range(3)):
            yield Row(f'fragments, nat: answer, IPv{family} order {order}',
                      list(steps_in_order(order, pieces(answer), pieces(back), 'returned',
                                          f'kernel{LAN}', LAN)), **place)


def tag_rows():
    whole = datagram(v4(), link(MACS[WAN], MACS[LAN], 7, 8))
    inputs = pieces(whole)
    outputs = [link(HUBS[HUB1], MACS[LAN], 9) / network(piece) for piece in inputs]
    for order in itertools.permutations(range(3)):
        yield Row(f'fragments with tags, order {order}',
                  list(steps_in_order(order, inputs, outputs)),
                  ports=ports(wan={'tags': [7, 8]}, lan={'tags': [9]}))


def mixed_rows():
    """Datagrams between each other, sessions apart, and one id twice."""
    here, there = datagram(v4(), sport=40001), datagram(v4(), sport=40002)
    first, second = pieces(here, identification=1), pieces(there, identification=2)
    value, other = tuple_hash(network(here)), tuple_hash(network(there))

    def out(piece, session):
        return (LAN, tunnelled(piece, 'gue', 4, session))

    yield Row('fragments of two datagrams, mixed', [
        Step(first[2], {}), Step(second[1], {}), Step(second[2], {}), Step(first[1], {}),
        Step(first[0], {'forwarded': 3}, [out(first[number], value) for number in (0, 2, 1)]),
        Step(second[0], {'forwarded': 3}, [out(second[number], other) for number in (0, 1, 2)]),
    ], backends=backends('gue'))
    again = pieces(there, identification=1)
    yield Row('fragments: an id comes again', [
        Step(first[0], 'forwarded', [out(first[0], value)]),
        Step(first[1], 'forwarded', [out(first[1], value)]),
        Step(again[0], 'forwarded', [out(again[0], other)]),
        Step(again[1], 'forwarded', [out(again[1], other)]),
    ], backends=backends('gue'))
    overlap = pieces(here, (0, 160), identification=1)[1]
    yield Row('fragments that overlap', [
        Step(piece, 'forwarded', [out(piece, value)])
        for piece in (first[0], first[1], overlap, first[1], first[2])], backends=backends('gue'))


def moving_rows():
    """A datagram's pieces follow its session's pin."""
    opening = ether() / v4() / tcp('S')
    whole = pieces(datagram(v4()))

    def to(hub, piece):
        return (LAN, readdressed(piece, HUBS[hub], MACS[LAN]))

    yield Row('fragments of a pinned session', [
        Step(opening, 'forwarded', [to(HUB2, opening)]),
        Step(whole[2], {}),
        Step(whole[0], {'forwarded': 2}, [to(HUB2, whole[0]), to(HUB2, whole[2])]),
        Step(whole[1], 'forwarded', [to(HUB2, whole[1])]),
    ], **MOVING)
    yield Row('fragments of a session from before the change', [
        Step(whole[1], {}),
        Step(whole[0], {'forwarded': 2}, [to(HUB1, whole[0]), to(HUB1, whole[1])]),
    ], **MOVING)


def time_rows():
    whole = pieces(datagram(v4()))
    yield Row('fragments whose first one does not come', [
        Step(whole[1], {}), Step(whole[2], {}),
        Wait(TIMEOUT_S),
        Wait(1, drop_fragment_late=2),
        Step(whole[0], 'forwarded', [(LAN, readdressed(whole[0], HUBS[HUB1], MACS[LAN]))]),
    ])
    yield Row('fragments whose first one is long gone', [
        Step(whole[0], 'forwarded', [(LAN, readdressed(whole[0], HUBS[HUB1], MACS[LAN]))]),
        Wait(TIMEOUT_S + 1),
        Step(whole[1], {}),
        Wait(TIMEOUT_S + 1, drop_fragment_late=1),
    ])
    yield Row('more fragments than are kept of one datagram', [
        Step(whole[1], {'drop_fragment_full': 6}, repeat=KEPT_OF_EACH + 6),
        Step(whole[0], {'forwarded': KEPT_OF_EACH + 1},
             [(LAN, readdressed(whole[index], HUBS[HUB1], MACS[LAN]))
              for index in [0] + [1] * KEPT_OF_EACH]),
        Step(whole[1], 'forwarded', [(LAN, readdressed(whole[1], HUBS[HUB1], MACS[LAN]))]),
    ])


def refused_rows():
    for base in (v4('10.0.0.3'), v6('2001:db8::3')):
        whole = pieces(datagram(base))
        yield Row(f'fragments from an excluded client, {base.name}', [
            Step(whole[1], {}),
            Step(whole[0], {'reset_excluded': 1, 'drop_excluded': 1},
                 [(WAN, reset(datagram(base), 'R', 2000, 0))]),
            Step(whole[2], 'drop_excluded'),
        ])
    for base in (v4(), v6()):
        whole = pieces(datagram(base))
        yield Row(f'fragments for an empty pool, {base.name}', [
            Step(whole[1], {}),
            Step(whole[0], {'reset_no_backend': 1, 'drop_no_backend': 1},
                 [(WAN, reset(datagram(base), 'R', 2000, 0))]),
            Step(whole[2], 'drop_no_backend'),
        ], **NO_BACKEND)


def foreign_rows():
    """No service's: those of other addresses at once, those of other ports with the first."""
    for base in (v4(CLIENT, '10.0.0.12'), v6(CLIENT6, '2001:db8::12')):
        for index, piece in enumerate(pieces(datagram(base))):
            yield from left(f'{base.name} fragment {index} to another address', piece,
                            'drop_not_service')
    for base in (v4(), v6()):
        whole = pieces(datagram(base, dport=22))
        name = f'{base.name} fragments to another port'
        yield Row(name, [Step(whole[1], {}), Step(whole[0], {'drop_not_service': 2}),
                         Step(whole[2], 'drop_not_service')])
        listened = [moved(piece, LISTEN) for piece in whole]
        yield Row(name + ', hidden from the kernel', [
            Step(listened[1], {}, arrives=LISTEN),
            Step(listened[0], {'drop_not_service': 2}, arrives=LISTEN)])
        twin = [moved(piece, TWIN) for piece in whole]
        yield Row(name + ', to the twin', list(steps_in_order(
            (1, 0, 2), twin, twin, 'passed_to_kernel', f'kernel{TWIN}', TWIN)))
        for kind in ('af_packet', 'af_xdp'):
            kernel = [readdressed(piece, '02:00:00:00:00:cc') for piece in whole]
            yield Row(f"{name}, to the kernel's interface by {kind}", list(steps_in_order(
                (1, 0, 2), whole, kernel, 'passed_to_kernel', f'kernel{WAN}')),
                ports=ports(wan={'kind': kind, 'kernel_side': 'shared'}))
    for name, frame in (('UDP', ether() / v4(flags='MF') / UDP(dport=25) / Raw(bytes(40))),
                        ('ICMP', ether() / v4(flags='MF') / ICMP(type=3) / Raw(bytes(40))),
                        ('IPv6 UDP', ether() / v6() / IPv6ExtHdrFragment(nh=17, m=1)
                         / UDP(dport=25) / Raw(bytes(40)))):
        yield from left(f'{name} fragment', frame, 'drop_not_service')


def tiny_rows():
    for base in (v4(), v6()):
        whole = datagram(base)
        for size in (8, 16, 24):
            # 32 bytes of header with its options: what is short of them can be forged later.
            yield row(f'{base.name} first fragment of {size} bytes', pieces(whole, (0, size))[0],
                      'drop_fragment_tiny')
        plain = datagram(base, options=[])
        first = pieces(plain, (0, 24))[0]
        yield row(f'{base.name} first fragment with the whole TCP header', first, 'forwarded', LAN,
                  readdressed(first, HUBS[HUB1], MACS[LAN]))
    yield row('IPv4 fragment at offset 8', pieces(datagram(v4()), (0, 8, 160))[1],
              'drop_fragment_tiny')
    for name, headers in (('options', IPv6ExtHdrDestOpt(nh=6)),
                          ('part of its options', Raw(b'\x06\x02' + bytes(6)))):
        first = ether() / v6() / IPv6ExtHdrFragment(nh=60, m=1, id=9) / headers
        yield row(f'IPv6 first fragment with {name} and no TCP', first, 'drop_fragment_tiny')


def shape_rows():
    yield row('IPv4 fragment of 13 bytes that is not the last',
              ether() / v4(flags='MF', frag=20, proto=6) / Raw(bytes(13)), 'drop_bad_ip')
    yield row('IPv4 fragment beyond the longest datagram',
              ether() / v4(frag=8189, proto=6) / Raw(bytes(40)), 'drop_bad_ip')
    yield row('IPv6 fragment of 13 bytes that is not the last',
              ether() / v6() / IPv6ExtHdrFragment(nh=6, offset=20, m=1) / Raw(bytes(13)),
              'drop_bad_ip')
    yield row('IPv6 fragment of a fragment',
              ether() / v6() / IPv6ExtHdrFragment(m=1, nh=44) / IPv6ExtHdrFragment(m=1, nh=6)
              / tcp('A') / Raw(bytes(4)), 'drop_bad_ip')
    # The headers before the fragment header come with every piece.
    segment = bytes(network(datagram(v6())))[40:]
    front = ether() / v6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
    whole = [front / IPv6ExtHdrFragment(nh=6, m=1, id=5) / Raw(segment[:160]),
             front / IPv6ExtHdrFragment(nh=6, offset=20, id=5) / Raw(segment[160:])]
    out = [readdressed(piece, HUBS[HUB1], MACS[LAN]) for piece in whole]
    for order in ((0, 1), (1, 0)):
        yield Row(f'IPv6 fragments behind other headers, order {order}',
                  list(steps_in_order(order, whole, out)))
    inside = bytes(IPv6ExtHdrDestOpt(nh=6)) + segment
    whole = [ether() / v6() / IPv6ExtHdrFragment(nh=60, m=1, id=5) / Raw(inside[:160]),
             ether() / v6() / IPv6ExtHdrFragment(nh=60, offset=20, id=5) / Raw(inside[160:])]
    out = [readdressed(piece, HUBS[HUB1], MACS[LAN]) for piece in whole]
    for order in ((0, 1), (1, 0)):
        yield Row(f'IPv6 fragments of a datagram with options, order {order}',
                  list(steps_in_order(order, whole, out)))


def rows():
    for some in (order_rows, nat_rows, tag_rows, mixed_rows, moving_rows, time_rows, refused_rows,
                 foreign_rows, tiny_rows, shape_rows):
        yield from some()
