#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What does a second worker bring, and what do more sessions, services and backends cost?

    scale.py [--short] [--list] [CASE...]

Workers: mailraild on the one core, on the other, and on both take turns. Each worker has a receive
queue of its own that always has packets, in a file that DPDK's net_pcap plays over and over: no
core is needed to generate them, and nothing limits the workers but themselves. The axes are
bench_path's cases, each a point. Prints JSON; if MAILRAIL_PLOTS names a directory, the axes are
drawn there.
"""

import json
import os
import subprocess
import sys

from bench_main import bench_main
from ports_place import PcapPlace, places
from ports_program import BUILD, Failure, Mailraild, choose_pages, cores_get
from ports_turns import Extent, in_turns, summary
from scale_plot import plot_write

# What is counted, and the case of bench_path that has so many.
AXES = {
    'sessions': [(1000, 'sessions-1k'), (10000, 'sessions-10k'), (100000, 'sessions-100k'),
                 (1000000, 'sessions-1m'), (10000000, 'sessions-10m')],
    'services': [(1, 'sessions-1m'), (10, 'services-10'), (100, 'services-100'),
                 (1000, 'services-1k'), (10000, 'services-10k')],
    'backends': [(10, 'sessions-1m'), (100, 'backends-100'), (1000, 'backends-1k')],
}
SUBJECTS = ('mailrail', 'textbook', 'bare')


class QueuesPlace(PcapPlace):
    """Ports with a queue for each of two workers."""

    queues = 2


def measure_workers(extent):
    crews = {'first': cores_get()[:1], 'second': cores_get()[1:], 'both': cores_get()}
    huge = choose_pages()
    with places() as named:
        for name, cores in crews.items():
            named[name] = QueuesPlace(huge)
            named[name].enter(Mailraild, list(cores))
            named[name].pause()
        rates = in_turns('scale: workers', named, extent)
    return {
        'cores': crews, 'hugepages': huge, 'passes': extent.passes, 'seconds': extent.seconds,
        'packets_per_second': {name: summary(values) for name, values in rates.items()},
        'ratio': summary([2 * both / (first + second) for first, second, both in
                          zip(rates['first'], rates['second'], rates['both'])]),
    }


def measure_axes(names, is_short):
    cases = sorted({case for name in names for _, case in AXES[name]})
    command = [f'{BUILD}/tests/bench/bench_path', *(['--short'] if is_short else []), *cases]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure(f'bench_path ended with {done.returncode}')
    result = json.loads(done.stdout)
    cycles = {case['name']: case['cycles'] for case in result['cases']}
    setting = {key: result[key] for key in ('tsc_hz', 'eal_hugepages', 'burst', 'rounds')}
    return setting, [{
        'name': name,
        'points': [{'count': count, 'case': case,
                    'cycles': {subject: cycles[case][subject]['path'] for subject in SUBJECTS
                               if subject in cycles[case]}} for count, case in AXES[name]],
    } for name in names]


def processor():
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        for line in file:
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return 'unknown processor'


def plots_write(directory, setting, axes):
    os.makedirs(directory, exist_ok=True)
    caption = [
        'From parse to rewrite, l2dsr, IPv4, established sessions; median, and the least dotted.',
        f'{processor()}, {setting["tsc_hz"] / 1e6:.0f} MHz; bursts of {setting["burst"]}; '
        f'{setting["rounds"]} rounds; '
        f'{"huge" if setting["eal_hugepages"] else "ordinary"} pages.',
    ]
    files = []
    for axis in axes:
        files.append(f'{directory}/scale-{axis["name"]}.svg')
        plot_write(files[-1], f'Cost of a packet by {axis["name"]}', axis['name'],
                   'TSC cycles per packet', axis['points'], caption)
    return files


def run(names, is_short):
    result = {}
    if 'workers' in names:
        result['workers'] = measure_workers(Extent(is_short))
    axes = [name for name in names if name in AXES]
    if axes:
        result['setting'], result['axes'] = measure_axes(axes, is_short)
    if axes and os.environ.get('MAILRAIL_PLOTS'):
        result['plots'] = plots_write(os.environ['MAILRAIL_PLOTS'], result['setting'],
                                      result['axes'])
    return result


sys.exit(bench_main('scale', run, ['workers', *AXES]))
