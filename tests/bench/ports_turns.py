# SPDX-License-Identifier: BSD-3-Clause
"""Forwarders that take turns: all are there at once, each in its place, and all but one paused.
Rates are per second of a worker's CPU time, so that what else runs on the machine counts little."""

import statistics
import sys
import time

WARM_UP_SECONDS = 0.1


class Extent:
    """How much is measured."""

    def __init__(self, is_short):
        self.passes = 5 if is_short else 25
        self.seconds = 0.25 if is_short else 0.4


def measure(place, seconds):
    """Packets per second of each worker, added up."""
    place.resume()
    time.sleep(WARM_UP_SECONDS)
    before = place.forwarder.counts()
    time.sleep(seconds)
    after = place.forwarder.counts()
    place.pause()
    return sum((sent - sent_before) * 1e9 / (ns - ns_before)
               for (sent_before, ns_before), (sent, ns) in zip(before, after))


def in_turns(title, places, extent):
    """The rates of each place, by its name, one a pass."""
    rates = {name: [] for name in places}
    for number in range(extent.passes):
        print(f'{title}: pass {number + 1} of {extent.passes}', file=sys.stderr)
        for name, place in places.items():
            rates[name].append(measure(place, extent.seconds))
    return rates


def summary(rates):
    return {'median': statistics.median(rates), 'least': min(rates), 'most': max(rates)}
