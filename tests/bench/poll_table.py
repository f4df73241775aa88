#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what bench_poll printed, and prints a table of it and the figures to reach."""

import json
import sys

from reach import print_reached

BACK_WITHIN_US = 100
RATE_RATIO = 0.95

# Whatever takes the sender's core for a moment changes the rate, with busy polling too: the last
# tenth of the starts tells of the machine.
BACK = (("first packet after idleness", "wake_us", ("p50", "p99")),
        ("full rate after idleness", "full_rate_us", ("p50", "p90")))

SPREAD = ("p50", "p90", "p99", "max")


def spread_text(figures):
    return "%6.1f %6.1f %7.1f %8.1f" % tuple(figures[name] for name in SPREAD)


def print_cases(cases):
    print("%-9s | %7s %8s | %-30s | %-30s | %6s" % (
        "", "idle", "sleeps", "a packet's way, us", "to full rate, us", "rate"))
    print("%-9s | %7s %8s | %s | %s | %6s" % (
        "poll", "CPU", "per s", *["%6s %6s %7s %8s" % SPREAD] * 2, "Mpps"))
    for case in cases:
        print("%-9s | %6.1f%% %8.0f | %s | %s | %6.2f" % (
            case["name"], 100 * case["idle_cpu"], case["idle_sleeps_per_s"],
            spread_text(case["wake_us"]), spread_text(case["full_rate_us"]),
            case["rate_mpps"]["p50"]))


def print_reach(cases):
    by_name = {case["name"]: case for case in cases}
    adaptive, busy = by_name.get("adaptive"), by_name.get("busy")
    if adaptive is None:
        return
    for what, name, shares in BACK:
        for share in shares:
            figure = adaptive[name][share]
            print_reached("adaptive: %s, %s, us" % (what, share),
                          "%8.2f" % figure, "< %d" % BACK_WITHIN_US, figure < BACK_WITHIN_US)
    if busy is not None:
        ratio = adaptive["rate_mpps"]["p50"] / busy["rate_mpps"]["p50"]
        print_reached("adaptive / busy: full rate", "%8.2f" % ratio, ">= %g" % RATE_RATIO,
                      ratio >= RATE_RATIO)


def main():
    result = json.load(sys.stdin)
    if "skipped" in result:
        print("poll: skipped: " + result["skipped"])
        return
    cases = result["cases"]
    print("poll: a worker without traffic, and on its way back; over rings, sleeps of %d us; %s" % (
        result["sleep_us"], ", ".join("%d wake-ups, %d starts" % (
            case["wake_us"]["count"], case["full_rate_us"]["count"]) for case in cases[:1])))
    print()
    print_cases(cases)
    print()
    print_reach(cases)


main()
