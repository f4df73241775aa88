# SPDX-License-Identifier: BSD-3-Clause
"""What a worker must do with a frame, worked out from the rules alone and without its code: an
own decoder, somebody else's AES, and a dictionary for datagrams in pieces."""

import collections
import ipaddress
import struct

from session import session_hash, session_slot

EXTENSIONS_MAX, EXTENSION_BYTES_MAX = 8, 512
KEPT_OF_EACH = 64
V6_MTU_MIN = 1280
HOP_BY_HOP, ICMP, TCP, ROUTING, FRAGMENT, AH, ICMP6, OPTIONS = 0, 1, 6, 43, 44, 51, 58, 60
EXTENSIONS = {HOP_BY_HOP, ROUTING, FRAGMENT, AH, OPTIONS}
SYN, RST = 2, 4
OUTER_BYTES = {('l2dsr', 4): 0, ('l2dsr', 6): 0, ('nat', 4): 0, ('nat', 6): 0, ('ipip', 4): 20,
               ('ipip', 6): 40, ('gue', 4): 28, ('gue', 6): 48}


class Verdict(Exception):
    """Ends the way of a packet."""


class Damaged(Verdict):
    """Where the kernel has a copy, that is its own affair."""


class Foreign(Verdict):
    """The kernel's, where it has the frame or can get it."""


class Packet:
    """A frame as it is decoded: the outcome depends on these alone."""

    def __init__(self, frame):
        self.frame = frame
        self.offset = 0          # of the IP packet
        self.bytes = 0           # of the IP packet
        self.family = 4
        self.source = self.destination = None
        self.is_error = False    # ICMP, about a session
        self.piece = None        # of a datagram: 'first' or 'later'
        self.identification = 0
        self.dont_fragment = False
        self.ports = None        # client's and service's, once known
        self.client = self.service = None
        self.flags = 0


