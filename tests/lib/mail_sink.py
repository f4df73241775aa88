#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A mail server that keeps nothing, but tells what it got.

    mail_sink.py NAMESPACE [PORT]

Speaks SMTP (RFC 5321) on all addresses, and greets with the namespace. What it answers lets a
client check the way there and back:

    DATA          250 SHA-256 of the message, the client's address and port
    NOOP string   250 SHA-256 of the string
    HELP bytes    214 about that many bytes, over many lines
"""

import asyncio
import hashlib
import sys

MESSAGE_MAX_BYTES = 4 << 20
HELP_LINE = b"214-" + b"h" * 74 + b"\r\n"


class Dialogue:
    """One session."""

    def __init__(self, namespace, reader, writer):
        self.namespace = namespace.encode()
        self.reader, self.writer = reader, writer
        host, port = writer.get_extra_info("peername")[:2]
        self.peer = f"{host.removeprefix('::ffff:')} {port}".encode()

    async def say(self, text):
        self.writer.write(text + b"\r\n")
        await self.writer.drain()

    async def run(self):
        await self.say(b"220 " + self.namespace + b" ESMTP")
        while line := await self.reader.readline():
            verb, _, argument = line.rstrip(b"\r\n").partition(b" ")
            handler = getattr(self, "do_" + verb.decode("ascii", "replace").lower(), None)
            if not handler:
                await self.say(b"502 no such command")
            elif await handler(argument):
                return

    async def do_ehlo(self, _):
        await self.say(b"250 " + self.namespace)

    async def do_mail(self, _):
        await self.say(b"250 sender taken")

    async def do_rcpt(self, _):
        await self.say(b"250 recipient taken")

    async def do_rset(self, _):
        await self.say(b"250 forgotten")

    async def do_noop(self, argument):
        await self.say(b"250 " + hashlib.sha256(argument).hexdigest().encode())

    async def do_help(self, argument):
        for _ in range(int(argument) // len(HELP_LINE)):
            self.writer.write(HELP_LINE)
            await self.writer.drain()
        await self.say(b"214 that is all")

    async def do_data(self, _):
        await self.say(b"354 go on")
        message = await self.reader.readuntil(b"\r\n.\r\n")
        digest = hashlib.sha256(message[:-3]).hexdigest().encode()
        await self.say(b"250 " + digest + b" " + self.peer)

    async def do_quit(self, _):
        await self.say(b"221 " + self.namespace)
        return True


async def serve(namespace, port):
    async def session(reader, writer):
        try:
            await Dialogue(namespace, reader, writer).run()
        except (OSError, EOFError, ValueError) as error:
            print(f"{writer.get_extra_info('peername')}: {error!r}", flush=True)
        finally:
            writer.close()

    server = await asyncio.start_server(session, None, port, limit=MESSAGE_MAX_BYTES, backlog=1000)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 25))
    except KeyboardInterrupt:
        sys.exit(130)
