# SPDX-License-Identifier: BSD-3-Clause
"""IP headers, in order and damaged: options, TTL, checksum, lengths, IPv6 extension headers; and
TCP headers that contradict themselves."""

import itertools

from scapy.layers.inet import TCP, IPOption_NOP
from scapy.layers.inet6 import (
    IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN)
from scapy.layers.ipsec import AH
from scapy.packet import Padding, Raw

from frames import LINE, SYN_OPTIONS, cut, ether, tcp, tunnelled, v4, v6
from row import forwarded, left, row
from world import LAN, LISTEN, TWIN, backends


def sound_rows():
    yield forwarded('TTL 1: not a hop, so not decremented', ether() / v4(ttl=1) / tcp('A'))
    yield forwarded('hop limit 1: not a hop, so not decremented', ether() / v6(hlim=1) / tcp('A'))
    yield forwarded('DF alone is no fragment', ether() / v4(flags='DF') / tcp('A'))
    yield forwarded('reserved IPv4 flag is no fragment', ether() / v4(flags='evil') / tcp('A'))
    yield forwarded('IPv4 padding kept', ether() / v4() / tcp('A') / Padding(b'\0' * 6))
    yield forwarded('IPv4 padding with rubbish kept',
                    ether() / v4() / tcp('A') / Padding(b'rubbish' * 9))
    yield forwarded('IPv6 padding kept', ether() / v6() / tcp('A') / Padding(b'\xff' * 4))
    for base in (v4(), v6()):
        padded = ether() / base / tcp('A') / Padding(b'rubbish' * 9)
        for forwarding, outer in itertools.product(('ipip', 'gue'), (4, 6)):
            yield row(f'{base.name} padding trimmed: {forwarding} in IPv{outer}', padded,
                      'forwarded', LAN, tunnelled(padded, forwarding, outer),
                      backends=backends(forwarding, outer))


def checksum_rows():
    wrong = ether() / v4(chksum=0x1234) / tcp('S')
    yield row('IPv4 checksum is wrong', wrong, 'drop_bad_checksum')
    yield row('IPv4 checksum with options is wrong',
              ether() / v4(chksum=0x1234, options=[IPOption_NOP()] * 8) / tcp('S'),
              'drop_bad_checksum')
    yield row('the card says that the IPv4 checksum is wrong', ether() / v4() / tcp('S'),
              'drop_bad_checksum', how={'checksum': 'bad'})
    yield forwarded('the card says that the IPv4 checksum is right', wrong,
                    how={'checksum': 'good'})
    for bit in (0, 7, 15):
        right = int.from_bytes(bytes(v4() / tcp('S'))[10:12], 'big')
        yield row(f'bit {bit} of the IPv4 checksum is wrong',
                  ether() / v4(chksum=right ^ 1 << bit) / tcp('S'), 'drop_bad_checksum')
    yield row('TTL 0', ether() / v4(ttl=0) / tcp('S'), 'drop_ttl')
    yield row('hop limit 0', ether() / v6(hlim=0) / tcp('S'), 'drop_ttl')
    yield row('TTL 0, on a port with a twin', ether(TWIN) / v4(ttl=0) / tcp('S'), 'drop_ttl',
              arrives=TWIN)


