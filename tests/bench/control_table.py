#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what control.py printed, and prints a table of it and the figures to reach."""

import json
import sys

from reach import print_reached

TABLE_MS = {'65537 x 1000': 1, '655373 x 1000': 12}
CHANGE_MS = {'from empty': 3000, 'one backend': 50}
LATENCY_MS = 5
SLOTS_BYTES = 459904  # of 65537, <mailrail/slots.h>


def print_maglev(maglev):
    print(f'control: milliseconds for a Maglev table, slots x backends; medians of '
          f'{maglev["rounds"]} turns. The published\n         algorithm knows no weights: '
          f'it is the same one beside 1000 weights.')
    print()
    print('%-28s %10s %10s %7s' % ('', 'published', 'mailrail', 'ratio'))
    for case in maglev['cases']:
        published, own = case['published_ms']['median'], case['own_ms']['median']
        print('%-28s %10.3f %10.3f %7.2f' % (case['name'], published, own, own / published))
    print()
    for case in maglev['cases']:
        most = TABLE_MS.get(case['name'])
        if most:
            own = case['own_ms']['median']
            print_reached(f'a table of {case["name"]}, ms', '%.3f' % own, f'< {most}', own < most)
    print()


def print_apply(apply):
    print(f'control: a change of {apply["services"]} services and {apply["pools"]} pools of '
          f'{apply["backends"]} backends, from its request to all workers on the\n'
          f'         new snapshot; CPU: of the control thread. One worker forwards '
          f'{apply["packets_per_second"] / 1e6:.2f} Mpps meanwhile.')
    print('         Memory %.0f MB before and %.0f MB after, of which slots are %.0f MB.' % (
        *apply['memory_mb'], apply['pools'] * SLOTS_BYTES / 2**20))
    print()
    print('%-14s %6s %10s %10s %10s %10s %9s | %8s %10s' % (
        'change', 'count', 'request, B', 'least, ms', 'median', 'most', 'CPU, ms', 'gap, us',
        'waited, ms'))
    waited = apply['gaps']['before']['waited_ms']
    print('%-84s | %8d %10s' % ('before any', apply['gaps']['before']['longest_us'], ''))
    for name, change in apply['changes'].items():
        gap = apply['gaps'][name]
        print('%-14s %6d %10d %10.1f %10.1f %10.1f %9.1f | %8d %10.1f' % (
            name, change['count'], change['request_bytes'], change['min_ms'],
            change['median_ms'], change['max_ms'], change['median_cpu_ms'], gap['longest_us'],
            gap['waited_ms'] - waited))
        waited = gap['waited_ms']
    print('gap: the longest time between two bursts, of the seconds around the changes. waited: '
          'how long the\n     worker, in all, had to wait for its core, with which it has nothing '
          'to do.')
    print()
    for name, most in CHANGE_MS.items():
        median = apply['changes'][name]['median_ms']
        print_reached(f'{name}, ms', '%.1f' % median, f'< {most}', median < most)
    print_reached('packets lost', f'{apply["lost"]} of {apply["received"]}', '0',
                  apply['lost'] == 0)
    print()


def print_requests(requests):
    latency = requests['latency_us']
    print(f'control: {requests["rate"]} requests (node.info) a second on one connection for '
          f'{requests["seconds"]} s, beside a worker that\n         forwards '
          f'{requests["forwarded_per_second"] / 1e6:.2f} Mpps and '
          f'{requests["connections_held"]} other connections; from when each was due.')
    print()
    print('microseconds: p50 %.0f, p99 %.0f, max %.0f' % (
        latency['p50'], latency['p99'], latency['max']))
    print()
    print_reached('p99 of a request, ms', '%.3f' % (latency['p99'] / 1000), f'< {LATENCY_MS}',
                  latency['p99'] < 1000 * LATENCY_MS)
    print_reached('connections held', str(requests['connections_held']), '>= 1000',
                  requests['connections_held'] >= 1000)
    print()


def main():
    result = json.load(sys.stdin)
    for name, show in (('maglev', print_maglev), ('apply', print_apply),
                       ('requests', print_requests)):
        if name in result:
            show(result[name])


main()
