#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How many packets does mailraild forward between two ports, beside dpdk-testpmd on the same?

    ports.py [--short] [--list] [CASE...]

The forwarders of a case take turns of less than a second on the same core, see ports_turns.py;
each has ports, and a generator, of its own. Prints JSON.
"""

import sys

from bench_main import bench_main
from ports_place import AfXdpPlace, Memif64Place, MemifPlace, Pcap64Place, PcapPlace, places
from ports_program import Mailraild, Testpmd, choose_pages
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


def run(names, is_short):
    extent, huge = Extent(is_short), choose_pages()
    results = [run_case(name, extent, huge) for name in names]
    return {'passes': extent.passes, 'seconds': extent.seconds, 'hugepages': huge,
            'cases': results}


sys.exit(bench_main('ports', run, list(CASES)))
