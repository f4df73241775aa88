#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what scale.py printed, and prints tables of it and the figure to reach."""

import json
import sys

from reach import print_reached

LEAST_RATIO = 1.9
SUBJECTS = ('mailrail', 'textbook', 'bare')


def print_workers(workers):
    print(f'scale: packets per second of the workers\' CPU time, in millions; {workers["passes"]} '
          f'turns of {workers["seconds"]} s; each worker\n       receives from a queue of its own '
          f'that always has packets (net_pcap, infinite_rx), so that no\n       generator limits '
          f'it; pages: {"huge" if workers["hugepages"] else "ordinary"}')
    print()
    print('%-16s %8s %8s %8s' % ('workers on cores', 'median', 'least', 'most'))
    for name, rate in workers['packets_per_second'].items():
        print('%-16s %8.3f %8.3f %8.3f' % (
            ', '.join(str(core) for core in workers['cores'][name]), rate['median'] / 1e6,
            rate['least'] / 1e6, rate['most'] / 1e6))
    print()
    ratio = workers['ratio']
    print_reached('2 workers / 1 worker',
                  '%5.2f (%.2f..%.2f)' % (ratio['median'], ratio['least'], ratio['most']),
                  f'>= {LEAST_RATIO:g}', ratio['median'] >= LEAST_RATIO)
    print()


def cell(cycles, subject):
    if subject not in cycles:
        return '%18s' % ''
    return '%9.1f %8.1f' % (cycles[subject]['median'], cycles[subject]['min'])


def print_axes(result):
    setting = result['setting']
    print(f'scale: TSC cycles per packet from parse to rewrite ({setting["tsc_hz"] / 1e6:.0f} MHz),'
          f' median and least of {setting["rounds"]} rounds;\n       pages: '
          f'{"huge" if setting["eal_hugepages"] else "ordinary"}')
    for axis in result['axes']:
        print()
        print('%-12s' % axis['name'] + ''.join(' | %9s %8s' % (name, 'least') for name in SUBJECTS))
        for point in axis['points']:
            print('%12s' % f'{point["count"]:,}' +
                  ''.join(f' | {cell(point["cycles"], name)}' for name in SUBJECTS))
    if 'plots' in result:
        print()
        print('plots: ' + ', '.join(result['plots']))


def main():
    result = json.load(sys.stdin)
    if 'workers' in result:
        print_workers(result['workers'])
    if 'axes' in result:
        print_axes(result)


main()
