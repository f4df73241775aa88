# SPDX-License-Identifier: BSD-3-Clause
"""Clients of the HTTPS port that dawdle, each in its own way, all at once.

  slow_client.py ADDRESS PORT TOKEN AUTHORITY.pem

Each must be cut off within a few times the second that its node is configured to wait, though it
is never silent for long, and another client is answered quickly meanwhile."""

import socket
import ssl
import sys
import threading
import time

ADDRESS, PORT, TOKEN, AUTHORITY = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
GIVE_UP_S = 6
BYTE_EVERY_S = 0.1
HEAD = (f'POST /rpc HTTP/1.1\r\nHost: {ADDRESS}\r\nAuthorization: Bearer {TOKEN}\r\n'
        'Content-Type: application/json\r\n')


def connect():
    return socket.create_connection((ADDRESS, PORT), timeout=GIVE_UP_S)


def connect_tls():
    context = ssl.create_default_context(cafile=AUTHORITY)
    return context.wrap_socket(connect(), server_hostname=ADDRESS)


def drip(client, text):
    """One byte after the other until the node has had enough."""
    for byte in text:
        client.sendall(byte)
        time.sleep(BYTE_EVERY_S)
    raise AssertionError('still listened to')


def endless(byte):
    end = time.monotonic() + GIVE_UP_S
    while time.monotonic() < end:
        yield byte


def silent_handshake():
    with connect() as client:
        assert client.recv(1) == b''


def slow_handshake():
    with connect() as client:
        # The head of a ClientHello that is never whole.
        client.sendall(b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')
        drip(client, endless(b'x'))


def slow_head():
    with connect_tls() as client:
        client.sendall(HEAD.encode() + b'X: ')
        drip(client, endless(b'x'))


def slow_body():
    with connect_tls() as client:
        client.sendall(HEAD.encode() + b'Content-Length: 1000\r\n\r\n')
        drip(client, endless(b' '))


def slow_reader():
    """Asks for much, and takes a little of it now and then."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}'
    with connect_tls() as client:
        request = HEAD.encode() + b'Content-Length: %d\r\n\r\n' % len(body) + body
        client.settimeout(1)
        try:
            for _ in range(400):
                client.sendall(request)
        except TimeoutError:
            pass  # it is not read from any more, as it should be
        end = time.monotonic() + GIVE_UP_S
        client.settimeout(GIVE_UP_S)
        taken = 0
        while time.monotonic() < end:
            piece = client.recv(100)
            if not piece:
                return
            taken += len(piece)
            # In the end what its kernel holds is taken quickly, to see whether more comes.
            if time.monotonic() < end - 3:
                time.sleep(BYTE_EVERY_S)
        raise AssertionError(f'still answered after {taken} bytes')


def run(client, failures):
    try:
        client()
    except (ConnectionError, ssl.SSLError):
        pass
    except (AssertionError, OSError) as error:
        failures.append(f'{client.__name__}: {error!r}')


def answer_time():
    begin = time.monotonic()
    with connect_tls() as client:
        client.sendall(f'GET /metrics HTTP/1.1\r\nHost: {ADDRESS}\r\nConnection: close\r\n'
                       f'Authorization: Bearer {TOKEN}\r\n\r\n'.encode())
        assert client.recv(100).startswith(b'HTTP/1.1 200 '), 'not served'
    return time.monotonic() - begin


def main():
    failures = []
    threads = [threading.Thread(target=run, args=(client, failures))
               for client in (silent_handshake, slow_handshake, slow_head, slow_body,
                              slow_reader)]
    for thread in threads:
        thread.start()
    slowest = 0
    while any(thread.is_alive() for thread in threads):
        slowest = max(slowest, answer_time())
        time.sleep(BYTE_EVERY_S)
    if slowest > 1:
        failures.append(f'another client waited {slowest:.2f} s')
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


main()
