#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Long SMTP sessions that trickle their messages, line by line, until they are told to end.

    trickle.py run TARGET --sources PREFIX[,PREFIX] --ledger FILE --until FILE
                   [--sessions N] [--late N] [--gap SECONDS] [--late-within SECONDS]
    trickle.py check --ledger FILE DIRECTORY...

`run` opens sessions behind DATA, prints "open", and then the late ones at random moments. Each
ends its message when --until is there, and some seconds after that. The ledger gets one line of
JSON for each: its server, which is the name in the greeting, and what became of it. Prints what
broke, then one line of counts; the exit status is 0 if nothing did.

`check` compares the ledger with what Postfix's smtp-sink has written (-d DIRECTORY/): every
message is there once, whole, at the server of its session. DIRECTORY's parent has its name.
"""

import argparse
import asyncio
import email.parser
import hashlib
import ipaddress
import json
import os
import pathlib
import random
import sys

# A server that says nothing for that long, as RFC 5321, section 4.5.3.2 has it for most replies.
TIMEOUT_S = 300
# How long sessions still take when they are told to end.
LAST_S = 3
AT_ONCE = 50


class Failed(Exception):
    """The server said something else than it should."""


def addresses(prefixes):
    """Addresses of the prefixes, at random, without end."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes.split(",")]
    while True:
        network = random.choice(networks)
        yield str(network[random.randrange(1, network.num_addresses - 1)])


class Session:
    """One session, one message, many lines."""

    def __init__(self, number, source, options):
        self.identity, self.source, self.options = f"trickle-{number}", source, options
        self.reader = self.writer = None
        self.server, self.port, self.lines = "", 0, 0
        self.digest = hashlib.sha256()
        self.state = "connecting"

    def entry(self):
        return {"id": self.identity, "client": self.source, "port": self.port,
                "server": self.server, "lines": self.lines, "digest": self.digest.hexdigest(),
                "state": self.state}

    async def reply(self, code):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), TIMEOUT_S)
            if not line.startswith(code):
                raise Failed(f"expected {code.decode()}, got {line!r}")
            if line[3:4] != b"-":
                return line.decode().split()

    async def command(self, line, code):
        self.writer.write(line.encode() + b"\r\n")
        return await self.reply(code)

    async def begin(self):
        """Up to the message's first line."""
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(self.options.target, 25, local_addr=(self.source, 0)),
            TIMEOUT_S)
        self.port = self.writer.get_extra_info("sockname")[1]
        self.server = (await self.reply(b"220"))[1]
        await self.command("EHLO client.example.net", b"250")
        await self.command("MAIL FROM:<sender@example.net>", b"250")
        await self.command("RCPT TO:<inbox@example.com>", b"250")
        await self.command("DATA", b"354")
        self.writer.write(f"Subject: {self.identity}\r\n\r\n".encode())
        self.state = "open"

    async def trickle(self):
        """The server says nothing meanwhile, except that it resets what it does not know."""
        ends_in = random.uniform(0, LAST_S)
        while not os.path.exists(self.options.until) or ends_in > 0:
            line = random.randbytes(random.randrange(1, 38)).hex().encode() + b"\r\n"
            self.digest.update(line)
            self.lines += 1
            self.writer.write(line)
            await self.writer.drain()
            pause = random.uniform(0.02, self.options.gap)
            await asyncio.sleep(pause)
            if os.path.exists(self.options.until):
                ends_in -= pause

    async def end(self):
        self.state = "ending"
        await self.command(".", b"250")
        self.state = "accepted"
        await self.command("QUIT", b"221")
        self.state = "done"

    async def run(self, opened):
        try:
            await self.begin()
            opened()
            await self.trickle()
            await self.end()
        finally:
            if self.writer:
                self.writer.close()


class Run:
    """All sessions of a run."""

    def __init__(self, options):
        self.options = options
        self.sources = addresses(options.sources)
        self.sessions, self.broken = [], []
        self.awaited = options.sessions - options.late
        self.may_begin = asyncio.Semaphore(AT_ONCE)
        self.is_open = asyncio.Event()

    def opened(self):
        self.may_begin.release()
        self.awaited -= 1
        if self.awaited == 0:
            print("open", flush=True)
            self.is_open.set()

    async def one(self, number, is_late):
        session = Session(number, next(self.sources), self.options)
        self.sessions.append(session)
        if is_late:
            await self.is_open.wait()
            await asyncio.sleep(random.uniform(0, self.options.late_within))
        await self.may_begin.acquire()
        try:
            await session.run(self.opened)
        except (OSError, EOFError, asyncio.TimeoutError, Failed) as error:
            self.broken.append(f"{session.source}:{session.port} at {session.server or 'nobody'},"
                               f" {session.state}, {session.lines} lines: {error!r}")
            print(f"broken: {self.broken[-1]}", flush=True)
            if session.state == "connecting":
                self.opened()

    async def all(self):
        await asyncio.gather(*(
            self.one(number, number >= self.options.sessions - self.options.late)
            for number in range(self.options.sessions)))
        with open(self.options.ledger, "w", encoding="ascii") as ledger:
            for session in self.sessions:
                ledger.write(json.dumps(session.entry()) + "\n")
        lines = sum(session.lines for session in self.sessions)
        print(f"{len(self.sessions)} sessions, {lines} lines, {len(self.broken)} broken",
              flush=True)
        return 1 if self.broken else 0


def received(directories):
    """What the servers wrote: identity -> [(server, digest)]."""
    found = {}
    for directory in directories:
        for path in sorted(pathlib.Path(directory).iterdir()):
            head, _, body = path.read_bytes().partition(b"\n\n")
            # The dump ends with an empty line of its own.
            lines = body[:-1].replace(b"\n", b"\r\n")
            identity = email.parser.BytesParser().parsebytes(head)["Subject"]
            found.setdefault(identity, []).append(
                (path.parent.parent.name, hashlib.sha256(lines).hexdigest()))
    return found


def check(options):
    found = received(options.directories)
    wrong = 0
    with open(options.ledger, encoding="ascii") as ledger:
        entries = [json.loads(line) for line in ledger]
    for entry in entries:
        wanted = [(entry["server"], entry["digest"])]
        if entry["state"] == "done" and found.get(entry["id"]) == wanted:
            continue
        wrong += 1
        print(f"{entry}: servers have {found.get(entry['id'])}")
    servers = sorted({entry["server"] for entry in entries})
    print(f"{len(entries)} messages, {wrong} not whole, at {' '.join(servers)}")
    return 1 if wrong or len(found) != len(entries) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="mode", required=True)
    running = commands.add_parser("run")
    running.add_argument("target")
    running.add_argument("--sources", required=True)
    running.add_argument("--ledger", required=True)
    running.add_argument("--until", required=True)
    running.add_argument("--sessions", type=int, default=500)
    running.add_argument("--late", type=int, default=100)
    running.add_argument("--late-within", type=float, default=60)
    running.add_argument("--gap", type=float, default=1.5)
    checking = commands.add_parser("check")
    checking.add_argument("--ledger", required=True)
    checking.add_argument("directories", nargs="+")
    options = parser.parse_args()
    return asyncio.run(Run(options).all()) if options.mode == "run" else check(options)


if __name__ == "__main__":
    sys.exit(main())
