#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares what the client sent with what the mail servers have.

    mail_report.py --world DIR --ledger FILE --clients PREFIX... --balancer ADDRESS...
                   [--phases FILE] SERVER...

Reads the client's ledger, each server's mailbox and its log in DIR/SERVER, prints a table for
people, and exits 0 only if

  - every message of the ledger lies in exactly one mailbox, once, and no other mail does,
  - for each message the server's log names the client's own address and port,
  - nobody but the clients, and the balancer's probes, spoke to a server,
  - the servers' shares fit what their slots in the table promised.

FILE of --phases has a line "PHASE SERVER SLOTS" for each server in the table of each phase.
Messages of other phases (while the table was changing) and of held sessions count as messages,
not towards the shares.
"""

import argparse
import collections
import ipaddress
import json
import math
import pathlib
import re
import sys

# How far a server's messages may be from what is expected, in standard deviations: with three
# servers a sound balancer fails once in 5,000 runs.
TOLERANCE_SIGMA = 4

CONNECT = re.compile(r"/smtpd\[\d+\]: connect from \S+\[([^]]+)\]")
CLIENT = re.compile(r"/smtpd\[\d+\]: (\w+): client=\S+\[([^]]+)\]:(\d+)")
MESSAGE_ID = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=<([^@>]+)@")
MAILBOX_ID = re.compile(r"^Message-ID: <([^@>]+)@", re.MULTILINE)


class Server:
    """One mail server: what its mailbox holds and what its log says."""

    def __init__(self, world, name):
        self.name = name
        self.messages = collections.Counter()
        for file in (world / name / "mail/inbox/new").glob("*"):
            head = file.read_text(encoding="ascii", errors="replace").split("\n\n", 1)[0]
            found = MAILBOX_ID.search(head)
            self.messages[found.group(1) if found else f"unknown {file.name}"] += 1
        log = (world / name / "maillog").read_text(encoding="utf-8", errors="replace")
        self.peers = {ipaddress.ip_address(peer) for peer in CONNECT.findall(log)}
        clients = {queue_id: (address, int(port))
                   for queue_id, address, port in CLIENT.findall(log)}
        self.seen = {identity: clients.get(queue_id)
                     for queue_id, identity in MESSAGE_ID.findall(log)}


class Shares:
    """Expected and actual messages of each server, over the phases with a steady table."""

    def __init__(self, phases):
        self.slots = collections.defaultdict(dict)
        for line in phases:
            phase, server, slots = line.split()
            self.slots[phase][server] = int(slots)
        self.expected = collections.Counter()
        self.variance = collections.Counter()
        self.actual = collections.Counter()
        self.total = 0
        self.problems = []

    def add(self, phase, counts):
        """@counts: messages of each server in that phase."""
        if phase not in self.slots:
            return
        table = self.slots[phase]
        total, size = sum(counts.values()), sum(table.values())
        self.total += total
        for server in set(counts) | set(table):
            chance = table.get(server, 0) / size
            self.expected[server] += total * chance
            self.variance[server] += total * chance * (1 - chance)
            self.actual[server] += counts[server]
            if chance == 0 and counts[server]:
                self.problems.append(f"{server} got {counts[server]} messages in phase "
                                     f"'{phase}', when it had no slot in the table")

    def check(self, server):
        off = abs(self.actual[server] - self.expected[server])
        if off > TOLERANCE_SIGMA * math.sqrt(self.variance[server]) + 1:
            self.problems.append(
                f"{server}'s share is too far from what is expected: {self.actual[server]} "
                f"messages instead of {self.expected[server]:.0f}")

    def percent(self, counter, server):
        return f"{100 * counter[server] / self.total:.1f} %" if self.total else "-"


class Peers:
    """Who may speak to a server: clients, and the balancer's probes."""

    def __init__(self, prefixes, balancers):
        self.clients = [ipaddress.ip_network(prefix) for prefix in prefixes]
        self.balancers = {ipaddress.ip_address(address) for address in balancers}

    def clients_of(self, server):
        return {peer for peer in server.peers if any(peer in net for net in self.clients)}

    def strangers_of(self, server):
        return server.peers - self.clients_of(server) - self.balancers


def compare(entries, servers, peers, shares):
    """The list of everything that is not as it must be, and the two counts people ask for."""
    problems = []
    sent = {entry["id"]: entry for entry in entries}
    copies = sum((server.messages for server in servers), collections.Counter())
    phases = collections.defaultdict(collections.Counter)

    for entry in entries:
        if entry["outcome"] != "delivered":
            problems.append(f"{entry['id']}: given up: {entry['errors'][-1:]}")
    strangers = set(copies) - set(sent)
    if strangers:
        problems.append(f"{len(strangers)} messages that nobody sent")
    for server in servers:
        for identity in server.messages:
            entry = sent.get(identity)
            if entry is None:
                continue
            if server.seen.get(identity) != (entry["client"], entry["port"]):
                problems.append(f"{identity}: {server.name} saw {server.seen.get(identity)}, it "
                                f"came from {entry['client']}:{entry['port']}")
            if not entry["held"]:
                phases[entry["phase"]][server.name] += 1
        for stranger in peers.strangers_of(server):
            problems.append(f"{stranger} spoke to {server.name}, and is no client")
    for phase, counts in phases.items():
        shares.add(phase, counts)
    if shares.slots:
        for server in servers:
            shares.check(server.name)
    lost = sum(1 for identity in sent if not copies[identity])
    duplicated = sum(1 for identity in sent if copies[identity] > 1)
    if lost or duplicated:
        problems.append(f"{lost} messages lost, {duplicated} duplicated")
    return problems + shares.problems, lost, duplicated


def table(servers, peers, shares):
    yield "server    messages    share   expected    client addresses in its log"
    yield "-" * 78
    for server in servers:
        strangers = len(peers.strangers_of(server))
        whose = f"and {strangers} strangers" if strangers else "all the clients' own"
        yield (f"{server.name:<8}{sum(server.messages.values()):>10}"
               f"{shares.percent(shares.actual, server.name):>9}"
               f"{shares.percent(shares.expected, server.name):>11}"
               f"    {len(peers.clients_of(server))}, {whose}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--world", required=True, type=pathlib.Path)
    parser.add_argument("--ledger", required=True, type=pathlib.Path)
    parser.add_argument("--clients", action="append", default=[])
    parser.add_argument("--balancer", action="append", default=[])
    parser.add_argument("--phases", type=pathlib.Path)
    parser.add_argument("servers", nargs="+")
    options = parser.parse_args()

    entries = [json.loads(line) for line in options.ledger.read_text().splitlines()]
    servers = [Server(options.world, name) for name in options.servers]
    shares = Shares(options.phases.read_text().splitlines() if options.phases else [])
    peers = Peers(options.clients, options.balancer)
    problems, lost, duplicated = compare(entries, servers, peers, shares)
    if not entries:
        problems.append("no message was sent")

    for line in table(servers, peers, shares):
        print(line)
    print(f"\n{len(entries)} messages sent, {len(entries) - lost} delivered, {lost} lost, "
          f"{duplicated} duplicated")
    if shares.slots:
        print(f"Shares are of the {shares.total} that were sent while the table was steady.")
    for problem in problems[:20]:
        print(f"NOT AS IT MUST BE: {problem}")
    if len(problems) > 20:
        print(f"NOT AS IT MUST BE: and {len(problems) - 20} more")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
