# SPDX-License-Identifier: BSD-3-Clause
"""The programs that benches of ports run, each a child process: mailraild, dpdk-testpmd and
mailrail-pktgen. None outlives the bench, however that ends."""

import ctypes
import glob
import json
import os
import signal
import socket
import subprocess
import time

BUILD = os.environ['MAILRAIL_BUILD']
MAILRAILD = f'{BUILD}/control/mailraild'
PKTGEN = f'{BUILD}/tools/pktgen/mailrail-pktgen'

PR_SET_PDEATHSIG = 1
START_SECONDS = 15
GENERATOR_BURST = 32
TESTPMD_MBUFS = 16384  # about what mailraild has for two ports
# mailraild takes huge pages when it finds enough for itself; then the others must find some too.
MAILRAILD_HUGE_MB, ALL_HUGE_MB, ORDINARY_MB = 100, 600, 512


class Failure(Exception):
    """Why a bench cannot go on, for people."""


def free_huge_mb():
    free_kb = 0
    for directory in glob.glob('/sys/kernel/mm/hugepages/hugepages-*kB'):
        with open(f'{directory}/free_hugepages', encoding='ascii') as file:
            free_kb += int(file.read()) * int(directory.rsplit('-', 1)[1][:-len('kB')])
    return free_kb // 1024


def choose_pages():
    """Whether the programs are on huge pages: all, or none."""
    free = free_huge_mb()
    if MAILRAILD_HUGE_MB <= free < ALL_HUGE_MB:
        raise Failure(f'{free} MiB of huge pages are free, which is enough for some: '
                      f'give {ALL_HUGE_MB}, or none')
    return free >= ALL_HUGE_MB


def cores_get():
    """The core of generators, and the one that is measured."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Failure('this takes two cores: one for the generator, one to measure')
    return cores[0], cores[-1]


def wait_until(condition, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f'{what}: not within {seconds} s')
        time.sleep(0.02)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A child in the network namespace of its place, with its files in the place's directory."""

    def __init__(self, name, place, command):
        self.name, self.place = name, place
        self.log = f'{place.directory}/{name}.log'
        with open(self.log, 'wb') as log:
            self.child = subprocess.Popen(
                ['ip', 'netns', 'exec', place.netns, *command], stdin=subprocess.PIPE,
                stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent,
                env=dict(os.environ, RUNTIME_DIRECTORY=place.directory))
        place.programs.append(self)

    def check(self):
        if self.child.poll() is not None:
            raise Failure(f'{self.name} has ended:\n{self.last_words()}')

    def last_words(self):
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return ''.join(log.readlines()[-12:])

    def wait_for(self, condition, what):
        def holds():
            self.check()
            return condition()
        wait_until(holds, f'{self.name}: {what}')

    def pause(self):
        self.child.send_signal(signal.SIGSTOP)

    def resume(self):
        self.check()
        self.child.send_signal(signal.SIGCONT)

    def stop(self):
        self.child.stdin.close()
        self.child.send_signal(signal.SIGCONT)
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.place.programs.remove(self)

    def workers(self):
        """The directories of DPDK's workers in /proc, in the order of their numbers."""
        found = {}
        for task in glob.glob(f'/proc/{self.child.pid}/task/*'):
            try:
                with open(f'{task}/comm', encoding='utf-8') as file:
                    name, _, number = file.read().strip().rpartition('-')
            except FileNotFoundError:
                continue  # a thread that only was there to answer somebody
            if name == 'rte-worker':
                found[int(number)] = task
        return [found[number] for number in sorted(found)]

    def worker_ns(self):
        """CPU time of each worker so far."""
        times = []
        for task in self.workers():
            with open(f'{task}/schedstat', encoding='ascii') as file:
                times.append(int(file.read().split()[0]))
        return times


def eal_options(place):
    memory = ['--in-memory'] if place.huge else ['--no-huge', f'-m{ORDINARY_MB}', '--no-shconf']
    return ['--no-pci', '--log-level=error', *memory]


