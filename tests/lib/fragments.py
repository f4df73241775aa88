#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""TCP sessions with a mail_sink.py whose commands arrive in fragments, in every order.

    fragments.py INTERFACE GATEWAY_MAC TARGET SOURCE_PREFIX [--sessions N] [--seed N]

Each session is a TCP connection made by hand from an address of the prefix, which must be
nobody's but lead here. Its command is one segment, sent in four fragments; session by session
in another order of the 24, and all sessions' fragments mixed. The server must answer with the
digest of what was sent. Exit status 0: all did.
"""

import argparse
import hashlib
import ipaddress
import itertools
import os
import random
import select
import socket
import struct
import sys
import time

TCP, FRAGMENT = 6, 44
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TEXT_BYTES = 1101  # odd, so that the checksum's last word is half a one
CUTS = (0, 104, 504, 904)  # where fragments begin, in bytes behind the IP header
PATIENCE_S = 3


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """Frames of one interface, and the headers in front of TCP."""

    def __init__(self, interface, gateway_mac, target):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 3))
        self.v6 = ":" in target
        self.target = ipaddress.ip_address(target).packed
        mac = bytes.fromhex(gateway_mac.replace(":", ""))
        kind = 0x86DD if self.v6 else 0x0800
        self.link = mac + self.socket.getsockname()[4] + struct.pack("!H", kind)

    def segment(self, source, header, payload):
        """TCP header with its checksum, and payload."""
        pseudo = source + self.target + struct.pack("!IHBB", len(header + payload), 0, 0, TCP)
        total = checksum(pseudo + header + payload)
        return header[:16] + struct.pack("!H", total) + header[18:] + payload

    def packet(self, source, payload, identity, begin, more):
        """A whole packet (begin 0, not more), or a fragment."""
        offset = begin | more
        if self.v6:
            kind = TCP
            if offset:
                payload = struct.pack("!BBHI", TCP, 0, offset, identity) + payload
                kind = FRAGMENT
            header = struct.pack("!IHBB", 6 << 28, len(payload), kind, 64)
            return header + source + self.target + payload
        offset = begin >> 3 | more << 13
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identity & 0xFFFF, offset,
                             64, TCP, 0) + source + self.target
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload

    def send(self, packet):
        self.socket.send(self.link + packet)

    def received(self, deadline):
        """TCP from the target until the deadline: (address it is for, segment)."""
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return
            frame, place = self.socket.recvfrom(65535)
            if place[2] == socket.PACKET_OUTGOING or frame[12:14] != self.link[12:14]:
                continue
            found = self.parsed(frame[14:])
            if found:
                yield found

    def parsed(self, packet):
        if self.v6:
            size = struct.unpack("!H", packet[4:6])[0]
            if packet[6] == TCP and packet[8:24] == self.target:
                return packet[24:40], packet[40:40 + size]
            return None
        size = struct.unpack("!H", packet[2:4])[0]
        head = (packet[0] & 15) * 4
        if packet[9] == TCP and packet[12:16] == self.target:
            return packet[16:20], packet[head:size]
        return None


class Session:
    """One connection: greeting, one command, its answer."""

    def __init__(self, wire, source, order):
        self.wire, self.source, self.order = wire, source, order
        self.port = random.randrange(10000, 60000)
        self.next_sent = random.getrandbits(32)
        self.next_received = None
        self.said = b""
        self.identity = random.getrandbits(32)
        self.text = os.urandom(TEXT_BYTES).hex().encode()[:TEXT_BYTES]
        self.answer = b"250 " + hashlib.sha256(self.text).hexdigest().encode()

    def header(self, flags):
        return struct.pack("!HHIIBBHHH", self.port, 25, self.next_sent & 0xFFFFFFFF,
                           (self.next_received or 0) & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)

    def send(self, flags):
        segment = self.wire.segment(self.source, self.header(flags), b"")
        self.wire.send(self.wire.packet(self.source, segment, self.identity, 0, False))

    def fragments(self):
        """The command, in the order in which its pieces are to be sent."""
        payload = b"NOOP " + self.text + b"\r\n"
        whole = self.wire.segment(self.source, self.header(ACK | PSH), payload)
        ends = (*CUTS[1:], len(whole))
        pieces = [self.wire.packet(self.source, whole[begin:end], self.identity, begin,
                                   end < len(whole)) for begin, end in zip(CUTS, ends)]
        return [pieces[i] for i in self.order]

    def hear(self, segment):
        flags = segment[13]
        sequence = struct.unpack("!I", segment[4:8])[0]
        if flags & RST:
            raise ConnectionResetError(f"{self}: the server has reset it")
        if flags & SYN:
            self.next_received = sequence + 1
            self.next_sent += 1
            self.send(ACK)
        elif self.next_received is not None and sequence == self.next_received & 0xFFFFFFFF:
            payload = segment[(segment[12] >> 4) * 4:]
            self.said += payload
            self.next_received += len(payload)

    def is_greeted(self):
        return self.said.startswith(b"220") and self.said.endswith(b"\n")

    def is_answered(self):
        return self.answer in self.said

    def __str__(self):
        return f"{ipaddress.ip_address(self.source)}:{self.port}, order {self.order}"


def listen(wire, sessions, done, again):
    """Hears until all are done; @again repeats what a session said once, after a second."""
    by_name = {(session.source, session.port): session for session in sessions}
    deadline = time.monotonic() + PATIENCE_S
    repeat = time.monotonic() + 1
    while time.monotonic() < deadline:
        for address, segment in wire.received(min(deadline, repeat)):
            session = by_name.get((address, struct.unpack("!H", segment[2:4])[0]))
            if session:
                session.hear(segment)
            if all(map(done, sessions)):
                return
        if again:
            for session in sessions:
                if not done(session):
                    again(session)
        repeat = deadline
    missing = [str(session) for session in sessions if not done(session)]
    sys.exit("no answer: " + "; ".join(missing[:10]) + f" ({len(missing)} in all)")


def mixed(sessions):
    """All fragments; those of a session in its order, the sessions at random."""
    waiting = [session.fragments() for session in sessions]
    while waiting:
        pieces = random.choice(waiting)
        yield pieces.pop(0)
        if not pieces:
            waiting.remove(pieces)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("interface")
    parser.add_argument("gateway_mac")
    parser.add_argument("target")
    parser.add_argument("source_prefix")
    parser.add_argument("--sessions", type=int, default=48)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1000000)
    options = parser.parse_args()

    print(f"seed {options.seed}")
    random.seed(options.seed)
    wire = Wire(options.interface, options.gateway_mac, options.target)
    network = ipaddress.ip_network(options.source_prefix)
    orders = itertools.cycle(itertools.permutations(range(len(CUTS))))
    sessions = [Session(wire, network[random.randrange(1, 250)].packed, next(orders))
                for _ in range(options.sessions)]
    for session in sessions:
        session.send(SYN)
    listen(wire, sessions, Session.is_greeted, lambda session: session.send(
        SYN if session.next_received is None else ACK))
    for packet in mixed(sessions):
        wire.send(packet)
    listen(wire, sessions, Session.is_answered, None)
    for session in sessions:
        session.next_sent += TEXT_BYTES + 7
        session.send(RST | ACK)
    print(f"{len(sessions)} sessions answered")


if __name__ == "__main__":
    main()
