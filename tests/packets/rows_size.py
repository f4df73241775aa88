# SPDX-License-Identifier: BSD-3-Clause
"""Packets that the path to their backend does not take whole, and the MSS that avoids them."""

import itertools

from scapy.layers.inet import ICMP, IP, TCP, IPOption_NOP, IPOption_RR, fragment
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Padding, Raw

from frames import (
    ether, link, natted, network, readdressed, tcp, tunnelled, tuple_hash, v4, v6,
    without_padding)
from row import Row, Step, Wait, forwarded, row
from world import (
    CLIENT, HUB1, HUB_ADDRESSES, HUBS, LAN, MACS, PROBE_PORT, PROBE_SOURCE, PROBER,
    ROUTER, VIP, WAN, backends, nat_sources, ports)

# What tunnels add.
OUTER_BYTES = {('ipip', 4): 20, ('ipip', 6): 40, ('gue', 4): 28, ('gue', 6): 48}
MODES = [('l2dsr', 4), ('nat', 4), *OUTER_BYTES]
TOO_BIG_PER_S = 1000


def outer_bytes(forwarding, outer):
    return OUTER_BYTES.get((forwarding, outer), 0)


def way_out(frame, forwarding, outer, value=None):
    if forwarding == 'l2dsr':
        return readdressed(frame, HUBS[HUB1], MACS[LAN])
    if forwarding == 'nat':
        return natted(frame)
    return tunnelled(frame, forwarding, outer, value)


def segment_of(base, packet_bytes):
    """A packet of that many bytes in all."""
    head = base / tcp('A', ack=7)
    return head / Raw(bytes(index % 251 for index in range(packet_bytes - len(bytes(head)))))


def needed(question, mtu, tag_ids=(), quote_max=576 - 28):
    """RFC 792 and 1191; not longer than RFC 1812, section 4.3.2.3 allows."""
    quoted = bytes(without_padding(network(question)))
    return (link(question[Ether].src, MACS[WAN], *tag_ids)
            / IP(src=question[IP].dst, dst=question[IP].src, ttl=64, tos=0xc0, id=0, flags='DF')
            / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(quoted[:quote_max]))


def packet_too_big(question, mtu, tag_ids=(), quote_max=1280 - 48):
    """RFC 4443, section 3.2."""
    quoted = bytes(without_padding(network(question)))
    return (link(question[Ether].src, MACS[WAN], *tag_ids)
            / IPv6(src=question[IPv6].dst, dst=question[IPv6].src, hlim=64)
            / ICMPv6PacketTooBig(mtu=mtu) / Raw(quoted[:quote_max]))


def told_rows():
    for forwarding, outer in MODES:
        place = {'backends': backends(forwarding, outer)}
        limit = 1500 - outer_bytes(forwarding, outer)
        name = f'{forwarding} in IPv{outer}'
        fits = ether() / segment_of(v4(flags='DF'), limit)
        yield row(f'{name}: IPv4 of {limit} bytes fits', fits, 'forwarded', LAN,
                  way_out(fits, forwarding, outer), **place)
        for size in (limit + 1, 1514, 9000):
            frame = ether() / segment_of(v4(flags='DF'), size)
            yield row(f'{name}: IPv4 with DF of {size} bytes', frame, 'too_big', WAN,
                      needed(frame, limit), **place)
        if forwarding == 'nat':
            place = {'backends': backends('nat', 6)}
        fits = ether() / segment_of(v6(), limit)
        yield row(f'{name}: IPv6 of {limit} bytes fits', fits, 'forwarded', LAN,
                  way_out(fits, forwarding, outer), **place)
        for size in (limit + 1, 9000):
            frame = ether() / segment_of(v6(), size)
            yield row(f'{name}: IPv6 of {size} bytes', frame, 'too_big', WAN,
                      packet_too_big(frame, limit), **place)


