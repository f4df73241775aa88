#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long do packets take from a generator through mailraild and back, beside dpdk-testpmd?

    latency.py [--short] [--list]

Over memif: the generator on one core, the forwarder on another. First the highest rate of each is
found: what arrives when packets are sent as fast as the forwarder takes them. Then both are given
10, 50 and 90 % of the lower one, in turns. Prints JSON.
"""

import statistics
import sys

from bench_main import bench_main
from ports_place import LoopPlace, places
from ports_program import Mailraild, Testpmd, choose_pages

# What Place.enter() takes.
SUBJECTS = {'mailraild': (Mailraild,), '5tswap': (Testpmd, '5tswap')}
PROFILE = 'mx-internet'
PERCENTS = (10, 50, 90)
PERCENTILES = ('p50', 'p99', 'p99.9')
PATIENCE_SECONDS = 60


class Extent:
    """How much is measured."""

    def __init__(self, is_short):
        self.passes = 2 if is_short else 7
        self.seconds = 1 if is_short else 3


def trial(place, extent, rate=None):
    """As fast as it goes without a rate."""
    pace = [] if rate is None else ['--packets-per-second', f'{rate:.0f}']
    result = place.generate(['--profile', PROFILE, '--seconds', str(extent.seconds), '--drain',
                             '0.2', *pace], PATIENCE_SECONDS)
    return {'sent': result['sent']['packets_per_second'],
            'received': result['received']['packets_per_second'],
            'lost_percent': 100 * result['lost'] / max(result['sent']['packets'], 1),
            **{name: result['latency_ns'][name] for name in PERCENTILES}}


def medians(trials):
    return {key: statistics.median([each[key] for each in trials]) for key in trials[0]}


def in_turns(named, extent, rate=None):
    """Medians of each subject's trials. A forwarder is started for each: DPDK's memif may take its
    memory from under a worker when the other end goes away, as the generator does."""
    trials = {subject: [] for subject in named}
    for number in range(extent.passes):
        print(f'latency: pass {number + 1} of {extent.passes} at '
              f'{"the highest rate" if rate is None else f"{rate / 1e6:.3f} Mpps"}',
              file=sys.stderr)
        for subject, place in named.items():
            place.enter(*SUBJECTS[subject])
            trials[subject].append(trial(place, extent, rate))
            place.forwarder.stop()
    return {subject: medians(results) for subject, results in trials.items()}


def run(_, is_short):
    extent, huge = Extent(is_short), choose_pages()
    with places() as named:
        for subject in SUBJECTS:
            named[subject] = LoopPlace(huge)
        highest = in_turns(named, extent)
        rate = min(each['received'] for each in highest.values())
        loads = [{'percent': percent, 'packets_per_second': rate * percent / 100,
                  'subjects': in_turns(named, extent, rate * percent / 100)}
                 for percent in PERCENTS]
    return {'profile': PROFILE, 'passes': extent.passes, 'seconds': extent.seconds,
            'hugepages': huge, 'highest': highest, 'loads': loads}


sys.exit(bench_main('latency', run))
