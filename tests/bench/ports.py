#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How many packets does mailraild forward between two ports, beside dpdk-testpmd on the same?

    ports.py [--short] [--list] [CASE...]

The forwarders of a case take turns of less than a second on the same core, see ports_turns.py;
each has ports, and a generator, of its own. Prints JSON.
"""

import json
import signal
import sys

from ports_place import AfXdpPlace, Memif64Place, MemifPlace, Pcap64Place, PcapPlace, places
from ports_program import Failure, Mailraild, Testpmd, choose_pages
from ports_turns import Extent, in_turns, summary

CASES = {
    'pcap': PcapPlace,
    'pcap-64': Pcap64Place,
    'memif': MemifPlace,
    'memif-64': Memif64Place,
    'af_xdp': AfXdpPlace,
}
MODES = ('5tswap', 'macswap', 'io')


def run_case(name, extent, huge):
    with places() as named:
        for subject in ('mailraild', *MODES):
            named[subject] = CASES[name](huge)
            if subject == 'mailraild':
                named[subject].enter(Mailraild)
            else:
                named[subject].enter(Testpmd, subject)
            named[subject].pause()
        rates = in_turns(f'ports: {name}', named, extent)
        ports = [port.vdev for port in named['mailraild'].ports]
        refusals = {subject: place.end_generator() for subject, place in named.items()}
    return {
        'name': name, 'ports': ports, 'bursts_refused_per_burst': refusals,
        'packets_per_second': {subject: summary(values) for subject, values in rates.items()},
        'ratio_5tswap': summary([mine / other for mine, other in
                                 zip(rates['mailraild'], rates['5tswap'])]),
    }


def run(names, extent):
    huge = choose_pages()
    results = [run_case(name, extent, huge) for name in names]
    json.dump({'passes': extent.passes, 'seconds': extent.seconds, 'hugepages': huge,
               'cases': results}, sys.stdout, indent=1)
    print()


def main():
    words = sys.argv[1:]
    names = [word for word in words if not word.startswith('-')] or list(CASES)
    if '--list' in words:
        print('\n'.join(CASES))
        return 0
    if not set(names) <= set(CASES):
        print(f'ports: cases are {", ".join(CASES)}', file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(names, Extent('--short' in words))
    except Failure as failure:
        print(f'ports: {failure}', file=sys.stderr)
        return 1
    return 0


sys.exit(main())
