#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden frames: one row per case, through the real worker (replay.c), byte for byte.

The frame in and the frame expected out are both built by scapy, so lengths and checksums are
not computed by the code under test. Usage: golden.py REPLAY [WORD], where WORD selects the rows
whose description contains it.

       client, or the router           mailrail                      switch with mail servers
    02:00:00:00:00:99  ------ wan 02:00:00:00:00:01
                              lan 02:00:00:00:00:02  ------ hub1 02:00:00:00:01:01, hub2 ...:02
                           listen 02:00:00:00:00:03  (AF_PACKET: the kernel has a copy)
                            probe 02:00:00:00:00:ff  (the prober's kernel)
"""

import copy
import json
import subprocess
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import (
    IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Padding, Raw
from scapy.utils import hexdump

WAN, LAN, LISTEN = 0, 1, 2
ROUTER = '02:00:00:00:00:99'
MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03']
PROBER = '02:00:00:00:00:ff'
HUBS = ['02:00:00:00:01:01', '02:00:00:00:01:02', None, '02:00:00:00:01:04']
HUB1, HUB2, UNREACHED, DEAD = range(4)

CLIENT, CLIENT6 = '192.0.2.1', '2001:db8:c::1'
VIP, VIP6 = '10.0.0.10', '2001:db8::10'            # smtp: rejects 10.0.0.0/26, 2001:db8::/64
QUIET, QUIET6 = '10.0.0.11', '2001:db8::11'        # drops the same sources
PROBE_SOURCE, PROBE_SOURCE6 = '10.0.0.9', '2001:db8::9'
PROBE_PORT, PROBE_PORT_DEAD, PROBE_PORT_UNREACHED = 50001, 50002, 50003

NO_BACKEND = {'pools': [[[None, None, False]]]}
MOVING = {'pools': [[[HUB2, HUB1, True]]]}
ROOM_FOR_NOBODY_NEW = {'pools': [[[None, HUB1, True]]]}


def world(**changes):
    """What the worker knows: on a table of one slot, every session goes to HUB1."""
    exclude = [['10.0.0.0', '10.0.0.63'],
               ['2001:db8::', '2001:db8::ffff:ffff:ffff:ffff']]
    base = {
        'ports': [{'mac': mac, 'kernel_has_copy': index == LISTEN}
                  for index, mac in enumerate(MACS)],
        'probe_mac': PROBER,
        'services': [
            {'endpoints': [[VIP, 25], [VIP, 587], [VIP6, 25]], 'pool': 0,
             'exclude': exclude, 'reject': True},
            {'endpoints': [[QUIET, 25], [QUIET6, 25]], 'pool': 0,
             'exclude': exclude, 'reject': False}],
        'pools': [[[HUB1, HUB1, False]]],
        'backends': [{'alive': index != DEAD, 'port': LAN, 'next_hop': mac}
                     for index, mac in enumerate(HUBS)],
        'probe_sources': [PROBE_SOURCE, PROBE_SOURCE6],
        'probes': [[PROBE_PORT, HUB2], [PROBE_PORT_DEAD, DEAD],
                   [PROBE_PORT_UNREACHED, UNREACHED]],
    }
    base.update(changes)
    return base


class Row:
    """One case. Frames are scapy packets; out is None where nothing may leave."""

    def __init__(self, description, frame, verdict, leaves=None, out=None, arrives=WAN, **changes):
        self.description = description
        self.frame = bytes(frame)
        self.verdict = verdict
        self.leaves = leaves
        self.out = None if out is None else bytes(out)
        self.case = world(**changes)
        self.case['arrives'] = arrives
        self.case['frame'] = self.frame.hex()

    def complaint(self, answer):
        """None when the answer is as expected, else what differs."""
        frame = answer['frame'] and bytes.fromhex(answer['frame'])
        if (answer['verdict'], answer['leaves'], frame) == (self.verdict, self.leaves, self.out):
            return None
        return '\n'.join([
            f"verdict: expected {self.verdict}, got {answer['verdict']}",
            f"leaves by: expected {self.leaves}, got {answer['leaves']}",
            'in:', decoded(self.frame),
            'expected out:', decoded(self.out),
            'out:', decoded(frame)])


def decoded(frame):
    if frame is None:
        return '    nothing'
    text = hexdump(frame, dump=True)
    if len(frame) >= 14:
        text = Ether(frame).show(dump=True) + text
    return '\n'.join('    ' + line for line in text.splitlines())


def ether(port=WAN, source=ROUTER):
    return Ether(dst=MACS[port], src=source)


def v4(source=CLIENT, destination=VIP, **fields):
    return IP(src=source, dst=destination, ttl=57, id=0x4d52, **fields)


def v6(source=CLIENT6, destination=VIP6, **fields):
    return IPv6(src=source, dst=destination, hlim=57, **fields)


def tcp(flags, **fields):
    fields = {'sport': 40000, 'dport': 25, 'seq': 1000, 'ack': 0, 'window': 64240, **fields}
    return TCP(flags=flags, **fields)


def readdressed(frame, destination, source):
    """The same frame between other stations; everything behind the addresses stays."""
    out = copy.deepcopy(frame)
    out[Ether].dst, out[Ether].src = destination, source
    return out


def forwarded(description, frame, hub=HUB1, arrives=WAN, **changes):
    return Row(description, frame, 'forwarded', LAN, readdressed(frame, HUBS[hub], MACS[LAN]),
               arrives=arrives, **changes)


def left(description, frame, verdict, **changes):
    """Dropped on a port of our own; left to the kernel where it listens as well."""
    listened = copy.deepcopy(frame)
    if listened[Ether].dst == MACS[WAN]:
        listened[Ether].dst = MACS[LISTEN]
    return [Row(description, frame, verdict, **changes),
            Row(description + ', kernel has a copy', listened, 'left_to_kernel',
                arrives=LISTEN, **changes)]


def reset(question, flags, seq, ack, port=WAN):
    """RFC 9293, section 3.10.7.1, as a host would send it."""
    tcp_header = TCP(sport=question[TCP].dport, dport=question[TCP].sport, flags=flags, seq=seq,
                     ack=ack, window=0)
    back = Ether(dst=question[Ether].src, src=MACS[port])
    if IP in question:
        return back / IP(src=question[IP].dst, dst=question[IP].src, id=0, flags='DF',
                         ttl=64) / tcp_header
    return back / IPv6(src=question[IPv6].dst, dst=question[IPv6].src, hlim=64) / tcp_header


SYN_OPTIONS = [('MSS', 1460), ('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None),
               ('WScale', 7)]
DATA_OPTIONS = [('NOP', None), ('NOP', None), ('Timestamp', (77, 88))]
LINE = Raw(b'MAIL FROM:<alice@example.org>\r\n')
FULL = Raw(bytes(range(256)) * 5 + bytes(168))  # 1448 bytes: with timestamps, a full segment


def forwarding_rows():
    data = tcp('PA', ack=2000, options=DATA_OPTIONS) / LINE
    yield forwarded('IPv4 SYN', ether() / v4() / tcp('S', options=SYN_OPTIONS))
    yield forwarded('IPv6 SYN', ether() / v6() / tcp('S', options=SYN_OPTIONS))
    yield forwarded('IPv4 SYN, second port', ether() / v4() / tcp('S', dport=587))
    yield forwarded('IPv4 data', ether() / v4() / data)
    yield forwarded('IPv6 data', ether() / v6() / data)
    yield forwarded('IPv4 FIN', ether() / v4() / tcp('FA', ack=2000))
    yield forwarded('IPv4 RST', ether() / v4() / tcp('R'))
    yield forwarded('IPv6 RST', ether() / v6() / tcp('R'))
    full = tcp('A', ack=2000, options=DATA_OPTIONS) / FULL
    yield forwarded('IPv4 full-size frame', ether() / v4(flags='DF') / full)
    yield forwarded('IPv6 full-size frame',
                    ether() / v6() / tcp('A', options=DATA_OPTIONS) / Raw(bytes(1428)))
    yield forwarded('every TCP option byte', ether() / v4() / tcp('S', options=[('NOP', 0)] * 40))
    yield forwarded('IPv4 options', ether() / v4(options=[IPOption_NOP()] * 4) / data)
    yield forwarded('IPv4 record route, 40 bytes',
                    ether() / v4(options=[IPOption_RR(routers=['0.0.0.0'] * 9),
                                          IPOption_NOP()]) / data)
    for tos in (0x01, 0x02, 0x03, 0xb8, 0xff):
        yield forwarded(f'IPv4 DSCP and ECN {tos:#x} untouched', ether() / v4(tos=tos) / data)
        yield forwarded(f'IPv6 traffic class {tos:#x} untouched', ether() / v6(tc=tos) / data)
    yield forwarded('IPv6 flow label untouched', ether() / v6(fl=0xabcde) / data)
    yield forwarded('SYN with ECN', ether() / v4() / tcp('SEC'))
    yield forwarded('reserved TCP bits and urgent pointer',
                    ether() / v4() / tcp('UPA', reserved=7, urgptr=3) / LINE)
    yield forwarded('TTL 1: not a hop, so not decremented',
                    ether() / IP(src=CLIENT, dst=VIP, ttl=1) / tcp('A'))
    yield forwarded('DF alone is no fragment', ether() / v4(flags='DF') / tcp('A'))
    yield forwarded('reserved IPv4 flag is no fragment', ether() / v4(flags='evil') / tcp('A'))
    yield forwarded('IPv4 padding kept', ether() / v4() / tcp('A') / Padding(b'\0' * 6))
    yield forwarded('IPv4 padding with rubbish kept',
                    ether() / v4() / tcp('A') / Padding(b'rubbish' * 9))
    yield forwarded('IPv6 padding kept', ether() / v6() / tcp('A') / Padding(b'\xff' * 4))
    yield forwarded('wrong TCP checksum: the backend finds it',
                    ether() / v4() / tcp('A', chksum=0xdead))
    yield forwarded('on the port that the backends are on',
                    ether(LAN) / v4() / tcp('A'), arrives=LAN)
    yield forwarded('beside the kernel', ether(LISTEN) / v4() / tcp('A'), arrives=LISTEN)


def slot_rows():
    yield forwarded('moving slot: SYN to current', ether() / v4() / tcp('S'), HUB2, **MOVING)
    yield forwarded('moving slot: unknown session to base', ether() / v4() / tcp('A'), HUB1,
                    **MOVING)
    yield forwarded('moving slot: unknown IPv6 session to base', ether() / v6() / tcp('A'), HUB1,
                    **MOVING)
    yield forwarded('nobody for new sessions: old ones stay', ether() / v4() / tcp('A'), HUB1,
                    **ROOM_FOR_NOBODY_NEW)
    question = ether() / v4() / tcp('S')
    yield Row('nobody for new sessions: reset', question, 'reset_no_backend', WAN,
              reset(question, 'RA', 0, 1001), **ROOM_FOR_NOBODY_NEW)
    yield Row('backend without a next hop', question, 'drop_no_next_hop',
              pools=[[[UNREACHED, UNREACHED, False]]])


def reset_row(description, question, flags, seq, ack, **changes):
    port = changes.get('arrives', WAN)
    verdict = 'reset_no_backend' if 'pools' in changes else 'reset_excluded'
    return Row(description, question, verdict, port, reset(question, flags, seq, ack, port),
               **changes)


def questions(base):
    """Segments, and what RFC 9293 wants as the answer: flags, sequence, acknowledgement."""
    cookie = Raw(b'EHLO client\r\n')  # 13 bytes
    yield 'SYN', base / tcp('S', options=SYN_OPTIONS), 'RA', 0, 1001
    yield 'SYN with data', base / tcp('S') / cookie, 'RA', 0, 1014
    yield 'SYN+FIN', base / tcp('SF'), 'RA', 0, 1002
    yield 'FIN without ACK', base / tcp('F') / cookie, 'RA', 0, 1014
    yield 'no flags', base / tcp(0), 'RA', 0, 1000
    yield 'SYN, sequence wraps', base / tcp('S', seq=0xffffffff) / cookie, 'RA', 0, 13
    yield 'ACK', base / tcp('A', ack=0x87654321), 'R', 0x87654321, 0
    yield 'data', base / tcp('PA', ack=77, options=DATA_OPTIONS) / cookie, 'R', 77, 0
    yield 'SYN+ACK', base / tcp('SA', ack=78), 'R', 78, 0
    yield 'FIN+ACK', base / tcp('FA', ack=79), 'R', 79, 0
    yield 'full-size', base / tcp('A', ack=80, options=DATA_OPTIONS) / FULL, 'R', 80, 0


def reset_rows():
    bases = {
        'IPv4': (ether() / v4('10.0.0.3'), {}),
        'IPv4 with options': (ether() / v4('10.0.0.3', options=[IPOption_NOP()] * 12), {}),
        'IPv6': (ether() / v6('2001:db8::3'), {}),
        'IPv4 empty pool': (ether() / v4(), NO_BACKEND),
        'IPv4 with options, empty pool': (ether() / v4(options=[IPOption_NOP()] * 40),
                                          NO_BACKEND),
        'IPv6 empty pool': (ether() / v6(), NO_BACKEND),
    }
    for name, (base, changes) in bases.items():
        for kind, question, flags, seq, ack in questions(base):
            yield reset_row(f'reset: {name}: {kind}', question, flags, seq, ack, **changes)
        verdict = 'drop_no_backend' if changes else 'drop_excluded'
        for flags in ('R', 'RA', 'SR', 'RF'):
            yield Row(f'reset: {name}: {flags} is never answered', base / tcp(flags), verdict,
                      **changes)
    yield reset_row('reset: padding is not data',
                    ether() / v4('10.0.0.3') / tcp('S') / Padding(b'\xff' * 6), 'RA', 0, 1001)
    yield reset_row('reset: back by the port it came from',
                    ether(LISTEN) / v4('10.0.0.3') / tcp('A', ack=5), 'R', 5, 0, arrives=LISTEN)
    yield reset_row('reset: first excluded address', ether() / v4('10.0.0.0') / tcp('A', ack=5),
                    'R', 5, 0)
    yield reset_row('reset: last excluded address', ether() / v4('10.0.0.63') / tcp('A', ack=5),
                    'R', 5, 0)
    yield reset_row('reset: DSCP of the question is not copied',
                    ether() / v4('10.0.0.3', tos=0xff) / tcp('A', ack=5), 'R', 5, 0)
    yield forwarded('first address after the excluded', ether() / v4('10.0.0.64') / tcp('A'))
    yield forwarded('first IPv6 address after the excluded',
                    ether() / v6('2001:db8:0:1::') / tcp('A'))


def drop_rows():
    for base in (ether() / v4('10.0.0.3', QUIET), ether() / v6('2001:db8::3', QUIET6)):
        for flags in ('S', 'A', 'FA', 'R'):
            yield Row(f'excluded in silence: {base.lastlayer().name} {flags}', base / tcp(flags),
                      'drop_excluded')
    yield forwarded('the quiet service, from elsewhere', ether() / v4(CLIENT, QUIET) / tcp('S'))


def probe_rows():
    # The prober's kernel knows no neighbour there: its frames' addresses mean nothing.
    for base, back in ((v4(PROBE_SOURCE), v4(VIP, PROBE_SOURCE)),
                       (v6(PROBE_SOURCE6), v6(VIP6, PROBE_SOURCE6))):
        family = base.name
        out = Ether(dst='02:11:11:11:11:11', src=PROBER) / base / tcp('S', sport=PROBE_PORT)
        yield Row(f'probe out: {family}', out, 'probe_sent', LAN,
                  readdressed(out, HUBS[HUB2], MACS[LAN]), arrives='probe')
        yield Row(f'probe out while the pool is empty: {family}', out, 'probe_sent', LAN,
                  readdressed(out, HUBS[HUB2], MACS[LAN]), arrives='probe', **NO_BACKEND)
        reply = (ether(LAN, HUBS[HUB2]) / back
                 / tcp('SA', sport=25, dport=PROBE_PORT, ack=1001, options=SYN_OPTIONS))
        yield Row(f'probe reply: {family}', reply, 'probe_reply', 'probe',
                  readdressed(reply, PROBER, HUBS[HUB2]), arrives=LAN)
        banner = (ether(LAN, HUBS[HUB2]) / back
                  / tcp('PA', sport=25, dport=PROBE_PORT) / Raw(b'220 mail.example.com ESMTP\r\n'))
        yield Row(f'banner for the prober: {family}', banner, 'probe_reply', 'probe',
                  readdressed(banner, PROBER, HUBS[HUB2]), arrives=LAN)
    probe = Ether(dst=ROUTER, src=PROBER) / v4(PROBE_SOURCE)
    dead = probe / tcp('S', sport=PROBE_PORT_DEAD)
    yield Row('probe out to a backend that is down', dead, 'probe_sent', LAN,
              readdressed(dead, HUBS[DEAD], MACS[LAN]), arrives='probe')
    yield Row('probe to a backend without a next hop',
              probe / tcp('S', sport=PROBE_PORT_UNREACHED), 'drop_no_next_hop', arrives='probe')
    yield Row('prober: no probe is open on that port', probe / tcp('S', sport=50009),
              'drop_no_probe', arrives='probe')
    yield Row('prober: neighbour solicitation and the like', Ether(dst=ROUTER, src=PROBER) / ARP(),
              'drop_not_service', arrives='probe')
    yield from left('answer from a port that is no service',
                    ether() / v4(VIP, PROBE_SOURCE) / tcp('SA', sport=26, dport=PROBE_PORT),
                    'drop_not_service')
    yield Row('answer to somebody else',
              ether(LAN, HUBS[HUB2]) / v4(VIP, CLIENT) / tcp('SA', sport=25, dport=40000),
              'drop_not_service', arrives=LAN)


def foreign_rows():
    yield from left('another port', ether() / v4() / tcp('S', dport=22), 'drop_not_service')
    yield from left('another address', ether() / v4(CLIENT, '10.0.0.12') / tcp('S'),
                    'drop_not_service')
    yield from left('IPv6 service has one port', ether() / v6() / tcp('S', dport=587),
                    'drop_not_service')
    yield from left('UDP to the service', ether() / v4() / UDP(sport=1, dport=25),
                    'drop_not_service')
    yield from left('ping', ether() / v4() / ICMP(), 'drop_not_service')
    yield from left('ARP', Ether(dst=MACS[WAN], src=ROUTER) / ARP(pdst=VIP), 'drop_not_service')
    yield from left('VLAN tag', ether() / Dot1Q(vlan=7) / v4() / tcp('S'), 'drop_not_service')
    yield from left('VLAN tag 0', ether() / Dot1Q(vlan=0) / v4() / tcp('S'), 'drop_not_service')
    yield from left('802.3 length instead of a type',
                    Ether(dst=MACS[WAN], src=ROUTER, type=46) / Raw(bytes(46)),
                    'drop_not_service')
    yield from left('IPv6 hop-by-hop options', ether() / v6() / IPv6ExtHdrHopByHop() / tcp('S'),
                    'drop_not_service')
    yield from left('IPv6 destination options', ether() / v6() / IPv6ExtHdrDestOpt() / tcp('S'),
                    'drop_not_service')
    # Never on the wire (RFC 4291, section 2.5.5.2); believed, they would pass for IPv4.
    for name, source, destination in (('client', '::ffff:192.0.2.1', VIP6),
                                      ('service', CLIENT6, '::ffff:10.0.0.10'),
                                      ('client and service', '::ffff:192.0.2.1',
                                       '::ffff:10.0.0.10'),
                                      ('excluded client', '::ffff:10.0.0.3',
                                       '::ffff:10.0.0.10')):
        yield from left(f'IPv6 with an IPv4-mapped {name}',
                        ether() / v6(source, destination) / tcp('S'), 'drop_not_service')
    for name, station in (('another station', '02:00:00:00:00:55'),
                          ('a backend', HUBS[HUB1]),
                          ('broadcast', 'ff:ff:ff:ff:ff:ff'),
                          ('IPv4 multicast', '01:00:5e:00:00:01'),
                          ('IPv6 multicast', '33:33:00:00:00:01')):
        yield from left(f'frame to {name}', Ether(dst=station, src=ROUTER) / v4() / tcp('S'),
                        'drop_not_ours')
    yield Row("another port's address", ether(LAN) / v4() / tcp('S'), 'drop_not_ours')


def fragment_rows():
    yield from left('first fragment', ether() / v4(flags='MF') / tcp('A') / LINE, 'drop_fragment')
    yield from left('middle fragment', ether() / v4(flags='MF', frag=185) / tcp('A') / LINE,
                    'drop_fragment')
    yield from left('last fragment', ether() / v4(frag=185) / tcp('A') / LINE, 'drop_fragment')
    yield from left('IPv6 fragment',
                    ether() / v6() / IPv6ExtHdrFragment(offset=0, m=1, nh=6) / tcp('A') / LINE,
                    'drop_fragment')
    yield from left('IPv6 atomic fragment',
                    ether() / v6() / IPv6ExtHdrFragment(nh=6) / tcp('A'), 'drop_fragment')


def cut(frame, count):
    return Raw(bytes(frame)[:count])


def broken_rows():
    whole4 = ether() / v4() / tcp('S', options=SYN_OPTIONS)
    whole6 = ether() / v6() / tcp('S', options=SYN_OPTIONS)
    for name, frame, l3_bytes in (('IPv4', whole4, 20), ('IPv6', whole6, 40)):
        for count in (0, 1, 13, 14, 15, 14 + l3_bytes - 1):
            yield Row(f'{name}: {count} bytes left', cut(frame, count), 'drop_truncated')
        for count in (14 + l3_bytes, 14 + l3_bytes + 19, len(bytes(frame)) - 1):
            yield Row(f'{name}: {count} bytes left', cut(frame, count), 'drop_bad_ip')
    yield Row('cut frame, kernel has a copy', cut(ether(LISTEN) / v4() / tcp('S'), 20),
              'left_to_kernel', arrives=LISTEN)
    for version in (0, 5, 6, 15):
        yield Row(f'IPv4 version {version}', ether() / v4(version=version) / tcp('S'),
                  'drop_bad_ip')
    yield Row('IPv6 version 4', ether() / v6(version=4) / tcp('S'), 'drop_bad_ip')
    yield Row('IHL 4', ether() / v4(ihl=4) / tcp('S'), 'drop_bad_ip')
    yield Row('IHL 0', ether() / v4(ihl=0) / tcp('S'), 'drop_bad_ip')
    yield Row('IHL beyond the packet', ether() / v4(ihl=15) / tcp('S'), 'drop_bad_ip')
    yield Row('total length within the header', ether() / v4(len=19) / tcp('S'), 'drop_bad_ip')
    yield Row('total length beyond the frame', ether() / v4(len=41) / tcp('S'), 'drop_bad_ip')
    yield Row('from an IPv4 group', ether() / v4(source='224.0.0.1') / tcp('S'), 'drop_bad_ip')
    yield Row('from IPv4 broadcast', ether() / v4(source='255.255.255.255') / tcp('S'),
              'drop_bad_ip')
    yield Row('from an IPv6 group', ether() / v6(source='ff02::1') / tcp('S'), 'drop_bad_ip')
    yield Row('IPv6 payload beyond the frame', ether() / v6(plen=21) / tcp('S'), 'drop_bad_ip')
    for base in (v4(), v6()):
        yield Row(f'{base.name}: data offset 4', ether() / base / tcp('S', dataofs=4),
                  'drop_bad_tcp')
        yield Row(f'{base.name}: data offset beyond the segment',
                  ether() / base / tcp('S', dataofs=6), 'drop_bad_tcp')
        yield Row(f'{base.name}: data offset into the padding',
                  ether() / base / tcp('S', dataofs=6) / Padding(bytes(6)), 'drop_bad_tcp')
    yield Row('19 bytes of TCP', ether() / v4(len=39) / tcp('S'), 'drop_bad_tcp')
    yield Row('no TCP at all', ether() / v6(plen=0) / tcp('S'), 'drop_bad_tcp')


def all_rows():
    for rows in (forwarding_rows, slot_rows, reset_rows, drop_rows, probe_rows, foreign_rows,
                 fragment_rows, broken_rows):
        yield from rows()


def run(replay, rows):
    """The answers of the replay program, one for each row."""
    lines = ''.join(json.dumps(row.case) + '\n' for row in rows)
    result = subprocess.run([replay], input=lines, stdout=subprocess.PIPE, text=True, check=False)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    if result.returncode != 0 or len(answers) != len(rows):
        at = rows[min(len(answers), len(rows) - 1)].description
        sys.exit(f'replay ended with status {result.returncode} after {len(answers)} of '
                 f'{len(rows)} rows, near: {at}')
    return answers


# One frame cannot fill a queue: tests/unit/test_transmit.c has this one.
NOT_SEEN_HERE = {'drop_tx_full'}


def missing_verdicts(replay, rows):
    """Verdicts that no row expects: each new one needs its golden frame."""
    names = subprocess.run([replay, '--verdicts'], stdout=subprocess.PIPE, text=True, check=True)
    return set(names.stdout.split()) - NOT_SEEN_HERE - {row.verdict for row in rows}


def main():
    replay = sys.argv[1]
    rows = list(all_rows())
    failed = 0
    for verdict in sorted(missing_verdicts(replay, rows)):
        print(f'FAILED: no row has the verdict {verdict}')
        failed += 1
    if len(sys.argv) > 2:
        rows = [row for row in rows if sys.argv[2] in row.description]
    names = [row.description for row in rows]
    for name in sorted({name for name in names if names.count(name) > 1}):
        print(f'FAILED: two rows are called {name}')
        failed += 1
    for row, answer in zip(rows, run(replay, rows)):
        complaint = row.complaint(answer)
        if complaint is not None:
            print(f'FAILED: {row.description}\n{complaint}\n')
            failed += 1
    print(f'golden frames: {len(rows)} rows, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