def told_place_rows():
    for tag_ids in ((7,), (7, 8)):
        place = {'ports': ports(wan={'tags': tag_ids}), 'backends': backends('ipip')}
        frame = link(MACS[WAN], ROUTER, *tag_ids) / segment_of(v4(flags='DF'), 1500)
        yield row(f'too big, {len(tag_ids)} tags', frame, 'too_big', WAN,
                  needed(frame, 1480, tag_ids), **place)
        frame = link(MACS[WAN], ROUTER, *tag_ids) / segment_of(v6(), 1500)
        yield row(f'too big, IPv6 and {len(tag_ids)} tags', frame, 'too_big', WAN,
                  packet_too_big(frame, 1480, tag_ids), **place)
    narrow = {'backends': backends('ipip', mtu=400)}
    small = ether() / segment_of(v4(flags='DF'), 401)
    yield row('too big: the whole packet is quoted', small, 'too_big', WAN, needed(small, 380),
              **narrow)
    padded = small / Padding(b'\xff' * 9)
    yield row('too big: padding is not quoted', padded, 'too_big', WAN, needed(small, 380),
              **narrow)
    fits = ether() / segment_of(v4(flags='DF'), 380) / Padding(b'\xff' * 99)
    yield row('padding makes no packet too big', fits, 'forwarded', LAN,
              tunnelled(fits, 'ipip', 4), **narrow)
    options = ether() / segment_of(v4(flags='DF', options=[IPOption_NOP()] * 40), 1500)
    yield row('too big: options are quoted', options, 'too_big', WAN, needed(options, 1480),
              backends=backends('ipip'))
    for segments in ([60, 700], [54, 2000], [14, 20, 20, 100], [600], [590, 4]):
        for base, answer in ((v4(flags='DF'), needed), (v6(), packet_too_big)):
            frame = ether() / segment_of(base, 4000)
            yield row(f'too big, {base.name} in buffers {segments}', frame, 'too_big', WAN,
                      answer(frame, 1480), how={'segments': segments}, backends=backends('ipip'))
    frame = ether() / segment_of(v4(flags='DF'), 1500)
    yield row('too big, and no room for the answer', frame, 'drop_too_big',
              how={'headroom': 8}, backends=backends('ipip'))


def silent_rows():
    """Nobody is told who could not use it."""
    place = {'backends': backends('ipip')}
    for source in ('0.1.2.3', '127.0.0.1', '240.0.0.1'):
        yield row(f'too big, from {source}', ether() / segment_of(v4(source, flags='DF'), 1500),
                  'drop_too_big', **place)
    yield row('too big, from the unspecified IPv6 address',
              ether() / segment_of(v6('::'), 1500), 'drop_too_big', **place)
    yield row('too big, from the IPv6 loopback', ether() / segment_of(v6('::1'), 1500),
              'drop_too_big', **place)
    probe = Ether(dst=HUBS[HUB1], src=PROBER) / v4(PROBE_SOURCE, flags='DF') / tcp(
        'A', sport=PROBE_PORT) / Raw(bytes(1460))
    yield row('too big, a probe', probe, 'drop_too_big', arrives='probe', **place)
    error = (ether() / v4('198.51.100.1', flags='DF') / ICMP(type=3, code=1)
             / segment_of(v4(VIP, CLIENT, len=1472), 1472))
    error[TCP].sport, error[TCP].dport = 25, 40000
    yield row('too big, an ICMP error', error, 'drop_too_big', **place)
    # IPv6 has a smallest MTU: a path that is narrower inside the tunnel is told as that one.
    narrow = {'backends': backends('ipip', 6, mtu=1280)}
    frame = ether() / segment_of(v6(), 1281)
    yield row('too big, and the path below IPv6', frame, 'too_big', WAN,
              packet_too_big(frame, 1280), **narrow)
    yield row('IPv6 of 1280 bytes that does not fit', ether() / segment_of(v6(), 1280),
              'drop_too_big', **narrow)


def fragment_rows():
    """Only who has sent a first fragment of IPv4 is told; of IPv6, who has sent any."""
    place = {'backends': backends('ipip', mtu=1300)}
    whole = ether() / segment_of(v4(), 3000)
    value = tuple_hash(network(whole))
    first, later, last = fragment(network(whole), fragsize=1400)
    for piece in (first, later, last):
        piece.flags |= 2
    first, later, last = (ether() / piece for piece in (first, later, last))
    yield Row('too big, fragments with DF', [
        Step(first, 'too_big', [(WAN, needed(first, 1280))]),
        Step(later, 'drop_too_big'),
        Step(last, 'forwarded', [(LAN, tunnelled(last, 'ipip', 4, value))]),
    ], **place)
    segment = bytes(network(ether() / segment_of(v6(), 3000)))[40:]
    first, later = (ether() / v6() / IPv6ExtHdrFragment(nh=6, id=3, **fields) / Raw(text)
                    for fields, text in (({'m': 1}, segment[:1400]),
                                         ({'offset': 175}, segment[1400:])))
    yield Row('too big, IPv6 fragments', [
        Step(first, 'too_big', [(WAN, packet_too_big(first, 1280))]),
        Step(later, 'too_big', [(WAN, packet_too_big(later, 1280))]),
    ], **place)


