#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""When does a balancer begin to forward?

    first_packet.py --from NETNS --to NETNS... --mac MAC --source ADDRESS --service ADDRESS

Sends a TCP segment to the service each millisecond, in one network namespace, and prints when
the first one arrived at a server, in another: nanoseconds since the epoch. All on eth0, IPv4.
"""

import argparse
import ctypes
import select
import socket
import struct
import sys
import time

INTERVAL_S = 0.001
CLONE_NEWNET = 0x40000000
ETH_P_IP = 0x0800
FRAME_BYTES = 60
PORT = 25
LIBC = ctypes.CDLL(None, use_errno=True)


def packet_socket(netns, protocol):
    """One on eth0 of the namespace; the thread ends up there."""
    with open(f"/run/netns/{netns}", "rb") as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), netns)
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind(("eth0", protocol))
    return made


def checksum(data):
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(options, own_mac):
    """An ACK of a session that nobody knows: its server answers with a reset."""
    source, service = socket.inet_aton(options.source), socket.inet_aton(options.service)
    tcp = struct.pack("!HHIIBBHHH", 40000, PORT, 1, 1, 5 << 4, 0x10, 1000, 0, 0)
    pseudo = source + service + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0,
                     source, service)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    link = bytes.fromhex(options.mac.replace(":", "")) + own_mac + struct.pack("!H", ETH_P_IP)
    return (link + ip + tcp).ljust(FRAME_BYTES, b"\0")


def is_ours(frame, source):
    return frame[23] == socket.IPPROTO_TCP and frame[26:30] == source


def await_first(sender, receivers, frame, options):
    source = socket.inet_aton(options.source)
    deadline = time.monotonic() + options.timeout
    while time.monotonic() < deadline:
        sender.send(frame)
        for receiver in select.select(receivers, [], [], INTERVAL_S)[0]:
            if is_ours(receiver.recv(2048), source):
                return time.time_ns()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--from", dest="sender", required=True)
    parser.add_argument("--to", nargs="+", required=True)
    parser.add_argument("--mac", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--timeout", type=float, default=30)
    options = parser.parse_args()
    receivers = [packet_socket(netns, ETH_P_IP) for netns in options.to]
    sender = packet_socket(options.sender, 0)
    frame = segment(options, sender.getsockname()[4])
    print("ready", flush=True)
    first = await_first(sender, receivers, frame, options)
    if first is None:
        return 1
    print(first)
    return 0


if __name__ == "__main__":
    sys.exit(main())
