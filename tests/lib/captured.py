#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints a line for each packet of a pcapng file: its IPv4 source, and its comment.

usage: captured.py FILE

Walks the blocks as draft-ietf-opsawg-pcapng, section 4.3, has them: scapy takes no comments but
its own.
"""

import ipaddress
import struct
import sys

ENHANCED_PACKET, COMMENT = 6, 1


def blocks(data):
    """Type and body of each block."""
    offset = 0
    while offset < len(data):
        kind, length = struct.unpack_from("=II", data, offset)
        (again,) = struct.unpack_from("=I", data, offset + length - 4)
        assert again == length, f"block at {offset}: {length} bytes, then {again}"
        yield kind, data[offset + 8 : offset + length - 4]
        offset += length


def padded(length):
    return (length + 3) & ~3


def comment_of(options):
    while len(options) >= 4:
        code, length = struct.unpack_from("=HH", options)
        if code == COMMENT:
            return options[4 : 4 + length].decode()
        options = options[4 + padded(length) :]
    return "no comment"


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    for kind, body in blocks(data):
        if kind != ENHANCED_PACKET:
            continue
        (captured,) = struct.unpack_from("=I", body, 12)
        frame = body[20 : 20 + captured]
        source = ipaddress.IPv4Address(frame[26:30])
        print(source, comment_of(body[20 + padded(captured) :]))


main()