def rate_rows():
    frame = ether() / segment_of(v4(flags='DF'), 1500)
    frame6 = ether() / segment_of(v6(), 1500)
    answer, answer6 = needed(frame, 1480), packet_too_big(frame6, 1480)
    most = TOO_BIG_PER_S - 1
    yield Row('too big: as many answers a second as are allowed', [
        Step(frame, {'too_big': most}, [(WAN, answer)] * most, repeat=most),
        Step(frame6, 'too_big', [(WAN, answer6)]),
        Step(frame, 'drop_too_big'),
        Step(frame6, {'drop_too_big': 5}, repeat=5),
        Wait(1),
        Step(frame, 'too_big', [(WAN, answer)]),
    ], backends=backends('ipip'))


def pieces(frame, limit):
    """RFC 791, section 3.2: as many bytes as fit, in units of 8."""
    packet = IP(bytes(without_padding(network(frame))))
    room = (limit - packet.ihl * 4) // 8 * 8
    return [ether() / piece for piece in fragment(packet, fragsize=room)]


def cut_rows():
    for (forwarding, outer), size in itertools.product(MODES, (1501, 3000, 9000)):
        limit = 1500 - outer_bytes(forwarding, outer)
        frame = ether() / segment_of(v4(), size)
        value = tuple_hash(network(frame))
        whole = natted(frame) if forwarding == 'nat' else frame
        out = [way_out(piece, 'l2dsr' if forwarding == 'nat' else forwarding, outer, value)
               for piece in pieces(whole, limit)]
        for segments in ([], [2048, 2048]):
            if segments and size < 3000:
                continue
            yield Row(f'{forwarding} in IPv{outer}: IPv4 of {size} bytes is cut, buffers '
                      f'{segments}',
                      [Step(frame, 'forwarded', [(LAN, piece) for piece in out],
                            segments=segments)],
                      {'cut_packets': 1, 'tx_packets': len(out)},
                      backends=backends(forwarding, outer))
    yield from cut_fragment_rows()
    yield from cut_option_rows()


def cut_fragment_rows():
    """Cut once more: offsets and the flag go on from those that the fragment has."""
    place = {'backends': backends('ipip')}
    whole = ether() / segment_of(v4(), 4000)
    value = tuple_hash(network(whole))
    first, second, last = (ether() / piece
                           for piece in fragment(network(whole), fragsize=1480))
    steps = []
    for piece in (first, second, last):
        packet = network(piece)
        out = [piece]
        if len(bytes(packet)) > 1480:
            out = [ether() / part for part in cut_again(packet, 1480)]
        steps.append(Step(piece, 'forwarded',
                          [(LAN, tunnelled(part, 'ipip', 4, value)) for part in out]))
    yield Row('fragments are cut again', steps, {'cut_packets': 2}, **place)
    padded = whole / Padding(b'\xff' * 40)
    yield Row('padding is not cut', [
        Step(padded, 'forwarded', [(LAN, tunnelled(piece, 'ipip', 4, value))
                                   for piece in pieces(whole, 1480)])], **place)


def cut_again(packet, limit):
    packet = IP(bytes(packet))
    payload = bytes(packet.payload)
    room = (limit - 20) // 8 * 8
    for start in range(0, len(payload), room):
        part = packet.copy()
        part.remove_payload()
        more = start + room < len(payload) or packet.flags.MF
        part.frag, part.flags = packet.frag + start // 8, 'MF' if more else 0
        del part.chksum, part.len
        yield part / Raw(payload[start:start + room])


