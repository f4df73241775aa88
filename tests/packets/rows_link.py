# SPDX-License-Identifier: BSD-3-Clause
"""The link: VLAN tags in and out, other stations' frames, jumbo frames in several buffers, and
frames that are no IP."""

from scapy.layers.inet import ICMP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Padding, Raw

from frames import LINE, cut, ether, link, network, readdressed, tcp, tunnelled, v4, v6
from row import Row, Step, forwarded, left, row
from world import (
    CLIENT, CLIENT6, HUB1, HUBS, KERNEL, LAN, LISTEN, MACS, ROUTER, TWIN, VIP6, WAN,
    backends, ports)

TAGGED = [((), ()), ((7,), ()), ((), (9,)), ((7,), (9,)), ((7, 8), ()), ((), (9, 10)),
          ((7, 8), (9, 10)), ((7,), (9, 10)), ((7, 8), (9,)), ((4094,), (1,))]


def tag_rows():
    for tags_in, tags_out in TAGGED:
        place = {'ports': ports(wan={'tags': tags_in}, lan={'tags': tags_out})}
        for base in (v4(), v6()):
            packet = base / tcp('PA') / LINE
            frame = link(MACS[WAN], ROUTER, *tags_in) / packet
            name = f'{base.name} tags in {tags_in}, out {tags_out}'
            yield row(name, frame, 'forwarded', LAN,
                      link(HUBS[HUB1], MACS[LAN], *tags_out) / packet,
                      **place)
            for forwarding, outer in (('ipip', 4), ('gue', 6)):
                out = tunnelled(frame, forwarding, outer,
                                front=link(HUBS[HUB1], MACS[LAN], *tags_out))
                yield row(f'{name}, {forwarding} in IPv{outer}', frame, 'forwarded', LAN, out,
                          backends=backends(forwarding, outer), **place)


def tag_protocol_rows():
    """What counts is the VLAN id: neither priority, nor drop eligibility, nor the type."""
    packet = v4() / tcp('PA') / LINE
    out = link(HUBS[HUB1], MACS[LAN]) / packet
    base = Ether(dst=MACS[WAN], src=ROUTER)
    untagged = {
        'priority tag': base / Dot1Q(vlan=0, prio=5),
        'priority tag of a provider': base / Dot1AD(vlan=0, prio=5),
        'two priority tags': base / Dot1Q(vlan=0) / Dot1Q(vlan=0),
    }
    for name, front in untagged.items():
        yield row(name, front / packet, 'forwarded', LAN, out)
    one = {'ports': ports(wan={'tags': [7]})}
    fronts = {
        'priority and drop eligibility': base / Dot1Q(vlan=7, prio=7, id=1),
        'a single tag of type 88a8': base / Dot1AD(vlan=7),
        'priority tag in front of the tag': base / Dot1AD(vlan=0, prio=3) / Dot1Q(vlan=7),
        'priority tag behind the tag': base / Dot1AD(vlan=7) / Dot1Q(vlan=0, prio=3),
    }
    for name, front in fronts.items():
        yield row(name, front / packet, 'forwarded', LAN, out, **one)
    two = {'ports': ports(wan={'tags': [7, 8]})}
    for outer in (Dot1Q, Dot1AD):
        for inner in (Dot1Q, Dot1AD):
            yield row(f'two tags, {outer.__name__} and {inner.__name__}',
                      base / outer(vlan=7) / inner(vlan=8) / packet, 'forwarded', LAN, out, **two)


def wrong_tag_rows():
    packet = v4() / tcp('S')
    yield from left('tag on a port without', link(MACS[WAN], ROUTER, 7) / packet, 'drop_vlan')
    yield from left('two tags on a port without', link(MACS[WAN], ROUTER, 7, 8) / packet,
                    'drop_vlan')
    cases = [((7,), ()), ((7,), (8,)), ((7,), (7, 8)), ((7,), (8, 7)), ((7, 8), ()),
             ((7, 8), (7,)), ((7, 8), (8,)), ((7, 8), (8, 7)), ((7, 8), (7, 9))]
    for wanted, got in cases:
        frame = link(MACS[WAN], ROUTER, *got) / packet
        name = f'tags {got} on a port with {wanted}'
        yield row(name, frame, 'drop_vlan', ports=ports(wan={'tags': wanted}))
        yield row(name + ', to the twin', frame, 'passed_to_kernel', f'kernel{WAN}', frame,
                  ports=ports(wan={'tags': wanted, 'kernel_side': 'twin'}))
        yield row(name + ', kernel has a copy', frame, 'left_to_kernel',
                  ports=ports(wan={'tags': wanted, 'kind': 'af_packet'}))
    three = Ether(dst=MACS[WAN], src=ROUTER) / Dot1AD(vlan=7) / Dot1Q(vlan=8) / Dot1Q(vlan=9)
    yield row('three tags', three / packet, 'drop_not_service',
              ports=ports(wan={'tags': [7, 8]}))