class Mailraild(Program):
    """The shipped program with one service, one pool, and no probes."""

    def __init__(self, place, cores=None):
        self.socket = f'{place.directory}/control.sock'
        file = f'{place.directory}/mailrail.json'
        with open(file, 'w', encoding='utf-8') as out:
            json.dump(self.configuration(place, cores or [cores_get()[1]]), out)
        super().__init__('mailraild', place, [MAILRAILD, '--config', file])
        self.wait_for(self.answers, 'answers')

    def configuration(self, place, cores):
        return {
            'node': {'name': 'bench', 'key': '6d61696c' * 8},
            'control': {'socket': self.socket},
            'sessions': {'state': f'{place.directory}/sessions'},
            'workers': {'cores': cores},
            'ports': [port.configuration() for port in place.ports],
            'pools': [{'name': 'mx', 'health': {'type': 'none'}, 'backends': [
                {'name': f'mx{number}', 'address': address}
                for number, address in enumerate(place.backends, 1)]}],
            'services': [{'name': 'smtp', 'namespace': 'mail.example.com', 'ports': [25],
                          'addresses': [place.service], 'pool': 'mx'}],
        }

    def stats(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.socket)
            request = {'jsonrpc': '2.0', 'id': 1, 'method': 'stats.get'}
            connection.sendall(json.dumps(request).encode())
            return json.loads(connection.makefile().readline())['result']

    def answers(self):
        try:
            return bool(self.stats())
        except OSError:
            return False

    def counts(self):
        """Of each worker: packets sent, and CPU time in ns."""
        return list(zip([worker['tx_packets'] for worker in self.stats()['workers']],
                        self.worker_ns()))


class Testpmd(Program):
    """One forwarding core, in the mode that is its name."""

    def __init__(self, place, mode):
        other, core = cores_get()
        vdevs = [f'--vdev={port.vdev}' for port in place.ports]
        super().__init__(mode, place, [
            'stdbuf', '-oL', 'dpdk-testpmd', f'--lcores=0@{other},1@{core}', *eal_options(place),
            *vdevs, '--', f'--forward-mode={mode}', '--nb-cores=1',
            f'--total-num-mbufs={TESTPMD_MBUFS}', f'--rxd={place.descriptors}',
            f'--txd={place.descriptors}'])
        self.port_count = len(place.ports)
        self.wait_for(self.is_forwarding, 'forwards')

    def is_forwarding(self):
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return 'packets/burst' in log.read()

    def counts(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(glob.glob(f'{self.place.directory}/dpdk/*/dpdk_telemetry.v2*')[0])
            connection.recv(1024)
            sent = 0
            for port in range(self.port_count):
                connection.send(f'/ethdev/stats,{port}'.encode())
                sent += json.loads(connection.recv(16384))['/ethdev/stats']['opackets']
        return [(sent, self.worker_ns()[0])]


class Generator(Program):
    """mailrail-pktgen on a core of its own."""

    def __init__(self, place, vdevs, options):
        core, _ = cores_get()
        vdevs = [f'--vdev={vdev}' for vdev in vdevs]
        super().__init__('pktgen', place, [
            PKTGEN, f'--lcores=0@{core},1@{core}', *eal_options(place), '--no-telemetry', *vdevs,
            '--', '--service', place.service, '--json', f'{place.directory}/pktgen.json',
            *options])

    def result(self, seconds):
        """Waits until it has ended, for so long at most."""
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        if status != 0:
            raise Failure(f'pktgen does not end, or badly ({status}):\n{self.last_words()}')
        return self.report()

    def report(self):
        with open(f'{self.place.directory}/pktgen.json', encoding='utf-8') as file:
            return json.load(file)


def write_pcap(path, *options):
    """Traffic of mailrail-pktgen, in a file."""
    subprocess.run([PKTGEN, '--pcap', path, *options], check=True, stdout=subprocess.DEVNULL)
