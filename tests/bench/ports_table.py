#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads what ports.py printed, and prints a table of it and the figures to reach."""

import json
import sys

from reach import print_reached

SUBJECTS = ('mailraild', '5tswap', 'macswap', 'io')
LEAST_RATIO = 0.85
# Of a generator that has to wait for the forwarder, every tenth burst at least is refused once.
REFUSED_BY_FORWARDER = 0.1


def generator_limited(case):
    """The subjects that could have forwarded more."""
    return [name for name, refused in case['bursts_refused_per_burst'].items()
            if refused is not None and refused < REFUSED_BY_FORWARDER]


def main():
    result = json.load(sys.stdin)
    print(f'ports: packets per second of the forwarding core\'s CPU time, in millions: median '
          f'(least..most)\n       of {result["passes"]} turns of {result["seconds"]} s; testpmd '
          f'in its modes beside mailraild on ports alike;\n       pages: '
          f'{"huge" if result["hugepages"] else "ordinary"}')
    print()
    print('%-10s' % 'case' + ''.join(' | %-25s' % name for name in SUBJECTS))
    for case in result['cases']:
        cells = []
        for name in SUBJECTS:
            rates = {key: rate / 1e6 for key, rate in case['packets_per_second'][name].items()}
            cells.append('%6.3f (%.3f..%.3f)' % (rates['median'], rates['least'], rates['most']))
        print('%-10s' % case['name'] + ''.join(' | %-25s' % cell for cell in cells))
    print()
    for case in result['cases']:
        ratio = case['ratio_5tswap']
        print_reached(f'{case["name"]}: mailraild / 5tswap',
                      '%5.2f (%.2f..%.2f)' % (ratio['median'], ratio['least'], ratio['most']),
                      f'>= {LEAST_RATIO:g}', ratio['median'] >= LEAST_RATIO)
    for case in result['cases']:
        if generator_limited(case):
            print(f'{case["name"]}: the generator was the limit of '
                  f'{", ".join(generator_limited(case))}')


main()