def sibling_rows():
    """Several ports on one device: the tags tell whose a frame is."""
    place = {'ports': ports(wan={'tags': [7]}, lan={'device': WAN, 'tags': [7, 8],
                                                    'mac': MACS[WAN]},
                            listen={'kind': 'vdev', 'device': WAN, 'mac': MACS[WAN]})}
    packet = v4() / tcp('S')
    for tag_ids in ((7,), (7, 8), ()):
        yield row(f'siblings: tags {tag_ids}', link(MACS[WAN], ROUTER, *tag_ids) / packet,
                  'forwarded', WAN, link(HUBS[HUB1], MACS[WAN], 7, 8) / packet, **place)
    yield row('siblings: nobody has these tags', link(MACS[WAN], ROUTER, 8) / packet, 'drop_vlan',
              **place)


def station_rows():
    packet = v4() / tcp('S')
    for name, station in (('another station', '02:00:00:00:00:55'), ('a backend', HUBS[HUB1])):
        frame = Ether(dst=station, src=ROUTER) / packet
        yield row(f'frame to {name}', frame, 'drop_not_ours')
        yield row(f'frame to {name}, kernel has a copy', frame, 'left_to_kernel', arrives=LISTEN)
        yield row(f'frame to {name}, on a port with a twin', frame, 'drop_not_ours', arrives=TWIN)
    for name, station in (('broadcast', 'ff:ff:ff:ff:ff:ff'),
                          ('IPv4 multicast', '01:00:5e:00:00:01'),
                          ('IPv6 multicast', '33:33:00:00:00:01')):
        yield from left(f'frame to {name}', Ether(dst=station, src=ROUTER) / packet,
                        'drop_not_service')
    yield row("another port's address", ether(LAN) / packet, 'drop_not_ours')