def checksum_is_right(header):
    total = sum(struct.unpack(f'>{len(header) // 2}H', header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff


def decode_tags(frame):
    """The VLAN ids that count, the type behind them, and its place."""
    kind, offset, ids = struct.unpack_from('>H', frame, 12)[0], 14, []
    for _ in range(2):
        if kind not in (0x8100, 0x88a8):
            break
        if len(frame) < offset + 4:
            raise Damaged('drop_truncated')
        tci, kind = struct.unpack_from('>HH', frame, offset)
        offset += 4
        if tci & 0xfff:
            ids.append(tci & 0xfff)
    return ids, kind, offset


def decode_tcp(packet, data):
    """`data`: the segment as far as its packet goes."""
    short = 'drop_fragment_tiny' if packet.piece == 'first' else 'drop_bad_tcp'
    if len(data) < 20:
        raise Verdict(short)
    header_bytes = (data[12] >> 4) * 4
    if header_bytes < 20:
        raise Verdict('drop_bad_tcp')
    if header_bytes > len(data):
        raise Verdict(short)
    packet.ports = struct.unpack_from('>HH', data)
    packet.flags = data[13]


def check_piece(offset, size, more):
    if size == 0 or offset + size > 65535 or (more and size % 8):
        raise Verdict('drop_bad_ip')


def decode_v4(packet, data):
    if len(data) < 20:
        raise Damaged('drop_truncated')
    header_bytes, total = (data[0] & 0xf) * 4, struct.unpack_from('>H', data, 2)[0]
    source, destination = (ipaddress.IPv4Address(data[at:at + 4]) for at in (12, 16))
    if (data[0] >> 4 != 4 or header_bytes < 20 or not header_bytes <= total <= len(data)
            or source.is_multicast or int(source) == 0xffffffff):
        raise Verdict('drop_bad_ip')
    packet.bytes, packet.source, packet.destination = total, source, destination
    rest = data[header_bytes:total]
    field = struct.unpack_from('>H', data, 6)[0]
    more, offset = bool(field & 0x2000), (field & 0x1fff) * 8
    packet.dont_fragment = bool(field & 0x4000)
    packet.identification = struct.unpack_from('>H', data, 4)[0]
    if more or offset:
        packet.piece = 'later' if offset else 'first'
        check_piece(offset, len(rest), more)
    if data[9] != TCP and not (data[9] == ICMP and not packet.piece and rest
                               and rest[0] in (3, 11, 12)):
        raise Foreign('drop_not_service')
    if not checksum_is_right(data[:header_bytes]):
        raise Verdict('drop_bad_checksum')
    if data[8] == 0:
        raise Verdict('drop_ttl')
    if offset == 8:
        raise Verdict('drop_fragment_tiny')
    decode_upper(packet, data[9], rest)


def decode_v6(packet, data):
    if len(data) < 40:
        raise Damaged('drop_truncated')
    total = 40 + struct.unpack_from('>H', data, 4)[0]
    if data[0] >> 4 != 6 or total > len(data) or data[8] == 0xff:
        raise Verdict('drop_bad_ip')
    packet.bytes = total
    packet.source, packet.destination = (ipaddress.IPv6Address(data[at:at + 16])
                                         for at in (8, 24))
    protocol, rest = follow_extensions(packet, data[6], data[40:total])
    if packet.source.ipv4_mapped or packet.destination.ipv4_mapped:
        raise Foreign('drop_not_service')
    # A later piece may have an extension header before TCP, in the first one.
    if packet.piece == 'later' and protocol in EXTENSIONS:
        protocol = TCP
    if protocol != TCP and not (protocol == ICMP6 and not packet.piece and rest
                                and rest[0] in (1, 2, 3, 4)):
        raise Foreign('drop_not_service')
    if data[7] == 0:
        raise Verdict('drop_ttl')
    decode_upper(packet, protocol, rest)


def follow_extensions(packet, protocol, rest):
    """What follows the extension headers, and what it is."""
    seen = count = 0
    while protocol in EXTENSIONS and packet.piece != 'later':
        short = 'drop_fragment_tiny' if packet.piece else 'drop_bad_ip'
        if count == EXTENSIONS_MAX:
            raise Damaged('drop_extensions')
        if len(rest) < 8:
            raise Verdict(short)
        size = 8 if protocol == FRAGMENT else (rest[1] + 2) * 4 if protocol == AH \
            else (rest[1] + 1) * 8
        if size > len(rest):
            raise Verdict(short)
        seen += size
        if seen > EXTENSION_BYTES_MAX:
            raise Damaged('drop_extensions')
        if protocol == HOP_BY_HOP and count:
            raise Verdict('drop_bad_ip')
        if protocol == ROUTING and rest[3]:
            raise Foreign('drop_not_service')
        if protocol == FRAGMENT:
            follow_fragment(packet, rest)
        protocol, rest, count = rest[0], rest[size:], count + 1
    return protocol, rest


def follow_fragment(packet, rest):
    field, identification = struct.unpack_from('>HI', rest, 2)
    offset, more = field & 0xfff8, field & 1
    if not offset and not more:
        return
    if packet.piece:
        raise Verdict('drop_bad_ip')
    check_piece(offset, len(rest) - 8, more)
    packet.piece = 'later' if offset else 'first'
    packet.identification = identification


def decode_upper(packet, protocol, rest):
    if protocol == TCP:
        if packet.piece != 'later':
            decode_tcp(packet, rest)
        packet.client, packet.service = packet.source, packet.destination
        return
    packet.is_error = True
    quote = decode_quote(packet.family, rest[8:]) if len(rest) >= 8 else None
    if quote is None or quote[0] != packet.destination:
        raise Foreign('drop_not_service')
    packet.service, packet.client, (service_port, client_port) = quote
    packet.ports = client_port, service_port


def decode_quote(family, data):
    """Its source, destination and ports; None when it is not TCP that could be a session's."""
    if family == 4:
        if len(data) < 20 or data[0] >> 4 != 4 or (data[0] & 0xf) < 5 or data[9] != TCP \
                or struct.unpack_from('>H', data, 6)[0] & 0x1fff:
            return None
        ends = [ipaddress.IPv4Address(data[at:at + 4]) for at in (12, 16)]
        rest = data[(data[0] & 0xf) * 4:]
    else:
        if len(data) < 40 or data[0] >> 4 != 6:
            return None
        quoted = Packet(b'')
        try:
            protocol, rest = follow_extensions(quoted, data[6], data[40:])
        except Verdict:
            return None
        if protocol != TCP or quoted.piece == 'later':
            return None
        ends = [ipaddress.IPv6Address(data[at:at + 16]) for at in (8, 24)]
        if ends[1].ipv4_mapped:
            return None
    return (*ends, struct.unpack_from('>HH', rest)) if len(rest) >= 8 else None


class Reference:
    """A worker, and what it knows, as world.h describes it."""

    def __init__(self, world):
        self.world = world
        self.key = bytes.fromhex(world['key'])
        self.endpoints = {(ipaddress.ip_address(address), port): service
                          for service in world['services']
                          for address, port in service['endpoints']}
        self.nat_sources = {(ipaddress.ip_address(source['address']), source['port'])
                            for source in world['nat_sources']}
        self.probe_sources = {ipaddress.ip_address(text) for text in world['probe_sources']}
        self.known, self.waiting = {}, collections.defaultdict(list)

    def outcome(self, frame, port_index):
        """The verdicts that the frame brings about, and the backends that get something."""
        verdicts, backends = collections.Counter(), []
        self.meet(frame, port_index, verdicts, backends)
        return dict(verdicts), backends

    def meet(self, frame, port_index, verdicts, backends):
        port = self.world['ports'][port_index]
        try:
            packet = self.decode(frame, port)
            if packet.piece and not self.follow(packet, port_index):
                return
            verdict, backend = self.decide(packet, port)
        except Verdict as end:
            verdict, backend = self.refused(end, port), None
            packet = None
        if verdict in ('passed_to_kernel', 'returned') and len(frame) > port['kernel_frame_max']:
            verdict = 'drop_too_big'
        verdicts[verdict] += 1
        if backend is not None:
            backends.append(backend)
        if packet is not None and packet.piece == 'first':
            for waiting, index in self.waiting.pop(self.datagram(packet), []):
                self.meet(waiting, index, verdicts, backends)

    def refused(self, end, port):
        verdict, = end.args
        if port['kind'] == 'af_packet' and isinstance(end, (Damaged, Foreign)):
            return 'left_to_kernel'
        if port['kernel_side'] != 'none' and isinstance(end, Foreign):
            return 'passed_to_kernel'
        return verdict

    def decode(self, frame, port):
        if len(frame) < 14:
            raise Damaged('drop_truncated')
        station = frame[:6].hex(':')
        if not frame[0] & 1 and station != port['mac']:
            raise Damaged('drop_not_ours')
        packet = Packet(frame)
        ids, kind, packet.offset = decode_tags(frame)
        if ids != port['tags']:
            raise Foreign('drop_vlan')
        if frame[0] & 1 or kind not in (0x0800, 0x86dd):
            raise Foreign('drop_not_service')
        packet.family = 4 if kind == 0x0800 else 6
        (decode_v4 if packet.family == 4 else decode_v6)(packet, frame[packet.offset:])
        return packet

    @staticmethod
    def datagram(packet):
        return packet.source, packet.destination, packet.identification

    def follow(self, packet, port_index):
        """False: it waits for its first fragment."""
        if not any(address == packet.destination for address, _ in self.endpoints) and \
                not any(address == packet.source for address, _ in self.nat_sources):
            raise Foreign('drop_not_service')
        name = self.datagram(packet)
        if packet.piece == 'first':
            self.known[name] = packet.ports
        elif name in self.known:
            packet.ports = self.known[name]
        elif len(self.waiting[name]) == KEPT_OF_EACH:
            raise Verdict('drop_fragment_full')
        else:
            self.waiting[name].append((packet.frame, port_index))
            return False
        return True

    def decide(self, packet, port):
        """A verdict, and the backend that gets the packet."""
        client_port, service_port = packet.ports
        service = self.endpoints.get((packet.service, service_port))
        if service is None:
            return self.not_to_service(packet, port, client_port), None
        excluded = any(
            ipaddress.ip_address(first) <= packet.client <= ipaddress.ip_address(last)
            for first, last in service['exclude']
            if ipaddress.ip_address(first).version == packet.client.version)
        answerable = not (packet.is_error or packet.piece == 'later' or packet.flags & RST)
        if excluded:
            if packet.is_error:
                return self.given_back(port, 'drop_excluded'), None
            return 'reset_excluded' if service['reject'] and answerable else 'drop_excluded', None
        slots = self.world['pools'][service['pool']]
        value = session_hash(self.key, packet.client, packet.service, client_port, service_port)
        backend = slots[session_slot(value, len(slots))][0]
        if backend is None:
            return 'reset_no_backend' if answerable else 'drop_no_backend', None
        return self.send(packet, backend)

    def given_back(self, port, verdict):
        """To the kernel that steering has hidden it from."""
        return 'passed_to_kernel' if port['kernel_side'] != 'none' else verdict

    def not_to_service(self, packet, port, client_port):
        from_nat = (packet.client, client_port) in self.nat_sources
        if from_nat and packet.service in self.probe_sources:
            return 'probe_reply'
        if from_nat:
            return 'returned' if port['kernel_side'] != 'none' else 'drop_not_service'
        if packet.service in self.probe_sources and not packet.is_error and \
                (packet.client, client_port) in self.endpoints:
            return 'probe_reply'
        if packet.piece:
            return self.given_back(port, 'drop_not_service')
        raise Foreign('drop_not_service')

    def send(self, packet, number):
        backend = self.world['backends'][number]
        way, mode = backend['way'], backend['forwarding']
        if way is None:
            return 'drop_no_next_hop', None
        family = ipaddress.ip_address(backend['address']).version
        limit = way['mtu'] - OUTER_BYTES[mode, family]
        if packet.bytes > limit and (packet.family == 6 or packet.dont_fragment):
            return self.too_big(packet, limit), None
        if mode == 'nat' and packet.family != family:
            return 'drop_family', None
        return 'forwarded_icmp' if packet.is_error else 'forwarded', number

    @staticmethod
    def too_big(packet, limit):
        source = packet.source
        if packet.is_error or source.is_loopback or source.is_unspecified:
            return 'drop_too_big'
        if packet.family == 6:
            return 'too_big' if packet.bytes > max(limit, V6_MTU_MIN) else 'drop_too_big'
        if packet.piece == 'later' or source.packed[0] == 0 or source.packed[0] >= 224:
            return 'drop_too_big'
        return 'too_big'