def cut_option_rows():
    """Only options with the copied flag are in later fragments (RFC 791, section 3.1)."""
    options = [IPOption_RR(routers=['0.0.0.0'] * 4), IPOption_NOP()]
    frame = ether() / segment_of(v4(options=options), 1500)
    packet = IP(bytes(network(frame)))
    value = tuple_hash(network(frame))
    payload, room = bytes(packet.payload), (1480 - 40) // 8 * 8
    first = packet.copy()
    first.remove_payload()
    first.flags = 'MF'
    del first.chksum, first.len
    later = v4(proto=6, frag=room // 8)
    out = [first / Raw(payload[:room]), later / Raw(payload[room:])]
    yield Row('cut: options that are not copied', [
        Step(frame, 'forwarded',
             [(LAN, tunnelled(ether() / bytes_of(piece), 'ipip', 4, value)) for piece in out])],
        backends=backends('ipip'))


def bytes_of(packet):
    return IP(bytes(packet))


def mss_rows():
    for base in (v4(), v6()):
        for flags in ('S', 'SEC'):
            for name, options, clamped in mss_options():
                frame = ether() / base / tcp(flags, options=options)
                for forwarding, outer in (('l2dsr', 4), ('ipip', 4), ('gue', 6)):
                    expected = frame.copy()
                    expected[TCP].options = clamped
                    yield row(f'mss {base.name} {flags} {name}, {forwarding}', frame, 'forwarded',
                              LAN, way_out(expected, forwarding, outer),
                              counters={'mss_clamped': int(options != clamped)},
                              backends=backends(forwarding, outer, mss=1200))
    for flags in ('A', 'R', 'FA'):
        frame = ether() / v4() / tcp(flags, options=[('MSS', 1460)])
        yield forwarded(f'mss: not on {flags}', frame, counters={'mss_clamped': 0},
                        backends=backends(mss=1200))
    yield forwarded('mss: off', ether() / v4() / tcp('S', options=[('MSS', 9000)]),
                    counters={'mss_clamped': 0})
    yield from mss_nat_rows()


def mss_options():
    """Options, and what they become with a limit of 1200 bytes."""
    lowered = [('MSS', 1200)] + SYN_REST
    yield 'above', [('MSS', 1460)] + SYN_REST, lowered
    yield 'just above', [('MSS', 1201)] + SYN_REST, lowered
    yield 'equal', lowered, lowered
    yield 'below', [('MSS', 536)] + SYN_REST, [('MSS', 536)] + SYN_REST
    yield 'the largest', [('MSS', 65535)], [('MSS', 1200)]
    yield 'none', SYN_REST, SYN_REST
    odd = [('NOP', None), ('MSS', 1460), ('NOP', None), ('NOP', None), ('NOP', None)]
    yield 'at an odd place', odd, [('NOP', None), ('MSS', 1200)] + odd[2:]
    late = [('Timestamp', (1, 0)), ('NOP', None), ('WScale', 7), ('SAckOK', b''), ('MSS', 1460)]
    yield 'last', late, late[:-1] + [('MSS', 1200)]
    hidden = [('EOL', None), ('NOP', None), ('NOP', None), ('NOP', None), ('MSS', 1460)]
    yield 'behind the end', hidden, hidden


SYN_REST = [('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None), ('WScale', 7)]


def mss_nat_rows():
    place = {'ports': ports(lan={'kernel_side': 'twin'}), 'nat_sources': nat_sources(),
             'backends': backends('nat', mss=1200)}
    frame = ether() / v4() / tcp('S', options=[('MSS', 1460)])
    lowered = ether() / v4() / tcp('S', options=[('MSS', 1200)])
    yield row('mss: nat, SYN', frame, 'forwarded', LAN, natted(lowered),
              counters={'mss_clamped': 1}, **place)
    for size, counted in ((1460, 1), (1200, 0)):
        answer = tcp('SA', sport=25, dport=40000, options=[('MSS', size)])
        out = tcp('SA', sport=25, dport=40000, options=[('MSS', 1200)])
        link_in = ether(LAN, HUBS[HUB1])
        yield row(f'mss: nat, SYN+ACK with {size}',
                  link_in / v4(HUB_ADDRESSES[HUB1], CLIENT) / answer, 'returned', f'kernel{LAN}',
                  link_in / v4(VIP, CLIENT) / out, arrives=LAN,
                  counters={'mss_clamped': counted}, **place)


def rows():
    for some in (told_rows, told_place_rows, silent_rows, fragment_rows, rate_rows, cut_rows,
                 mss_rows):
        yield from some()
