#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""An SMTP client with many addresses, for demo and tests.

    smtp_client.py serve --control SOCKET --target ADDRESS --ledger FILE
    smtp_client.py ask --control SOCKET COMMAND [NAME=VALUE]...

`serve` sends mail and holds sessions open, as it is told over a Unix socket; `ask` tells it,
prints the answer, a JSON object, and exits 0 when its "ok" is true. Commands, all with
defaults:

    send concurrency= rate= sources=   start sending, one message a session, until `finish`
    phase name=                        what messages that connect from now on are labelled
    progress                           counts so far
    finish                             no new messages; answers when each has its outcome
    open count= group= sources=        hold sessions open behind EHLO
    noop group=                        NOOP on each held session
    mail group=                        one message over each held session
    sessions group=                    who is held
    close group=                       QUIT
    try source= port= timeout=         one connection: greeted, busy, refused, reset or silence

Like a mail server it tries again after a refusal, a 4xx reply or a connection lost before the
message was handed over. The ledger gets one line of JSON for each message.
"""

import argparse
import asyncio
import errno
import ipaddress
import itertools
import json
import random
import sys
import time

HELO = "client.example.net"
SENDER = "sender@example.net"
RECIPIENT = "inbox@example.com"
SUPPRESSED = (OSError, EOFError, asyncio.TimeoutError)
# Mail sizes: a few kilobytes for most, some tens for a few; full frames either way.
SIZE_MEDIAN_BYTES, SIZE_SPREAD, SIZE_MAX_BYTES = 4000, 1.0, 60000


class Refused(Exception):
    """The server answered, and said no for now."""


class Session:
    """One SMTP session from one client address."""

    def __init__(self, source, reader, writer, group, timeout):
        self.source = source
        self.port = writer.get_extra_info("sockname")[1]
        self.group = group
        self.reader, self.writer = reader, writer
        self.timeout = timeout

    @classmethod
    async def connect(cls, target, port, source, group="", timeout=10):
        """A session that has been greeted. Raises what went wrong."""
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(target, port, local_addr=(source, 0)), timeout)
        session = cls(source, reader, writer, group, timeout)
        try:
            await session.expect(2)
        except BaseException:
            session.abandon()
            raise
        return session

    def __str__(self):
        return f"{self.source}:{self.port}"

    async def reply(self):
        """Code and last line of a reply, which may have several (RFC 5321, section 4.2)."""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), self.timeout)
            if not line.endswith(b"\n"):
                raise EOFError("connection closed")
            if line[3:4] != b"-":
                return int(line[:3]), line.decode("ascii", "replace").strip()

    async def expect(self, first_digit):
        code, text = await self.reply()
        if code // 100 != first_digit:
            raise Refused(text)
        return text

    async def command(self, line, first_digit=2):
        self.writer.write(line.encode() + b"\r\n")
        return await self.expect(first_digit)

    async def hello(self):
        await self.command(f"EHLO {HELO}")

    async def hand_over(self, message):
        """Everything up to the message's last byte: until here it is still ours."""
        await self.command(f"MAIL FROM:<{SENDER}>")
        await self.command(f"RCPT TO:<{RECIPIENT}>")
        await self.command("DATA", 3)
        self.writer.write(message + b".\r\n")
        await asyncio.wait_for(self.writer.drain(), self.timeout)

    async def quit(self):
        try:
            await self.command("QUIT")
        except (*SUPPRESSED, Refused, ValueError):
            pass
        self.abandon()

    def abandon(self):
        self.writer.close()


