#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random frames of every kind, whole, cut and with flipped bits, through the real worker: each
gets the verdict, and the backend, that an independent reference works out. Usage:

    property.py REPLAY [--frames N] [--seed S]
"""

import argparse
import ipaddress
import random
import struct
import sys
import time

from reference import (
    AH, FRAGMENT, HOP_BY_HOP, ICMP, ICMP6, OPTIONS, ROUTING, TCP, OUTER_BYTES,
    Reference)
from replay import Replay, arrival
from world import (
    GUE_PORT, HUB_ADDRESSES, HUB_ADDRESSES6, KEY, LAN, OUTER_SOURCE, OUTER_SOURCE6,
    PROBE_SOURCE, PROBE_SOURCE6, QUIET, QUIET6, VIP, VIP6, ports, world)

FRAMES_OF_A_CASE = 400
SLOTS = 251
MODES = [('l2dsr', 4, 1500), ('ipip', 4, 1500), ('ipip', 6, 1500), ('gue', 4, 1500),
         ('gue', 6, 9000), ('nat', 4, 1500), ('nat', 6, 1500), ('l2dsr', 4, 400),
         ('ipip', 6, 1280)]
UNREACHED = len(MODES)


def station(number):
    return f'02:00:00:00:01:{number:02x}'


def make_backend(number, forwarding, family, mtu):
    address = (HUB_ADDRESSES if family == 4 else HUB_ADDRESSES6)[number % 4]
    way = {'port': LAN, 'next_hop': station(number), 'mtu': mtu,
           'outer_source': OUTER_SOURCE if family == 4 else OUTER_SOURCE6, 'source_bits': 0,
           'gue_port': GUE_PORT}
    return {'alive': True, 'forwarding': forwarding, 'address': address, 'mss': 0, 'way': way}


def make_world(rng):
    backends = [make_backend(number, *mode) for number, mode in enumerate(MODES)]
    backends.append({**backends[0], 'way': None})
    choices = [*range(len(backends))] * 4 + [None]
    slots = [[choice, choice, False] for choice in (rng.choice(choices) for _ in range(SLOTS))]
    nat = [number for number, mode in enumerate(MODES) if mode[0] == 'nat']
    return world(
        key=rng.randbytes(len(KEY)).hex(), pools=[slots], backends=backends,
        nat_sources=[{'address': backends[number]['address'], 'port': 25,
                      'service_address': VIP if MODES[number][1] == 4 else VIP6,
                      'service': 0, 'backend': number} for number in nat],
        ports=ports(lan={'kernel_side': 'twin'},
                    listen={'kernel_side': 'shared', 'tags': [9]},
                    twin={'tags': [7, 8]}))


class Frames:
    """Makes them. Everything has a small chance of being what no sane host sends."""

    def __init__(self, rng):
        self.rng = rng

    def seldom(self, one_in):
        return self.rng.randrange(one_in) == 0

    def address(self, family, *well_known):
        """One that matters, or anybody's."""
        if self.seldom(8):
            return ipaddress.ip_address(self.rng.choice(well_known)).packed
        if family == 4:
            return bytes([192, 0, 2, self.rng.randrange(256)])
        return bytes.fromhex('20010db8000c000000000000') + self.rng.randbytes(4)

    def client(self, family):
        if family == 4:
            return self.address(4, '10.0.0.3', '10.0.0.63', PROBE_SOURCE, '224.0.0.1', '127.0.0.1',
                                '0.0.0.0', '255.255.255.255', '240.0.0.1', HUB_ADDRESSES[1])
        return self.address(6, '2001:db8::3', PROBE_SOURCE6, 'ff02::1', '::1', '::',
                            '::ffff:10.0.0.3', HUB_ADDRESSES6[2])

    def service(self, family):
        usual, others = ((VIP, (QUIET, '10.0.0.12', PROBE_SOURCE, HUB_ADDRESSES[1]))
                         if family == 4 else
                         (VIP6, (QUIET6, '2001:db8::12', PROBE_SOURCE6, '::ffff:10.0.0.10')))
        text = usual if not self.seldom(8) else self.rng.choice(others)
        return ipaddress.ip_address(text).packed

    def segment(self, client_side=True):
        """TCP, with options and text; few client ports, so that datagrams find one another."""
        options = bytes([1]) * (4 * self.rng.choice((0, 0, 0, 3, 5, 10)))
        offset = self.rng.randrange(16) if self.seldom(30) else 5 + len(options) // 4
        service = self.rng.choice((25, 25, 25, 25, 587, 22))
        client = self.rng.randrange(65536) if self.seldom(2) else 40000 + self.rng.randrange(9)
        ends = (client, service) if client_side else (service, client)
        flags = self.rng.choice((2, 0x10, 0x18, 0x11, 4, 0x14, self.rng.randrange(256)))
        size = self.rng.choice((0, 0, 1, 13, 100, 536, 1200, 1440, 1460, 3000))
        return struct.pack('>HHIIBBHHH', *ends, 1, 2, offset << 4, flags, 64240, 0, 0) \
            + options + self.rng.randbytes(size)

    def ip(self, family, source, destination, protocol, payload, **fields):
        if family == 4:
            return self.ipv4(source, destination, protocol, payload, **fields)
        headers, first = self.extensions(protocol)
        return self.ipv6(source, destination, first, headers + payload)

    def ipv4(self, source, destination, protocol, payload, fragment=None, identification=None):
        options = bytes([1]) * (4 * self.rng.choice((0, 0, 0, 1, 10)))
        if fragment is None:
            fragment = self.rng.choice((0, 0x4000))
        if identification is None:
            identification = self.rng.randrange(65536)
        ttl = 0 if self.seldom(50) else 64
        header = bytearray(struct.pack(
            '>BBHHHBBH4s4s', 0x45 + len(options) // 4, self.rng.randrange(256),
            20 + len(options) + len(payload), identification, fragment, ttl, protocol, 0,
            source, destination) + options)
        mend(header)
        return bytes(header) + payload

    def ipv6(self, source, destination, first, payload):
        hop_limit = 0 if self.seldom(50) else 64
        return struct.pack('>IHBB16s16s', 6 << 28 | self.rng.randrange(1 << 28), len(payload),
                           first, hop_limit, source, destination) + payload

    def extensions(self, protocol):
        """A chain of headers before `protocol`, and the number of the first."""
        count = self.rng.choice((0,) * 9 + (1, 1, 2, 3, 8, 9))
        kinds = [self.rng.choice((OPTIONS, OPTIONS, ROUTING, AH, FRAGMENT)) for _ in range(count)]
        if kinds and self.seldom(3):
            kinds[self.rng.randrange(len(kinds)) if self.seldom(5) else 0] = HOP_BY_HOP
        chain = b''
        for kind, following in zip(kinds, [*kinds[1:], protocol]):
            chain += self.extension(kind, following)
        return chain, kinds[0] if kinds else protocol

    def extension(self, kind, following):
        if kind == FRAGMENT:
            return struct.pack('>BBHI', following, 0, 0, 7)
        if kind == AH:
            return struct.pack('>BBHII', following, 4, 0, 1, 1) + bytes(12)
        length = self.rng.choice((0, 0, 0, 1, 4, 31, 63))
        left = 1 if kind == ROUTING and self.seldom(4) else 0
        return struct.pack('>BBBB', following, length, 4, left) + bytes(4 + 8 * length)

    def session(self, family):
        if self.seldom(8):
            # An answer, or what a backend has to say.
            hubs = HUB_ADDRESSES if family == 4 else HUB_ADDRESSES6
            source = ipaddress.ip_address(self.rng.choice([*hubs, VIP if family == 4 else VIP6]))
            return self.ip(family, source.packed, self.client(family), TCP, self.segment(False))
        return self.ip(family, self.client(family), self.service(family), TCP, self.segment())

    def error(self, family):
        inner_client, inner_service = self.client(family), self.service(family)
        quote = self.ip(family, inner_service, inner_client, TCP, self.segment(False))
        if self.seldom(6):
            quote = self.ip(family, inner_client, inner_service, TCP, self.segment())
        kinds = (3, 3, 11, 12, 5, 8) if family == 4 else (1, 2, 3, 4, 128, 135)
        message = struct.pack('>BBHI', self.rng.choice(kinds), 1, 0, 1400) \
            + quote[:self.rng.choice((27, 28, 48, 68, 88, 548, 1232))]
        target = inner_service if not self.seldom(10) else self.service(family)
        return self.ip(family, self.client(family), target, ICMP if family == 4 else ICMP6,
                       message)

    def piece(self, family):
        """One of a datagram; few ids, so that pieces of one come often, in any order."""
        source = bytes([192, 0, 2, self.rng.randrange(3)]) if family == 4 \
            else ipaddress.ip_address(f'2001:db8:c::{self.rng.randrange(3)}').packed
        identification = self.rng.randrange(4)
        start = self.rng.choice((0, 0, 8, 160, 160, 1480, 65528))
        more = int(self.rng.choice((True, True, False)))
        size = 8 * self.rng.choice((1, 3, 10, 20)) if not self.seldom(20) else 13
        text = (self.segment() + bytes(160))[:size] if start == 0 else self.rng.randbytes(size)
        service = self.service(family)
        if family == 4:
            return self.ipv4(source, service, TCP, text, start // 8 | more << 13, identification)
        header = struct.pack('>BBHI', TCP, 0, start | more, identification)
        headers, first = (b'', FRAGMENT) if not self.seldom(4) \
            else (self.extension(OPTIONS, FRAGMENT), OPTIONS)
        return self.ipv6(source, service, first, headers + header + text)

    def other(self, family):
        protocol = self.rng.choice((17, 47, 50, 89, 59, 135, 132))
        return self.ip(family, self.client(family), self.service(family), protocol,
                       self.rng.randbytes(40))

    def frame(self, port):
        """A frame for a port as world.h describes it, and where its IP packet begins."""
        family = self.rng.choice((4, 6))
        kind = self.rng.choice((self.session,) * 5 + (self.error, self.piece, self.other))
        tags = port['tags'] if not self.seldom(15) else self.rng.choice(([], [7], [7, 8], [9, 9]))
        target = bytes.fromhex(port['mac'].replace(':', ''))
        if self.seldom(30):
            target = self.rng.choice((b'\xff' * 6, b'\x01\x00\x5e\x00\x00\x01', b'\x02' * 6))
        link = target + bytes.fromhex('020000000099')
        for vlan in tags:
            link += struct.pack('>HH', self.rng.choice((0x8100, 0x88a8)),
                                vlan | self.rng.randrange(16) << 12)
        link += struct.pack('>H', 0x0800 if family == 4 else 0x86dd)
        padding = self.rng.randbytes(self.rng.choice((0, 0, 0, 6, 46)))
        return bytearray(link + kind(family) + padding), len(link)

    def damaged(self, frame, offset):
        """Half of the frames stay whole."""
        choice = self.rng.randrange(8)
        if choice == 0:
            del frame[self.rng.randrange(len(frame) + 1):]
        elif choice == 1:
            del frame[self.rng.randrange(min(len(frame), 120) + 1):]
        elif choice in (2, 3):
            for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
                bit = self.rng.randrange(8 * (len(frame) if self.seldom(4)
                                              else min(len(frame), 100)))
                frame[bit // 8] ^= 1 << bit % 8
            # Else the checksum would hide what comes after it.
            if frame[12:14] == b'\x08\x00' and self.seldom(2):
                header = frame[offset:offset + (frame[offset] & 0xf) * 4]
                mend(header)
                frame[offset:offset + len(header)] = header
        return bytes(frame)


def mend(header):
    """Gives an IPv4 header, as far as it goes, the right checksum."""
    if len(header) < 20 or len(header) % 2:
        return
    header[10:12] = bytes(2)
    total = sum(struct.unpack(f'>{len(header) // 2}H', header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    header[10:12] = struct.pack('>H', ~total & 0xffff)


def buffers(rng, frame):
    """How a frame arrives: mostly in one buffer that ends where the frame ends."""
    if rng.randrange(4):
        return {'tailroom': 0}
    return {'segments': [rng.randrange(1, 1 + rng.choice((20, 60, len(frame) + 1)))
                         for _ in range(rng.randrange(1, 6))], 'tailroom': 2048}


def make_case(rng):
    """A world, and the frames that come: the case for replay.c, and each one's port."""
    case = {'world': make_world(rng), 'steps': []}
    frames = Frames(rng)
    arrivals = []
    for _ in range(FRAMES_OF_A_CASE):
        index = rng.randrange(4)
        frame = frames.damaged(*frames.frame(case['world']['ports'][index]))
        case['steps'].append(arrival(frame, f'port{index}', **buffers(rng, frame)))
        arrivals.append((frame, index))
    return case, arrivals


def stations_of(out):
    """Of the backends that frames left for."""
    return {frame[:12] for place, frame in out if place == f'port{LAN}'}


def inside(frame, backend):
    """The packet that a backend has at last: without link and outer headers."""
    family = ipaddress.ip_address(backend['address']).version
    return frame[14 + OUTER_BYTES[backend['forwarding'], family]:]


def complaint(case, reference, frame, index, got):
    """None when the worker did what the reference does."""
    verdicts, backends = reference.outcome(frame, index)
    if got['verdicts'] != verdicts:
        return f"verdicts: expected {verdicts}, got {got['verdicts']}"
    sent = {station(number).replace(':', '') for number in backends}
    # Where packets come from the backends' own port, answers leave by it as well.
    answers = {frame[6:12].hex()} if index == LAN else set()
    if stations_of(got['out']) - answers != sent - answers:
        return f"backends: expected {backends}, got {sorted(stations_of(got['out']))}"
    # A first fragment may bring others along, of which one leaves where it is dropped itself.
    if sum(verdicts.values()) == 1 and len(backends) == 1 and len(got['out']) == 1:
        return changed(case['world']['backends'][backends[0]], frame, got['out'][0][1])
    return None


def changed(backend, frame, out):
    """Only nat changes a packet, and nothing does that is not cut."""
    packet = inside(bytes.fromhex(out), backend)
    if backend['forwarding'] == 'nat' or packet in frame:
        return None
    return f'the packet was changed: {out}'


def run(replay, rng, count, seed):
    """The number of frames that went wrong, and how often each verdict was seen."""
    failed, seen, done = 0, {}, 0
    while done < count:
        case, arrivals = make_case(rng)
        answers, status = replay.answers([case])
        if status != 0:
            print(f'FAILED: replay ended with status {status} (seed {seed}, after {done} frames)')
            return failed + 1, seen
        reference = Reference(case['world'])
        for (frame, index), step, got in zip(arrivals, case['steps'], answers[0]['steps']):
            what = complaint(case, reference, frame, index, got)
            if what is not None:
                failed += 1
                print(f'FAILED: frame {done} of seed {seed}: {what}\n    {step}')
            for verdict, times in got['verdicts'].items():
                seen[verdict] = seen.get(verdict, 0) + times
            done += 1
    return failed, seen


# What takes another kind of input: tests/packets/golden.py has each of them.
NOT_SEEN_HERE = {'from_kernel', 'probe_sent', 'drop_no_probe', 'drop_scattered', 'drop_no_room',
                 'drop_tx_full', 'drop_fragment_full', 'drop_fragment_late'}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('replay')
    parser.add_argument('--frames', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 1000000007
    print(f'seed {seed}')
    replay = Replay(options.replay)
    failed, seen = run(replay, random.Random(seed), options.frames, seed)
    for verdict, times in sorted(seen.items(), key=lambda item: -item[1]):
        print(f'{times:8} {verdict}')
    missing = set(replay.verdicts()) - NOT_SEEN_HERE - set(seen)
    if options.frames >= 20000 and missing:
        failed += 1
        print(f'FAILED: never seen: {sorted(missing)}')
    print(f'property: {options.frames} frames, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
