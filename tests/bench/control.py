#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How fast does mailraild make changes, and do workers feel it?

    control.py [--short] [--list] [CASE...]

maglev    building one table, beside the published algorithm (maglev.c)
apply     config.apply of 100 services and 1,000 pools of 10 backends, from a configuration with
          one of each, then changes of one backend; a worker forwards what DPDK's net_pcap repeats
          without end, hence as fast as it can
requests  10,000 small requests a second on one connection, beside such a worker and 1,000 other
          connections

mailraild's worker has one core, its control thread and this program share the other. Prints JSON.
"""

import contextlib
import json
import resource
import socket
import statistics
import subprocess
import sys
import time

from bench_main import bench_main
from ports_place import PcapPlace, places
from ports_program import BUILD, Failure, Mailraild, choose_pages

CASES = ('maglev', 'apply', 'requests')
POOLS, BACKENDS, SERVICES = 1000, 10, 100
RATE, CONNECTIONS = 10000, 1000
GAP_SECONDS = 8  # what longest_round_us of worker.list reaches back
MBUFS_UNDER_WAY = 64  # counters are not read at one moment


class Extent:
    """How much is measured."""

    def __init__(self, is_short):
        self.is_short = is_short
        self.passes = 1 if is_short else 3
        self.changes = 5 if is_short else 21
        self.seconds = 3 if is_short else 10


class Connection:
    """JSON-RPC, one request at a time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = self.socket.makefile('rb')

    def send(self, text):
        self.socket.sendall(text)
        answer = json.loads(self.answers.readline())
        if 'error' in answer:
            raise Failure(f'mailraild: {str(answer["error"])[:500]}')
        return answer['result']

    def call(self, method, **params):
        return self.send(request(method, **params))

    def close(self):
        self.answers.close()
        self.socket.close()


def request(method, **params):
    return json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': params}).encode()