def foreign_rows():
    yield from left('another port', ether() / v4() / tcp('S', dport=22), 'drop_not_service')
    yield from left('another address', ether() / v4(CLIENT, '10.0.0.12') / tcp('S'),
                    'drop_not_service')
    yield from left('IPv6 service has not that port', ether() / v6() / tcp('S', dport=587),
                    'drop_not_service')
    yield from left('UDP to the service', ether() / v4() / UDP(sport=1, dport=25),
                    'drop_not_service')
    yield from left('UDP to the IPv6 service', ether() / v6() / UDP(sport=1, dport=25),
                    'drop_not_service')
    yield from left('ping', ether() / v4() / ICMP(), 'drop_not_service')
    yield from left('ping, IPv6', ether() / v6() / ICMPv6EchoRequest(), 'drop_not_service')
    for name, number in (('GRE', 47), ('ESP', 50), ('IPv4 in IPv4', 4), ('SCTP', 132)):
        yield from left(f'{name} to the service', ether() / v4(proto=number) / Raw(bytes(40)),
                        'drop_not_service')
        yield from left(f'{name} to the IPv6 service', ether() / v6(nh=number) / Raw(bytes(40)),
                        'drop_not_service')
    yield from left('ARP', Ether(dst=MACS[WAN], src=ROUTER) / ARP(pdst='10.0.0.10'),
                    'drop_not_service')
    yield from left('802.3 length instead of a type',
                    Ether(dst=MACS[WAN], src=ROUTER, type=46) / Raw(bytes(46)),
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


def kernel_rows():
    """What the kernel sends by a port's kernel side leaves by the port as it is."""
    frames = {
        'ARP': Ether(dst='ff:ff:ff:ff:ff:ff', src=MACS[TWIN]) / ARP(pdst='10.0.0.1'),
        'its own TCP': Ether(dst=ROUTER, src=MACS[TWIN]) / v4('10.0.0.2', CLIENT) / tcp('S'),
        'TCP to a service': Ether(dst=ROUTER, src=MACS[TWIN]) / v4('10.0.0.2') / tcp('S'),
        'frame to the port itself': Ether(dst=MACS[TWIN], src=MACS[TWIN]) / v4() / tcp('S'),
        'tags': link(ROUTER, MACS[TWIN], 7, 8) / v6(VIP6, CLIENT6) / tcp('S'),
        'half a frame': cut(Ether(dst=ROUTER, src=MACS[TWIN]) / v4() / tcp('S'), 20),
    }
    for name, frame in frames.items():
        yield row(f'from the kernel: {name}', frame, 'from_kernel', TWIN, frame,
                  arrives=f'kernel{TWIN}')
    tagged = link(MACS[WAN], ROUTER, 7, 8) / v4() / ICMP()
    place = {'tags': [7, 8], 'kernel_side': 'twin'}
    yield row('a twin gets frames with their tags', tagged, 'passed_to_kernel', f'kernel{WAN}',
              tagged, ports=ports(wan=place))
    yield row("the kernel's own interface gets frames without", tagged, 'passed_to_kernel',
              f'kernel{WAN}', link(KERNEL, ROUTER) / network(tagged),
              ports=ports(wan={**place, 'kind': 'af_xdp', 'kernel_side': 'shared'}))


def kernel_size_rows():
    """A TAP takes no more than its MTU, with two tags."""
    for size, fits in ((1522, True), (1523, False)):
        frame = link(MACS[WAN], ROUTER, 7, 8) / v4() / ICMP() / Raw(bytes(size - 22 - 28))
        for side, out in (('twin', frame), ('shared', link(KERNEL, ROUTER) / network(frame))):
            place = {'ports': ports(wan={'tags': [7, 8], 'kernel_side': side})}
            name = f'{size} bytes for the kernel, {side}'
            if fits:
                yield row(name, frame, 'passed_to_kernel', f'kernel{WAN}', out, **place)
            else:
                yield row(name, frame, 'drop_too_big', **place)


def jumbo_rows():
    """More than one buffer holds: every mode, and cuts of the buffers at all headers."""
    packet = tcp('PA') / Raw(bytes(range(256)) * 34)
    shapes = {'three buffers': [2048, 4096], 'a short first buffer': [64, 3000],
              'many buffers': [2048, 1024, 1024, 1024, 1024, 1024]}
    for base in (v4(), v6()):
        for name, segments in shapes.items():
            frame = ether() / base / packet
            how = {'segments': segments}
            title = f'{base.name} jumbo frame in {name}'
            out = {'l2dsr': readdressed(frame, HUBS[HUB1], MACS[LAN])}
            for forwarding in ('ipip', 'gue'):
                for outer in (4, 6):
                    out[f'{forwarding} {outer}'] = tunnelled(frame, forwarding, outer)
            for mode, expected in out.items():
                forwarding, outer = mode.split()[0], int((mode + ' 4').split()[1])
                yield row(f'{title}, {mode}', frame, 'forwarded', LAN, expected, how=how,
                          backends=backends(forwarding, outer, mtu=9216))
            yield row(f'{title}, for a driver of single buffers', frame, 'drop_no_room', how=how,
                      ports=ports(lan={'joins_segments': True}),
                      backends=backends(mtu=9216))
    padded = ether() / v4() / tcp('A') / Padding(b'\xff' * 100)
    for segments in ([60, 10], [54, 50], [40, 10, 4, 50]):
        yield row(f'padding in buffers {segments} trimmed', padded, 'forwarded', LAN,
                  tunnelled(padded, 'ipip', 4), how={'segments': segments},
                  backends=backends('ipip'))


def scattered_rows():
    small = ether() / v4() / tcp('PA') / LINE
    for tag_ids in ((), (7, 8)):
        frame = link(MACS[WAN], ROUTER, *tag_ids) / network(small)
        place = {'ports': ports(wan={'tags': tag_ids})}
        out = link(HUBS[HUB1], MACS[LAN]) / network(small)
        for size in range(1, len(bytes(frame)), 3):
            yield row(f'tags {tag_ids}: buffers of {size} bytes', frame, 'forwarded', LAN, out,
                      how={'segments': [size] * 6}, **place)
    yield forwarded('an empty first buffer', small, how={'segments': [0, 0, 10]})
    for size in (14, 33, 53):
        yield row(f'{size} bytes, and no room to pull the header up', small, 'drop_scattered',
                  how={'segments': [size], 'tailroom': 0})
    yield forwarded('the header fills the first buffer', small,
                    how={'segments': [54], 'tailroom': 0})
    jumbo_out = readdressed(small, HUBS[HUB1], MACS[LAN])
    yield Row('joined for a driver of single buffers',
              [Step(small, 'forwarded', [(LAN, jumbo_out)], segments=[40, 20, 10])],
              ports=ports(lan={'joins_segments': True}))
    yield Row('copied for a driver of single buffers, as the first one is full',
              [Step(small, 'forwarded', [(LAN, jumbo_out)], segments=[54, 10], tailroom=0)],
              ports=ports(lan={'joins_segments': True}))
    yield row('no room in front for the outer headers', small, 'drop_no_room',
              how={'headroom': 0}, backends=backends('ipip'))
    yield row('no room in front for the tags', small, 'drop_no_room', how={'headroom': 0},
              ports=ports(lan={'tags': [7, 8]}))


def rows():
    for some in (tag_rows, tag_protocol_rows, wrong_tag_rows, sibling_rows, station_rows,
                 foreign_rows, kernel_rows, kernel_size_rows, jumbo_rows, scattered_rows):
        yield from some()
