# SPDX-License-Identifier: BSD-3-Clause
"""Frames as scapy builds them, and what mailrail is to make of them, built by scapy again."""

import copy

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import NoPayload, Padding, Raw

from session import session_hash
from world import (
    CLIENT, CLIENT6, GUE_PORT, HUB1, HUB_ADDRESSES, HUB_ADDRESSES6, HUBS, KEY, LAN, MACS,
    OUTER_SOURCE, OUTER_SOURCE6, ROUTER, VIP, VIP6, WAN)

SYN_OPTIONS = [('MSS', 1460), ('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None),
               ('WScale', 7)]
DATA_OPTIONS = [('NOP', None), ('NOP', None), ('Timestamp', (77, 88))]
LINE = Raw(b'MAIL FROM:<alice@example.org>\r\n')
FULL = Raw(bytes(range(256)) * 5 + bytes(168))  # 1448 bytes: with timestamps, a full segment

OUTER_TTL = 64


def ether(port=WAN, source=ROUTER):
    return Ether(dst=MACS[port], src=source)


def v4(source=CLIENT, destination=VIP, **fields):
    return IP(**{'src': source, 'dst': destination, 'ttl': 57, 'id': 0x4d52, **fields})


def v6(source=CLIENT6, destination=VIP6, **fields):
    return IPv6(**{'src': source, 'dst': destination, 'hlim': 57, **fields})


def tcp(flags, **fields):
    fields = {'sport': 40000, 'dport': 25, 'seq': 1000, 'ack': 0, 'window': 64240, **fields}
    return TCP(flags=flags, **fields)


def cut(frame, count):
    return Raw(bytes(frame)[:count])


def network(frame):
    """A copy of what is behind the link header, padding included."""
    layer = frame
    while isinstance(layer, (Ether, Dot1Q, Dot1AD)):
        layer = layer.payload
    return copy.deepcopy(layer)


def link_layers(frame):
    """A copy of the link header alone, with its tags."""
    front = copy.deepcopy(frame)
    last = front
    while isinstance(last.payload, (Dot1Q, Dot1AD)):
        last = last.payload
    last.remove_payload()
    return front


def without_padding(packet):
    packet = copy.deepcopy(packet)
    if packet.haslayer(Padding):
        packet[Padding].underlayer.remove_payload()
    return packet


def tags(*ids):
    """One tag is a customer's (IEEE 802.1Q), of two the outer one is a provider's (802.1ad)."""
    layer = NoPayload()
    for index, vlan in enumerate(ids):
        kind = Dot1AD if len(ids) == 2 and index == 0 else Dot1Q
        tag = kind(vlan=vlan)
        layer = tag if isinstance(layer, NoPayload) else layer / tag
    return layer


def link(destination, source, *ids):
    base = Ether(dst=destination, src=source)
    return base / tags(*ids) if ids else base


def readdressed(frame, destination, source=None):
    """The same frame between other stations; everything behind the addresses stays."""
    out = copy.deepcopy(frame)
    out[Ether].dst = destination
    if source is not None:
        out[Ether].src = source
    return out


def tuple_hash(packet):
    """Of a TCP packet that comes from its client."""
    ip = packet[IP] if IP in packet else packet[IPv6]
    return session_hash(KEY, ip.src, ip.dst, packet[TCP].sport, packet[TCP].dport)


def outer_header(inner, outer, value, hub, protocol):
    """Of a tunnel; `value` is the session's hash."""
    if outer == 4:
        tos = inner.tos if isinstance(inner, IP) else inner.tc
        return IP(src=OUTER_SOURCE, dst=HUB_ADDRESSES[hub], ttl=OUTER_TTL, tos=tos, flags='DF',
                  id=0, proto=protocol)
    tc = inner.tos if isinstance(inner, IP) else inner.tc
    return IPv6(src=OUTER_SOURCE6, dst=HUB_ADDRESSES6[hub], hlim=OUTER_TTL, tc=tc,
                fl=flow_label(value), nh=protocol)


def flow_label(value):
    """RFC 6438: from the session alone, so that its packets take one path."""
    return value >> 44


def tunnelled(frame, forwarding, outer, value=None, hub=HUB1, front=None, gue_port=GUE_PORT):
    """What arrives at the hub; `value` where the packet does not say its session itself."""
    inner = without_padding(network(frame))
    value = tuple_hash(inner) if value is None else value
    front = front or link(HUBS[hub], MACS[LAN])
    if forwarding == 'ipip':
        protocol = 4 if isinstance(inner, IP) else 41
        header = outer_header(inner, outer, value, hub, protocol)
    else:
        # GUE, variant 1: UDP is right in front of IP, whose version says which (section 2).
        header = (outer_header(inner, outer, value, hub, 17)
                  / UDP(sport=0xc000 | value >> 50, dport=gue_port, chksum=0))
    return front / header / Raw(bytes(inner))


def natted(frame, hub=HUB1, front=None):
    """For the hub's own address: scapy computes the checksums anew."""
    packet = network(frame)
    packet.dst = (HUB_ADDRESSES if isinstance(packet, IP) else HUB_ADDRESSES6)[hub]
    return (front or link(HUBS[hub], MACS[LAN])) / packet


def icmp_needed(mtu, **fields):
    return ICMP(type=3, code=4, nexthopmtu=mtu, **fields)