def length_rows():
    for version in (0, 5, 6, 15):
        yield row(f'IPv4 version {version}', ether() / v4(version=version) / tcp('S'),
                  'drop_bad_ip')
    yield row('IPv6 version 4', ether() / v6(version=4) / tcp('S'), 'drop_bad_ip')
    yield row('IHL 4', ether() / v4(ihl=4) / tcp('S'), 'drop_bad_ip')
    yield row('IHL 0', ether() / v4(ihl=0) / tcp('S'), 'drop_bad_ip')
    yield row('IHL beyond the packet', ether() / v4(ihl=15) / tcp('S'), 'drop_bad_ip')
    yield row('total length within the header', ether() / v4(len=19) / tcp('S'), 'drop_bad_ip')
    yield row('total length beyond the frame', ether() / v4(len=41) / tcp('S'), 'drop_bad_ip')
    yield row('from an IPv4 group', ether() / v4(source='224.0.0.1') / tcp('S'), 'drop_bad_ip')
    yield row('from IPv4 broadcast', ether() / v4(source='255.255.255.255') / tcp('S'),
              'drop_bad_ip')
    yield row('from an IPv6 group', ether() / v6(source='ff02::1') / tcp('S'), 'drop_bad_ip')
    yield row('IPv6 payload beyond the frame', ether() / v6(plen=21) / tcp('S'), 'drop_bad_ip')
    for base in (v4(), v6()):
        yield row(f'{base.name}: data offset 4', ether() / base / tcp('S', dataofs=4),
                  'drop_bad_tcp')
        yield row(f'{base.name}: data offset beyond the segment',
                  ether() / base / tcp('S', dataofs=6), 'drop_bad_tcp')
        yield row(f'{base.name}: data offset into the padding',
                  ether() / base / tcp('S', dataofs=6) / Padding(bytes(6)), 'drop_bad_tcp')
    yield row('19 bytes of TCP', ether() / v4(len=39) / tcp('S'), 'drop_bad_tcp')
    yield row('no TCP at all', ether() / v6(plen=0) / tcp('S'), 'drop_bad_tcp')
    yield forwarded('total length shorter than the frame', ether() / v4(len=40) / tcp('A') / LINE)


def cut_rows():
    whole4 = ether() / v4() / tcp('S', options=SYN_OPTIONS)
    whole6 = ether() / v6() / tcp('S', options=SYN_OPTIONS)
    for name, frame, l3_bytes in (('IPv4', whole4, 20), ('IPv6', whole6, 40)):
        for count in (0, 1, 13, 14, 15, 14 + l3_bytes - 1):
            yield row(f'{name}: {count} bytes left', cut(frame, count), 'drop_truncated')
        for count in (14 + l3_bytes, 14 + l3_bytes + 19, len(bytes(frame)) - 1):
            yield row(f'{name}: {count} bytes left', cut(frame, count), 'drop_bad_ip')
    yield row('cut frame, kernel has a copy', cut(ether(LISTEN) / v4() / tcp('S'), 20),
              'left_to_kernel', arrives=LISTEN)


def routing(segments_left):
    return IPv6ExtHdrRouting(type=0, addresses=['2001:db8::99'], segleft=segments_left)


def options(kind, length):
    """An options header of `length` bytes, a multiple of 8."""
    return kind(options=[PadN(optdata=bytes(length - 4))])


PROTOCOLS = {IPv6ExtHdrHopByHop: 0, TCP: 6, IPv6ExtHdrRouting: 43, IPv6ExtHdrFragment: 44, AH: 51,
             IPv6ExtHdrDestOpt: 60}


def chain(*headers):
    """Each header names the next one, as scapy does not for all of them."""
    packet = v6(nh=PROTOCOLS[type(headers[0])])
    for header, following in zip(headers, [*headers[1:], None]):
        header = header.copy()
        if following is not None and type(header) in PROTOCOLS and 'nh' not in header.fields:
            header.nh = PROTOCOLS[type(following)]
        packet = packet / header
    return ether() / packet