class Large:
    """The configuration in force, and a thousand pools beside its own."""

    def __init__(self, running):
        self.running = running

    def configuration(self, weight=100):
        """One backend has @weight, all others 100."""
        pools = [{'name': f'pool{pool}', 'health': {'type': 'none'}, 'table_size': 65537,
                  'backends': [{'name': f'mx{number}', 'address': self.address(pool, number)}
                               for number in range(BACKENDS)]} for pool in range(1, POOLS)]
        pools[POOLS // 2]['backends'][3]['weight'] = weight
        services = [{'name': f'smtp{number}', 'namespace': f'mail{number}.example.com',
                     'addresses': [f'10.26.0.{number}'], 'ports': [25, 587],
                     'pool': f'pool{number * 9}'} for number in range(1, SERVICES)]
        return dict(self.running, pools=self.running['pools'] + pools,
                    services=self.running['services'] + services)

    @staticmethod
    def address(pool, number):
        place = pool * BACKENDS + number
        return f'10.{128 + (place >> 16)}.{place >> 8 & 255}.{place & 255}'


def resident_mb(program):
    with open(f'/proc/{program.child.pid}/status', encoding='ascii') as status:
        fields = dict(line.split(':', 1) for line in status)
    return int(fields['VmRSS'].split()[0]) / 1024


class Forwarding:
    """A mailraild at full load, and what its worker tells."""

    def __init__(self, place):
        place.enter(Mailraild)
        self.program = place.forwarder
        self.control = Connection(self.program.socket)

    def worker(self):
        return self.control.call('worker.list')['workers'][0]

    def counts(self):
        """Packets received and sent so far."""
        [worker] = self.program.stats()['workers']
        return worker['rx_packets'], worker['tx_packets']

    def settle(self):
        """Until the worker tells nothing of what was before."""
        time.sleep(GAP_SECONDS + 1)

    def times_ms(self, task):
        """How long a thread ran, and how long others kept it from that."""
        with open(f'{task}/schedstat', encoding='ascii') as file:
            return [int(field) / 1e6 for field in file.read().split()[:2]]

    def cpu_ms(self):
        """Of the control thread."""
        pid = self.program.child.pid
        return self.times_ms(f'/proc/{pid}/task/{pid}')[0]

    def gap(self):
        """The longest time between two bursts of late, and for how long the worker ever had to
        wait for its core, which is no fault of its own."""
        return {'longest_us': self.worker()['longest_round_us'],
                'waited_ms': self.times_ms(self.program.workers()[0])[1]}

    def change(self, method, **params):
        """Milliseconds until the worker has left everything older, until the answer, and of the
        control thread's."""
        text = request(method, **params)
        began, cpu_ms = time.monotonic(), self.cpu_ms()
        generation = self.control.send(text)['generation']
        answered = time.monotonic()
        while self.worker()['generation'] < generation:
            pass
        return {'ms': 1e3 * (time.monotonic() - began), 'answer_ms': 1e3 * (answered - began),
                'cpu_ms': self.cpu_ms() - cpu_ms, 'bytes': len(text)}


def summary(figures):
    values = sorted(each['ms'] for each in figures)
    return {'count': len(values), 'min_ms': values[0], 'median_ms': statistics.median(values),
            'max_ms': values[-1], 'request_bytes': figures[0]['bytes'],
            'median_answer_ms': statistics.median(each['answer_ms'] for each in figures),
            'median_cpu_ms': statistics.median(each['cpu_ms'] for each in figures)}


def worse(gap, other):
    """Of one phase's: the longer gap, and what was waited for by then."""
    return {key: max(gap[key], other[key]) for key in gap} if other else gap


def measure_apply(forwarding, extent):
    small = forwarding.control.call('config.get')['config']
    large = Large(small)
    changes = {'from empty': [], 'one backend': [], 'backend.set': []}
    memory_mb = [resident_mb(forwarding.program)]
    forwarding.settle()
    gaps = {'before': forwarding.gap()}
    began, before = time.monotonic(), forwarding.counts()
    for number in range(extent.passes):
        print(f'control: pass {number + 1} of {extent.passes}', file=sys.stderr)
        if number > 0:
            forwarding.change('config.apply', config=small)
        changes['from empty'].append(
            forwarding.change('config.apply', config=large.configuration()))
        gaps['from empty'] = worse(forwarding.gap(), gaps.get('from empty'))
    memory_mb.append(resident_mb(forwarding.program))
    forwarding.settle()
    for number in range(extent.changes):
        changes['one backend'].append(forwarding.change(
            'config.apply', config=large.configuration(weight=50 + number)))
        if number % 5 == 4:
            gaps['one backend'] = worse(forwarding.gap(), gaps.get('one backend'))
    for number in range(extent.changes):
        changes['backend.set'].append(forwarding.change(
            'backend.set', pool=f'pool{POOLS // 2 + 1}', backend='mx4', weight=50 + number))
    gaps['backend.set'] = forwarding.gap()
    after = forwarding.counts()
    received, sent = after[0] - before[0], after[1] - before[1]
    return {'changes': {name: summary(figures) for name, figures in changes.items()},
            'gaps': gaps, 'received': received,
            'lost': received - sent if abs(received - sent) > MBUFS_UNDER_WAY else 0,
            'packets_per_second': received / (time.monotonic() - began),
            'memory_mb': memory_mb,
            'pools': POOLS, 'backends': BACKENDS, 'services': SERVICES}


def ask_at_rate(connection, seconds):
    """Microseconds from the moment at which each request was due to its answer."""
    text = request('node.info')
    pipe = connection.socket
    pipe.setblocking(False)
    total, asked, answered = RATE * seconds, 0, 0
    latencies, began, unsent = [], time.monotonic(), b''
    while answered < total:
        due = min(int((time.monotonic() - began) * RATE) + 1, total)
        unsent += text * (due - asked)
        asked = due
        data = None
        with contextlib.suppress(BlockingIOError):
            if unsent:
                unsent = unsent[pipe.send(unsent):]
        with contextlib.suppress(BlockingIOError):
            data = pipe.recv(1 << 18)
        if data is None:
            continue
        if not data:
            raise Failure('mailraild has closed the connection')
        now = time.monotonic() - began
        for _ in range(data.count(b'\n')):
            latencies.append(1e6 * (now - answered / RATE))
            answered += 1
    pipe.setblocking(True)
    return latencies


def percentile(ordered, percent):
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


def measure_requests(forwarding, extent):
    others = [Connection(forwarding.program.socket) for _ in range(CONNECTIONS)]
    for other in others:
        other.call('node.info')
    began, before = time.monotonic(), forwarding.counts()
    ordered = sorted(ask_at_rate(Connection(forwarding.program.socket), extent.seconds))
    after, ended = forwarding.counts(), time.monotonic()
    held = 0
    for other in others:
        other.call('node.info')
        held += 1
        other.close()
    return {'rate': RATE, 'seconds': extent.seconds, 'connections_held': held,
            'latency_us': {'p50': percentile(ordered, 50), 'p99': percentile(ordered, 99),
                           'max': ordered[-1]},
            'forwarded_per_second': (after[1] - before[1]) / (ended - began)}


def measure_maglev(extent):
    command = [f'{BUILD}/tests/bench/bench_maglev', *(['--short'] if extent.is_short else [])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def run(cases, is_short):
    extent, result = Extent(is_short), {}
    if 'maglev' in cases:
        result['maglev'] = measure_maglev(extent)
    if 'apply' not in cases and 'requests' not in cases:
        return result
    with places() as named:
        named['control'] = PcapPlace(choose_pages())
        forwarding = Forwarding(named['control'])
        if 'requests' in cases:
            result['requests'] = measure_requests(forwarding, extent)
        if 'apply' in cases:
            result['apply'] = measure_apply(forwarding, extent)
    return result


limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
sys.exit(bench_main('control', run, CASES))
