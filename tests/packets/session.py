# SPDX-License-Identifier: BSD-3-Clause
"""The session hash, from its description in mailrail/session.h and by another's AES."""

import ipaddress
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def session_hash(key, client, service, client_port, service_port):
    """Addresses as text or packed, both of one family; ports as numbers."""
    client, service = (ipaddress.ip_address(address) for address in (client, service))
    port_pair = struct.pack('>HH', client_port, service_port)
    if client.version == 4:
        message = (client.packed + service.packed + port_pair).ljust(15, b'\0') + b'\4'
    else:
        message = port_pair.ljust(15, b'\0') + b'\6' + client.packed + service.packed
    # The MAC is the last block of the CBC encryption from an all-zero initial vector.
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    mac = (encryptor.update(message) + encryptor.finalize())[-16:]
    return int.from_bytes(mac[:8], 'little') or 1


def session_slot(value, size):
    return (value >> 32) * size >> 32
