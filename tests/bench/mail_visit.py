#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends mail to one subject of the bench `mail`, and prints what it took as one line of JSON.

Runs on the clients' host. Processor time comes from the kernel's clock of each process of the
balancer, which counts all of its threads to the nanosecond: the sum of utime and stime in
/proc/PID/stat, without its steps of 10 ms.
"""

import argparse
import ctypes
import json
import os
import socket
import subprocess
import time

from mail_softirqs import Softirqs

CLIENT = "client.example.com"
MESSAGE_BYTES = 1000000
WARM_UP_SESSIONS = 200
PARALLEL_SESSIONS = 20  # of each source
GREETINGS_PER_SECOND = 250
TIMEOUT_S = 60

LIBC = ctypes.CDLL(None, use_errno=True)


def clock_of(pid):
    clock = ctypes.c_int()
    error = LIBC.clock_getcpuclockid(pid, ctypes.byref(clock))
    if error != 0:
        raise OSError(error, os.strerror(error), "process %d" % pid)
    return clock.value


def idle_seconds(core):
    """What the core did not work, in steps of 10 ms."""
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            fields = line.split()
            if fields[0] == "cpu%d" % core:
                return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")
    raise LookupError("/proc/stat knows no core %d" % core)


class Meter:
    """Time: that passes, that the kernel has on the balancer's account, that this was in softirqs
    on top of it, and that the balancer's core is busy with anything."""

    def __init__(self, pids, core, softirqs):
        self.pids = pids
        self.clocks = [clock_of(pid) for pid in pids]
        self.core = core
        self.softirqs = softirqs
        self.begin = self.now()

    def now(self):
        return (time.monotonic(), sum(time.clock_gettime(clock) for clock in self.clocks),
                sum(self.softirqs.seconds(pid) for pid in self.pids), idle_seconds(self.core))

    def read(self):
        wall, balancer, softirqs, idle = (
            now - then for now, then in zip(self.now(), self.begin))
        return {"seconds": wall, "balancer_s": balancer, "softirqs_s": softirqs,
                "core_s": wall - idle}


def send(targets, sessions, options):
    """As many sessions to each target, from one smtp-source(1) each, all at once."""
    count = str(sessions // len(targets))
    sources = [subprocess.Popen(["smtp-source", "-4", "-M", CLIENT, "-m", count,
                                 "-s", str(PARALLEL_SESSIONS), *options, target + ":25"])
               for target in targets]
    for source in sources:
        if source.wait() != 0:
            raise SystemExit("smtp-source failed")


def measure(arguments, softirqs, sessions, options):
    rounds = []
    for _ in range(arguments.rounds):
        meter = Meter(arguments.balancer, arguments.core, softirqs)
        send(arguments.target, sessions, options)
        rounds.append({"count": sessions, **meter.read()})
    return rounds


def read_reply(connection, code):
    reply = b""
    while not reply.endswith(b"\n"):
        received = connection.recv(4096)
        if not received:
            break
        reply += received
    if not reply.startswith(code):
        raise SystemExit("the server said %r, not %r" % (reply, code))


def greeting_us(target):
    """From before the SYN to after the server's first line."""
    begin = time.monotonic_ns()
    with socket.create_connection((target, 25), TIMEOUT_S) as connection:
        read_reply(connection, b"220")
        end = time.monotonic_ns()
        connection.sendall(b"QUIT\r\n")
        read_reply(connection, b"221")
    return round((end - begin) / 1000)


def greet(targets, count):
    """One at a time, at a steady pace: what is waited for is the way, not a queue."""
    took = []
    begin = time.monotonic()
    for number in range(count):
        ahead = begin + number / GREETINGS_PER_SECOND - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        took.append(greeting_us(targets[number % len(targets)]))
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--core", type=int, required=True, help="the balancer's")
    parser.add_argument("--balancer", type=int, nargs="*", default=[], help="its processes")
    parser.add_argument("--softirqs", required=True, help="mail_softirqs.bpf.c, compiled")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--sessions", type=int, required=True,
                        help="with a short message, in a round")
    parser.add_argument("--messages", type=int, required=True,
                        help="of 1 MB, one a session, in a round")
    parser.add_argument("--greetings", type=int, required=True)
    arguments = parser.parse_args()

    softirqs = Softirqs(arguments.softirqs)
    send(arguments.target, WARM_UP_SESSIONS, [])
    print(json.dumps({
        "subject": arguments.subject,
        "sessions": measure(arguments, softirqs, arguments.sessions, []),
        "messages": measure(arguments, softirqs, arguments.messages,
                            ["-l", str(MESSAGE_BYTES)]),
        "greetings_us": greet(arguments.target, arguments.greetings),
    }))


main()
