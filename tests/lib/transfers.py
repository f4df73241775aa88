#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Many sessions with a mail_sink.py, each with one message, checked to the last byte.

    transfers.py TARGET --sources PREFIX[,PREFIX] [--sessions N] [--at-once N] [--help-bytes N]
                 [--halfway FILE]

Messages have from nothing to 1 MiB. The server must have got what was sent, from the address
and port that it was sent from. With --help-bytes the server also sends that much in each
session. With --halfway all sessions stop in the middle of their messages, "halfway" is
printed, and they go on when FILE is there. Prints what failed, then one line of counts; the
exit status is 0 if nothing failed.
"""

import argparse
import asyncio
import hashlib
import ipaddress
import os
import random
import sys

MIB = 1 << 20
TIMEOUT_S = 40
# Of each 20 sessions; most mail is small.
SIZES = [0, 1, 500, 1300, 1400, 1460, 1500, 3000, 3000, 5000, 8000, 8000, 20000, 20000, 20000,
         50000, 50000, 100000, 300000, MIB]


class Failed(Exception):
    """The server did or said something else than it should."""


def addresses(prefixes):
    """Addresses of the prefixes, at random, without end."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes.split(",")]
    while True:
        network = random.choice(networks)
        span = min(network.num_addresses, 1 << 16)
        yield str(network[random.randrange(1, span - 1) if span > 2 else 0])


def message(size):
    """Lines of random text; none begins with a dot."""
    text = os.urandom(size // 2 + 1).hex().encode()[:size]
    return b"".join(text[i:i + 76] + b"\r\n" for i in range(0, size, 76)) or b"\r\n"


class Gate:
    """Where sessions wait for one another and for a file."""

    def __init__(self, path, sessions):
        self.path = path
        self.awaited = sessions
        self.everybody = asyncio.Event()

    def arrive(self):
        self.awaited -= 1
        if self.awaited == 0:
            print("halfway", flush=True)
            self.everybody.set()

    async def passed(self):
        if not self.path:
            return
        self.arrive()
        await self.everybody.wait()
        while not os.path.exists(self.path):
            await asyncio.sleep(0.05)


class Session:
    """One session, one message."""

    def __init__(self, target, source, size, gate, help_bytes):
        self.target, self.source, self.size = target, source, size
        self.gate, self.help_bytes = gate, help_bytes
        self.reader = self.writer = None

    async def reply(self, code):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), TIMEOUT_S)
            if not line.startswith(code):
                raise Failed(f"expected {code.decode()}, got {line!r}")
            if line[3:4] != b"-":
                return line.decode().split()[1:]

    async def command(self, line, code):
        self.writer.write(line + b"\r\n")
        return await self.reply(code)

    async def run(self):
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(self.target, 25, local_addr=(self.source, 0)), TIMEOUT_S)
        try:
            await self.reply(b"220")
            await self.command(b"EHLO client.example.net", b"250")
            if self.help_bytes:
                await self.command(b"HELP %d" % self.help_bytes, b"214")
            await self.transmit()
            await self.command(b"QUIT", b"221")
        finally:
            self.writer.close()

    async def transmit(self):
        await self.command(b"MAIL FROM:<>", b"250")
        await self.command(b"RCPT TO:<inbox@example.com>", b"250")
        await self.command(b"DATA", b"354")
        text = message(self.size)
        self.writer.write(text[:len(text) // 2])
        await asyncio.wait_for(self.writer.drain(), TIMEOUT_S)
        await self.gate.passed()
        self.writer.write(text[len(text) // 2:] + b".\r\n")
        await asyncio.wait_for(self.writer.drain(), TIMEOUT_S)
        got = await self.reply(b"250")
        own = self.writer.get_extra_info("sockname")
        wanted = [hashlib.sha256(text).hexdigest(), own[0], str(own[1])]
        if got != wanted:
            raise Failed(f"the server got {got}, sent was {wanted}")


async def run(options):
    gate = Gate(options.halfway, options.sessions)
    at_once = asyncio.Semaphore(options.sessions if options.halfway else options.at_once)
    sources = addresses(options.sources)
    failures = []

    async def one(number):
        session = Session(options.target, next(sources), SIZES[number % len(SIZES)], gate,
                          options.help_bytes)
        async with at_once:
            try:
                await session.run()
            except (OSError, EOFError, ValueError, asyncio.TimeoutError, Failed) as error:
                failures.append(f"{session.source}, {session.size} bytes: {error!r}")
                if options.halfway and not gate.everybody.is_set():
                    gate.arrive()

    await asyncio.gather(*(one(number) for number in range(options.sessions)))
    for failure in failures[:20]:
        print(failure)
    print(f"{options.sessions} sessions, {len(failures)} failed", flush=True)
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("target")
    parser.add_argument("--sources", required=True)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--help-bytes", type=int, default=0)
    parser.add_argument("--halfway", default="")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