def addresses(prefixes):
    """Addresses of the comma-separated prefixes, at random, without end."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes.split(",")]
    while True:
        network = random.choice(networks)
        # Not the first and the last: network and broadcast address.
        span = min(network.num_addresses, 1 << 16)
        yield str(network[random.randrange(1, span - 1)])


def message_text(identity):
    """A message with a recognisable head and a body of random size, dots stuffed by design."""
    size = min(int(random.lognormvariate(0, SIZE_SPREAD) * SIZE_MEDIAN_BYTES), SIZE_MAX_BYTES)
    head = (f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: {identity}\r\n"
            f"Message-ID: <{identity}@{HELO}>\r\n\r\n")
    line = "".join(random.choices("abcdefghijklmnopqrstuvwxyz ", k=70)) + "\r\n"
    return (head + line * (size // len(line) + 1)).encode()


class Client:
    """What `serve` keeps: the messages on their way and the sessions held."""

    def __init__(self, target, ledger):
        self.target = target
        self.ledger = ledger
        self.label = ""
        self.held = []
        self.running = None  # the task that starts messages
        self.on_their_way = set()
        self.stopping = False
        self.numbers = itertools.count(1)
        self.run = f"{time.time_ns():x}"
        self.counts = {"sent": 0, "delivered": 0, "failed": 0, "retries": 0, "phases": {}}

    # --- messages

    async def deliver(self, sources, give_up_s):
        """One message, over as many sessions as it takes."""
        entry = self.entry()
        message = message_text(entry["id"])
        deadline = time.monotonic() + give_up_s
        while True:
            phase = self.label
            try:
                await self.attempt(entry, message, next(sources))
                entry["phase"] = phase
                break
            except (*SUPPRESSED, Refused, ValueError) as error:
                entry["errors"].append(str(error) or type(error).__name__)
            if time.monotonic() > deadline:
                break
            self.counts["retries"] += 1
            await asyncio.sleep(random.uniform(0.1, 0.5))
        self.record(entry)

    async def attempt(self, entry, message, source):
        session = await Session.connect(self.target, 25, source)
        try:
            await session.hello()
            await self.transmit(session, entry, message)
        except BaseException:
            session.abandon()
            raise
        await session.quit()

    async def transmit(self, session, entry, message):
        await session.hand_over(message)
        # From here to the reply nobody knows whose message it is: the one place where a
        # retry can make two of it (RFC 5321, section 4.1.1.4; RFC 1047).
        entry["uncertain"] += 1
        await session.expect(2)
        entry["uncertain"] -= 1
        entry.update(outcome="delivered", client=session.source, port=session.port)

    def entry(self):
        self.counts["sent"] += 1
        return {"id": f"{self.run}-{next(self.numbers)}", "outcome": "failed", "phase": "",
                "held": False, "client": "", "port": 0, "uncertain": 0, "errors": []}

    def record(self, entry):
        self.counts[entry["outcome"]] += 1
        phases = self.counts["phases"]
        if entry["outcome"] == "delivered" and not entry["held"]:
            phases[entry["phase"]] = phases.get(entry["phase"], 0) + 1
        self.ledger.write(json.dumps(entry) + "\n")
        self.ledger.flush()

    async def keep_sending(self, concurrency, rate, sources, give_up_s):
        while not self.stopping:
            if len(self.on_their_way) < concurrency:
                task = asyncio.create_task(self.deliver(sources, give_up_s))
                self.on_their_way.add(task)
                task.add_done_callback(self.on_their_way.discard)
            await asyncio.sleep(random.expovariate(rate))

    async def do_send(self, concurrency="20", rate="40", sources="198.51.100.0/24",
                      give_up="60"):
        self.stopping = False
        self.running = asyncio.create_task(self.keep_sending(
            int(concurrency), float(rate), addresses(sources), float(give_up)))
        return {"ok": True}

    async def do_phase(self, name=""):
        self.label = name
        return {"ok": True}

    async def do_progress(self):
        return {"ok": True, "on_their_way": len(self.on_their_way), **self.counts}

    async def do_finish(self):
        self.stopping = True
        if self.running:
            await self.running
        await asyncio.gather(*self.on_their_way)
        return {"ok": self.counts["failed"] == 0, **self.counts}

    # --- held sessions

    def group(self, name):
        return [session for session in self.held if not name or session.group == name]

    async def do_open(self, count="1", group="", sources="203.0.113.0/24", timeout="10"):
        limit = asyncio.Semaphore(20)
        pool = addresses(sources)

        async def open_one():
            async with limit:
                session = await Session.connect(self.target, 25, next(pool), group,
                                                float(timeout))
                await session.hello()
                return session

        results = await asyncio.gather(*(open_one() for _ in range(int(count))),
                                       return_exceptions=True)
        opened = [result for result in results if isinstance(result, Session)]
        failed = [repr(result) for result in results if not isinstance(result, Session)]
        self.held += opened
        return {"ok": not failed, "opened": len(opened), "failed": failed}

    async def on_each(self, group, action):
        """Runs @action on the group's sessions; those on which it fails are let go."""
        sessions = self.group(group)
        results = await asyncio.gather(*map(action, sessions), return_exceptions=True)
        broken = [(session, result) for session, result in zip(sessions, results)
                  if isinstance(result, BaseException)]
        for session, _ in broken:
            session.abandon()
            self.held.remove(session)
        return {"ok": not broken, "alive": len(sessions) - len(broken),
                "broken": [f"{session}: {error!r}" for session, error in broken]}

    async def do_noop(self, group=""):
        return await self.on_each(group, lambda session: session.command("NOOP"))

    async def do_mail(self, group=""):
        async def one(session):
            entry = self.entry()
            entry["held"] = True
            try:
                await self.transmit(session, entry, message_text(entry["id"]))
            finally:
                self.record(entry)

        return await self.on_each(group, one)

    async def do_sessions(self, group=""):
        return {"ok": True, "sessions": [
            {"client": session.source, "port": session.port, "group": session.group}
            for session in self.group(group)]}

    async def do_close(self, group=""):
        sessions = self.group(group)
        self.held = [session for session in self.held if session not in sessions]
        await asyncio.gather(*(session.quit() for session in sessions))
        return {"ok": True, "closed": len(sessions)}

    # --- one connection

    async def do_try(self, source="198.51.100.1", target="", port="25", timeout="3"):
        started = time.monotonic()
        result = {"ok": True, "line": ""}
        try:
            session = await Session.connect(target or self.target, int(port), source,
                                            timeout=float(timeout))
            result.update(result="greeted", port=session.port)
            await session.quit()
        except Refused as error:
            result.update(result="busy", line=str(error))
        except asyncio.TimeoutError:
            result["result"] = "silence"
        except (OSError, EOFError) as error:
            code = getattr(error, "errno", None)
            names = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset"}
            result.update(result=names.get(code, "closed"), line=str(error))
        result["ms"] = round((time.monotonic() - started) * 1000)
        return result

    async def answer(self, reader, writer):
        """One question, one answer."""
        try:
            question = json.loads(await reader.readline())
            handler = getattr(self, "do_" + question.pop("command"), None)
            try:
                reply = await handler(**question) if handler else {
                    "ok": False, "error": "no such command"}
            except (TypeError, ValueError) as error:
                reply = {"ok": False, "error": str(error)}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()


async def serve(options):
    with open(options.ledger, "a", encoding="ascii") as ledger:
        client = Client(options.target, ledger)
        server = await asyncio.start_unix_server(client.answer, options.control)
        async with server:
            await server.serve_forever()


async def ask(options):
    reader, writer = await asyncio.open_unix_connection(options.control)
    question = {"command": options.command}
    question.update(item.split("=", 1) for item in options.arguments)
    writer.write(json.dumps(question).encode() + b"\n")
    reply = await reader.readline()
    writer.close()
    print(reply.decode().strip() or '{"ok": false}')
    return 0 if reply and json.loads(reply)["ok"] else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="mode", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("--control", required=True)
    serving.add_argument("--target", required=True)
    serving.add_argument("--ledger", required=True)
    asking = commands.add_parser("ask")
    asking.add_argument("--control", required=True)
    asking.add_argument("command")
    asking.add_argument("arguments", nargs="*", metavar="NAME=VALUE")
    options = parser.parse_args()
    return asyncio.run(serve(options) if options.mode == "serve" else ask(options))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
