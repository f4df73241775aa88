# SPDX-License-Identifier: BSD-3-Clause
"""Sessions of a pool in mode l2dsr, whose frames show best what else happens to a packet: which
backend gets it, who is refused and how, and what the prober sends and hears."""

from scapy.layers.inet import IP, TCP, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Padding, Raw

from frames import (
    DATA_OPTIONS, FULL, LINE, SYN_OPTIONS, ether, link, network, readdressed, tcp, v4, v6)
from row import forwarded, left, row
from world import (
    CLIENT, DEAD, HUB1, HUB2, HUBS, LAN, LISTEN, MACS, MOVING, NO_BACKEND, PROBE_PORT,
    PROBE_PORT_DEAD, PROBE_PORT_UNREACHED, PROBE_SOURCE, PROBE_SOURCE6, PROBER, QUIET, QUIET6,
    ROOM_FOR_NOBODY_NEW, ROUTER, UNREACHED, VIP, VIP6, WAN, ports)


def forwarding_rows():
    data = tcp('PA', ack=2000, options=DATA_OPTIONS) / LINE
    yield forwarded('IPv4 SYN', ether() / v4() / tcp('S', options=SYN_OPTIONS))
    yield forwarded('IPv6 SYN', ether() / v6() / tcp('S', options=SYN_OPTIONS))
    yield forwarded('IPv4 SYN, second port', ether() / v4() / tcp('S', dport=465))
    yield forwarded('IPv4 SYN, third port', ether() / v4() / tcp('S', dport=587))
    yield forwarded('IPv6 SYN, second port', ether() / v6() / tcp('S', dport=465))
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
    yield row('nobody for new sessions: reset', question, 'reset_no_backend', WAN,
              reset(question, 'RA', 0, 1001), **ROOM_FOR_NOBODY_NEW)
    yield row('backend without a next hop', question, 'drop_no_next_hop',
              pools=[[[UNREACHED, UNREACHED, False]]])


def reset(question, flags, seq, ack, port=WAN, tag_ids=()):
    """RFC 9293, section 3.10.7.1, as a host would send it."""
    tcp_header = TCP(sport=question[TCP].dport, dport=question[TCP].sport, flags=flags, seq=seq,
                     ack=ack, window=0)
    back = link(question[Ether].src, MACS[port], *tag_ids)
    if IP in question:
        return back / IP(src=question[IP].dst, dst=question[IP].src, id=0, flags='DF',
                         ttl=64) / tcp_header
    return back / IPv6(src=question[IPv6].dst, dst=question[IPv6].src, hlim=64) / tcp_header


def reset_row(description, question, flags, seq, ack, **changes):
    port = changes.get('arrives', WAN)
    verdict = 'reset_no_backend' if 'pools' in changes else 'reset_excluded'
    return row(description, question, verdict, port, reset(question, flags, seq, ack, port),
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
            yield row(f'reset: {name}: {flags} is never answered', base / tcp(flags), verdict,
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
    for tag_ids in ((7,), (7, 8)):
        for base in (v4('10.0.0.3'), v6('2001:db8::3')):
            question = link(MACS[WAN], ROUTER, *tag_ids) / base / tcp('A', ack=5)
            yield row(f'reset: {base.name} with {len(tag_ids)} tags', question, 'reset_excluded',
                      WAN, reset(question, 'R', 5, 0, tag_ids=tag_ids),
                      ports=ports(wan={'tags': tag_ids}))


def drop_rows():
    for base in (ether() / v4('10.0.0.3', QUIET), ether() / v6('2001:db8::3', QUIET6)):
        for flags in ('S', 'A', 'FA', 'R'):
            yield row(f'excluded in silence: {base.lastlayer().name} {flags}', base / tcp(flags),
                      'drop_excluded')
    yield forwarded('the quiet service, from elsewhere', ether() / v4(CLIENT, QUIET) / tcp('S'))


def probe_rows():
    # The prober's kernel knows no neighbour there: its frames' addresses mean nothing.
    for base, back in ((v4(PROBE_SOURCE), v4(VIP, PROBE_SOURCE)),
                       (v6(PROBE_SOURCE6), v6(VIP6, PROBE_SOURCE6))):
        family = base.name
        out = Ether(dst='02:11:11:11:11:11', src=PROBER) / base / tcp('S', sport=PROBE_PORT)
        yield row(f'probe out: {family}', out, 'probe_sent', LAN,
                  readdressed(out, HUBS[HUB2], MACS[LAN]), arrives='probe')
        yield row(f'probe out while the pool is empty: {family}', out, 'probe_sent', LAN,
                  readdressed(out, HUBS[HUB2], MACS[LAN]), arrives='probe', **NO_BACKEND)
        yield row(f'probe out by a tagged port: {family}', out, 'probe_sent', LAN,
                  link(HUBS[HUB2], MACS[LAN], 9) / network(out), arrives='probe',
                  ports=ports(lan={'tags': [9]}))
        reply = (ether(LAN, HUBS[HUB2]) / back
                 / tcp('SA', sport=25, dport=PROBE_PORT, ack=1001, options=SYN_OPTIONS))
        yield row(f'probe reply: {family}', reply, 'probe_reply', 'probe',
                  readdressed(reply, PROBER, HUBS[HUB2]), arrives=LAN)
        yield row(f'probe reply by a tagged port: {family}',
                  link(MACS[LAN], HUBS[HUB2], 9) / network(reply), 'probe_reply', 'probe',
                  readdressed(reply, PROBER, HUBS[HUB2]), arrives=LAN,
                  ports=ports(lan={'tags': [9]}))
        banner = (ether(LAN, HUBS[HUB2]) / back
                  / tcp('PA', sport=25, dport=PROBE_PORT) / Raw(b'220 mail.example.com ESMTP\r\n'))
        yield row(f'banner for the prober: {family}', banner, 'probe_reply', 'probe',
                  readdressed(banner, PROBER, HUBS[HUB2]), arrives=LAN)
    probe = Ether(dst=ROUTER, src=PROBER) / v4(PROBE_SOURCE)
    dead = probe / tcp('S', sport=PROBE_PORT_DEAD)
    yield row('probe out to a backend that is down', dead, 'probe_sent', LAN,
              readdressed(dead, HUBS[DEAD], MACS[LAN]), arrives='probe')
    yield row('probe to a backend without a next hop',
              probe / tcp('S', sport=PROBE_PORT_UNREACHED), 'drop_no_next_hop', arrives='probe')
    yield row('prober: no probe is open on that port', probe / tcp('S', sport=50009),
              'drop_no_probe', arrives='probe')
    yield row('prober: neighbour solicitation and the like', Ether(dst=ROUTER, src=PROBER) / ARP(),
              'drop_not_service', arrives='probe')
    yield from left('answer from a port that is no service',
                    ether() / v4(VIP, PROBE_SOURCE) / tcp('SA', sport=26, dport=PROBE_PORT),
                    'drop_not_service')
    yield row('answer to somebody else',
              ether(LAN, HUBS[HUB2]) / v4(VIP, CLIENT) / tcp('SA', sport=25, dport=40000),
              'drop_not_service', arrives=LAN)


def rows():
    for some in (forwarding_rows, slot_rows, reset_rows, drop_rows, probe_rows):
        yield from some()