def extension_rows():
    kinds = {
        'hop-by-hop options': IPv6ExtHdrHopByHop(),
        'destination options': IPv6ExtHdrDestOpt(),
        'routing': routing(0),
        'atomic fragment': IPv6ExtHdrFragment(),
        'authentication': AH(payloadlen=4, spi=1, seq=1, icv=bytes(12)),
    }
    segment = tcp('PA') / LINE
    for name, header in kinds.items():
        frame = chain(header, segment)
        yield forwarded(f'IPv6 {name}', frame)
        for forwarding, outer in (('ipip', 4), ('ipip', 6), ('gue', 4), ('gue', 6)):
            yield row(f'IPv6 {name}: {forwarding} in IPv{outer}', frame, 'forwarded', LAN,
                      tunnelled(frame, forwarding, outer), backends=backends(forwarding, outer))
    behind = [name for name in kinds if name != 'hop-by-hop options']
    for order in itertools.permutations(behind):
        headers = [kinds[name] for name in order]
        yield forwarded('IPv6 ' + ', '.join(order), chain(*headers, segment))
    yield forwarded('IPv6 all extension headers',
                    chain(kinds['hop-by-hop options'], kinds['destination options'], routing(0),
                          kinds['atomic fragment'], kinds['authentication'],
                          IPv6ExtHdrDestOpt(), segment))


def extension_bound_rows():
    segment = tcp('PA') / LINE
    many = [IPv6ExtHdrDestOpt() for _ in range(9)]
    yield forwarded('IPv6 8 extension headers', chain(*many[:8], segment))
    yield row('IPv6 9 extension headers', chain(*many, segment), 'drop_extensions')
    yield row('IPv6 9 extension headers, kernel has a copy',
              ether(LISTEN) / chain(*many, segment).payload, 'left_to_kernel', arrives=LISTEN)
    yield row('IPv6 9 extension headers, on a port with a twin',
              ether(TWIN) / chain(*many, segment).payload, 'drop_extensions', arrives=TWIN)
    for kind in (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt):
        short = chain(options(kind, 256), IPv6ExtHdrDestOpt(), segment)
        yield forwarded(f'{kind.__name__} of 256 bytes', short)
    yield forwarded('IPv6 512 bytes of extension headers',
                    chain(options(IPv6ExtHdrHopByHop, 256), options(IPv6ExtHdrDestOpt, 256),
                          segment))
    yield row('IPv6 520 bytes of extension headers',
              chain(options(IPv6ExtHdrHopByHop, 256), options(IPv6ExtHdrDestOpt, 256),
                    IPv6ExtHdrDestOpt(), segment), 'drop_extensions')
    yield row('IPv6 one header beyond the bound',
              chain(IPv6ExtHdrDestOpt(nh=6, len=255) / Raw(bytes(2042)), segment),
              'drop_extensions')


def extension_fault_rows():
    segment = tcp('S')
    yield row('IPv6 hop-by-hop options twice',
              chain(IPv6ExtHdrHopByHop(), IPv6ExtHdrHopByHop(), segment), 'drop_bad_ip')
    yield row('IPv6 hop-by-hop options behind another header',
              chain(IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop(), segment), 'drop_bad_ip')
    yield row('IPv6 header longer than the packet', chain(IPv6ExtHdrDestOpt(len=20), segment),
              'drop_bad_ip')
    yield row('IPv6 header at the very end',
              ether() / v6(nh=60) / Raw(bytes(7)), 'drop_bad_ip')
    yield row('IPv6 nothing behind a header', ether() / v6(nh=60) / IPv6ExtHdrDestOpt(nh=6),
              'drop_bad_tcp')
    yield from left('IPv6 routing with segments left', chain(routing(1), segment),
                    'drop_not_service')
    yield from left('IPv6 no next header', ether() / v6(nh=59) / Raw(bytes(20)),
                    'drop_not_service')
    yield from left('IPv6 no next header behind another',
                    ether() / v6() / IPv6ExtHdrDestOpt(nh=59) / Raw(bytes(20)),
                    'drop_not_service')
    yield from left('IPv6 mobility header',
                    ether() / v6(nh=135) / Raw(b'\x06\x00' + bytes(6)) / segment,
                    'drop_not_service')


def rows():
    for some in (sound_rows, checksum_rows, length_rows, cut_rows, extension_rows,
                 extension_bound_rows, extension_fault_rows):
        yield from some()
