#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what mail.sh printed, and prints a table of it and the figures to reach."""

import json
import statistics
import sys

from reach import print_reached

DIRECT, HAPROXY = "direct-one-core", "haproxy"
MAILRAIL, BUSY = "mailrail-adaptive", "mailrail-busy"

# What, whose figure, divided by whose, at least, at most.
REACH = [
    ("sessions/s, adaptive / direct, one core", "rate", MAILRAIL, DIRECT, 0.95, None),
    ("sessions/s, busy / direct, one core", "rate", BUSY, DIRECT, 0.95, None),
    ("sessions/s, adaptive / HAProxy", "rate", MAILRAIL, HAPROXY, 1, None),
    ("sessions/s, busy / HAProxy", "rate", BUSY, HAPROXY, 1, None),
    ("CPU time a session, adaptive / HAProxy", "all", MAILRAIL, HAPROXY, None, 0.2),
    ("the same without softirqs", "own", MAILRAIL, HAPROXY, None, 0.2),
]

NOTES = """\
Medians of the rounds; best: of the best. Greeting: from before the SYN to after the 220,
  {greetings} in all, one at a time, at a steady pace, without other load.
us: CPU time of the balancer's processes. own: without softirqs on top of them; all: with them.
  They are work for others, mostly: over veth(4), whoever sends does what the receiver's kernel
  does, up to its socket. So `all` has the servers' share of what the balancer sends; what
  clients and servers send to the balancer is in neither. core: all that the balancer's core
  did meanwhile, other programs of the machine too.
A worker that polls busily takes all of its core, whatever there is to do."""


def rounds(subject, kind):
    return [figures for visit in subject["visits"] for figures in visit[kind]]


def rates(subject, kind):
    return [figures["count"] / figures["seconds"] for figures in rounds(subject, kind)]


def times(subject, kind, name, are_apart):
    """Of a session or message in each round, in microseconds. @are_apart: the kernel does not
    count softirqs as time of the process that they came on top of."""
    took = []
    for figures in rounds(subject, kind):
        own = figures["balancer_s"] - (0 if are_apart else figures["softirqs_s"])
        seconds = {"own": own, "all": own + figures["softirqs_s"], "core": figures["core_s"]}[name]
        took.append(seconds / figures["count"] * 1e6)
    return took


def greetings(subject):
    return sorted(took for visit in subject["visits"] for took in visit["greetings_us"])


def percentile(ordered, percent):
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


def is_balanced(subject):
    return not subject["name"].startswith("direct-")


def text_of_times(subject, kind, are_apart):
    if not is_balanced(subject):
        return "%7s %7s %7s" % ("", "", "")
    return " ".join("%7.1f" % statistics.median(times(subject, kind, name, are_apart))
                    for name in ("own", "all", "core"))


def print_subject(subject, are_apart):
    sessions, took = rates(subject, "sessions"), greetings(subject)
    print("%-17s | %7.0f %7.0f | %s | %6.1f | %s | %5d %6d" % (
        subject["name"], statistics.median(sessions), max(sessions),
        text_of_times(subject, "sessions", are_apart),
        statistics.median(rates(subject, "messages")),
        text_of_times(subject, "messages", are_apart),
        percentile(took, 50), percentile(took, 99)))


def print_subjects(subjects, are_apart):
    print("%-17s | %-15s | %-23s | %-6s | %-23s | %-12s" % (
        "", "sessions/s", "us a session", "MB/s", "us a message of 1 MB", "greeting, us"))
    print("%-17s | %7s %7s | %7s %7s %7s | %6s | %7s %7s %7s | %5s %6s" % (
        "", "median", "best", "own", "all", "core", "", "own", "all", "core", "p50", "p99"))
    for subject in subjects:
        print_subject(subject, are_apart)


def figures_of(subject, kind, are_apart):
    """The median and the best."""
    if kind == "rate":
        samples = rates(subject, "sessions")
        return statistics.median(samples), max(samples)
    samples = times(subject, "sessions", kind, are_apart)
    return statistics.median(samples), min(samples)


def print_reach(subjects, are_apart):
    print("%-44s %7s %7s" % ("", "medians", "bests"))
    for what, kind, name, base, least, most in REACH:
        if name not in subjects or base not in subjects:
            continue
        medians, bests = (figure / other for figure, other in zip(
            figures_of(subjects[name], kind, are_apart),
            figures_of(subjects[base], kind, are_apart)))
        reached = medians >= least if most is None else medians <= most
        wanted = ">= %g" % least if most is None else "<= %g" % most
        print_reached(what, "%7.2f %7.2f" % (medians, bests), wanted, reached)


def main():
    result = json.load(sys.stdin)
    subjects = result["subjects"]
    are_apart = result["interrupts_apart"] == "y"
    print("mail: SMTP sessions from smtp-source to two smtp-sinks (Postfix %s), %d rounds" % (
        result["postfix"], result["passes"] * result["rounds"]))
    print("      core %d: clients and servers; core %d: the balancer, or with direct-two-cores "
          "the servers" % (result["hosts_core"], result["balancer_core"]))
    print("      %s, %s" % (result["haproxy"], result["nginx"]))
    print()
    print_subjects(subjects, are_apart)
    print()
    print(NOTES.format(greetings=len(greetings(subjects[0]))))
    print()
    print_reach({subject["name"]: subject for subject in subjects}, are_apart)


main()
