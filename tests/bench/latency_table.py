#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what latency.py printed, and prints a table of it."""

import json
import sys

PERCENTILES = ('p50', 'p99', 'p99.9')


def main():
    result = json.load(sys.stdin)
    subjects = list(result['highest'])
    print(f'latency: microseconds from the generator through a forwarder and back, over memif; '
          f'medians of\n         {result["passes"]} turns of {result["seconds"]} s each; '
          f'{result["profile"]}; pages: {"huge" if result["hugepages"] else "ordinary"}')
    for subject, highest in result['highest'].items():
        print('         as fast as it goes, %.3f Mpps arrive through %s' % (
            highest['received'] / 1e6, subject))
    print()
    print('%-18s' % 'load' + ''.join(' | %-9s %9s %9s %8s' % (subject, *PERCENTILES[1:], 'lost %')
                                     for subject in (f'{name} p50' for name in subjects)))
    for load in result['loads']:
        cells = []
        for subject in subjects:
            figures = load['subjects'][subject]
            cells.append(' | %13.1f %9.1f %9.1f %8.4f' % (
                *(figures[name] / 1000 for name in PERCENTILES), figures['lost_percent']))
        print('%3d %% %7.3f Mpps ' % (load['percent'], load['packets_per_second'] / 1e6) +
              ''.join(cells))


main()
