#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what bench_path printed, and prints a table of it and the figures to reach."""

import json
import sys

from reach import print_reached

# What, whose median, divided by whose (None: cycles per packet), at least, at most.
REACH = [
    ("l2dsr, IPv4, 1 k sessions", "sessions-1k", None, 0, 40),
    ("l2dsr, IPv4, 100 k sessions", "sessions-100k", None, 0, 40),
    ("l2dsr, IPv4, 1 M sessions", "sessions-1m", None, 0, 40),
    ("l2dsr, IPv4, 10 M sessions", "sessions-10m", None, 0, 40),
    ("10 M sessions / 1 k", "sessions-10m", "sessions-1k", 0.9, 1.1),
    ("SYN flood / any packet", "syn-flood", "sessions-1m", 0.9, 1.1),
    ("ipip, IPv4", "ipip-4in4", None, 0, 60),
    ("gue, IPv4", "gue-4in4", None, 0, 60),
    ("l2dsr, IPv6 / IPv4", "l2dsr-6", "sessions-1m", 0, 1.3),
    ("ipip, IPv6 / IPv4", "ipip-6in6", "ipip-4in4", 0, 1.3),
    ("gue, IPv6 / IPv4", "gue-6in6", "gue-4in4", 0, 1.3),
    ("nat, IPv6 / IPv4", "nat-6", "nat-4", 0, 1.3),
    ("moving slots, 1 M pins, all hits", "moving-pinned", None, 0, 100),
    ("10,000 services / one", "services-10k", "sessions-1m", 0, 1.5),
    ("list of 1 M prefixes / none", "excluded-1m", "sessions-1m", 0, 1.5),
    ("list of 1 M prefixes / none, IPv6", "excluded-1m-6", "l2dsr-6", 0, 1.5),
]
TEXTBOOK_CASE, TEXTBOOK_RATIO = "sessions-1m", 3


def text_of(figure):
    """The least and the median, as they go in two columns."""
    if figure is None:
        return "%8s %8s" % ("", "")
    return "%8.1f %8.1f" % (figure["min"], figure["median"])


def print_cases(cases):
    subjects = ("mailrail", "textbook", "bare")
    print("%-18s" % "case" + "".join(" | %-35s" % name for name in subjects))
    print("%-18s" % "" + " |     path   median    whole   median" * len(subjects))
    for case in cases:
        cells = []
        for name in subjects:
            figures = case["cycles"].get(name, {"path": None, "whole": None})
            cells.append(text_of(figures["path"]) + " " + text_of(figures["whole"]))
        print("%-18s | %s" % (case["name"], " | ".join(cells)))


def print_steps(cases):
    for case in cases:
        for name, figures in case["cycles"].items():
            if figures["steps"]:
                steps = ", ".join("%s %.1f" % (step, figure["median"])
                                  for step, figure in figures["steps"].items())
                print("%-18s %-9s %s" % (case["name"], name, steps))


def print_reach(cases):
    medians = {case["name"]: case["cycles"]["mailrail"]["path"]["median"] for case in cases}
    for what, name, base, least, most in REACH:
        if name not in medians or (base is not None and base not in medians):
            continue
        figure = medians[name] / (medians[base] if base is not None else 1)
        wanted = "<= %g" % most if least == 0 else "%g..%g" % (least, most)
        print_reached(what, "%8.2f" % figure, wanted, least <= figure <= most)
    for case in cases:
        if case["name"] == TEXTBOOK_CASE:
            ratio = case["cycles"]["textbook"]["path"]["median"] / medians[TEXTBOOK_CASE]
            print_reached("textbook / mailrail, 1 M sessions", "%8.2f" % ratio,
                          ">= %g" % TEXTBOOK_RATIO, ratio >= TEXTBOOK_RATIO)


def main():
    result = json.load(sys.stdin)
    cases = result["cases"]
    print("path: TSC cycles per packet (%.0f MHz), least and median of %d rounds of %d packets, "
          "bursts of %d" % (result["tsc_hz"] / 1e6, result["rounds"], result["round_packets"],
                            result["burst"]))
    print("      path: from parse to rewrite; whole: from receive to transmit, over rings; "
          "pages: %s" % ("huge" if result["eal_hugepages"] else "ordinary"))
    print()
    print_cases(cases)
    if any(figures["steps"] for case in cases for figures in case["cycles"].values()):
        print()
        print_steps(cases)
    print()
    print_reach(cases)


main()
