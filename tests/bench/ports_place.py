# SPDX-License-Identifier: BSD-3-Clause
"""Where a forwarder works: a network namespace, a directory, and two ports of some kind, on which
what a generator sends arrives. Every forwarder has a place of its own, so that several can be
there at once, all but one paused."""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile

from ports_program import GENERATOR_BURST, Generator, write_pcap

SERVICE = '10.25.0.10'
BACKENDS = {'10.25.1.11': '02:00:00:00:01:11', '10.25.1.12': '02:00:00:00:01:12'}
PORT_MAC, OUT_MAC = '02:00:00:00:00:01', '02:00:00:00:00:02'
# Few enough to stay in the second cache, with the copies that are under way.
PCAP_PACKETS = 256
# A generator runs until it is told to stop.
FOREVER = '1000000'


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def places():
    """A dictionary for places by their name. At the end they are removed, and whatever signal
    comes meanwhile has to wait."""
    named = {}
    try:
        yield named
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for place in named.values():
            place.remove()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def ip(*arguments):
    subprocess.run(['ip', *arguments], check=True)


class Port:
    """A port of a forwarder: a device of DPDK's, on an interface of the kernel's or not."""

    def __init__(self, name, vdev, interface=None):
        self.name, self.vdev, self.interface = name, vdev, interface

    def configuration(self):
        if self.interface:
            return {'name': self.name, 'device': f'af_xdp:{self.interface}'}
        port = {'name': self.name, 'device': self.vdev, 'twin': False}
        if self.name == 'out':
            port['neighbours'] = [{'address': address, 'mac': mac}
                                  for address, mac in BACKENDS.items()]
        return port


class Place:
    """Ports without a generator; each kind of ports is a class below."""

    descriptors = 2048
    is_fed = True  # packets come without being asked for
    refuses = True  # the generator is told when the forwarder cannot take more
    service, backends = SERVICE, list(BACKENDS)

    def __init__(self, huge):
        self.huge = huge
        self.directory = tempfile.mkdtemp(prefix='mailrail-bench.', dir='/dev/shm')
        self.netns = f'mr-bench-{self.directory.rsplit(".", 1)[1]}'
        self.programs = []
        try:
            ip('netns', 'add', self.netns)
            self.ports = self.create_ports()
        except BaseException:
            self.remove()
            raise

    def create_ports(self):
        raise NotImplementedError

    def generator(self):
        """The arguments of Generator, or None."""
        return None

    def enter(self, program, *arguments):
        """Starts a forwarder, and what it is to forward."""
        forwarder = program(self, *arguments)
        arguments = self.generator()
        if arguments is not None:
            Generator(self, *arguments)
        if self.is_fed:
            forwarder.wait_for(lambda: any(sent > 0 for sent, _ in forwarder.counts()),
                               'forwards packets')

    @property
    def forwarder(self):
        return self.programs[0]

    def end_generator(self):
        """How often the forwarder's port could not take a burst, for each that it took. Next to
        none: the generator was the limit. None: there is no generator, or nobody knows."""
        if self.generator() is None or not self.refuses:
            return None
        self.resume()
        generator = self.programs[1]
        generator.stop()
        sent = generator.report()['sent']
        return sent['polls_refused'] / max(sent['packets'] / GENERATOR_BURST, 1)

    def pause(self):
        for program in self.programs:
            program.pause()

    def resume(self):
        for program in self.programs:
            program.resume()

    def remove(self):
        for program in reversed(self.programs[:]):
            program.stop()
        subprocess.run(['ip', 'netns', 'delete', self.netns], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


class PcapPlace(Place):
    """Both ports are files of DPDK's net_pcap, over and over; what they send is dropped."""

    profile, queues = 'mx-internet', 1

    def create_ports(self):
        return [Port(name, f'net_pcap{index},{self.files(index)},infinite_rx=1')
                for index, name in enumerate(('in', 'out'))]

    def files(self, index):
        """An argument for each queue."""
        arguments = []
        for queue in range(self.queues):
            path = f'{self.directory}/{index}-{queue}.pcap'
            # net_pcap's addresses end with the number of the port.
            options = ['--to', f'02:70:63:61:70:{index:02x}', '--service', SERVICE, '--seed',
                       str(index * self.queues + queue), '--packets', str(PCAP_PACKETS)]
            if self.profile == 'mx-internet':
                options += ['--sessions-per-second', '1']
            write_pcap(path, '--profile', self.profile, *options)
            arguments.append(f'rx_pcap={path}')
        return ','.join(arguments)


class Pcap64Place(PcapPlace):
    """The same, with segments of 64 bytes."""

    profile = 'flood64'


class MemifPlace(Place):
    """A generator sends over memif; the other port takes all, and is nobody's."""

    profile = 'mx-internet'
    descriptors = 1024

    def create_ports(self):
        return [Port('in', f'net_memif0,role=server,mac={PORT_MAC},{self.socket("in")}'),
                Port('out', 'net_null1,no-rx=1')]

    def socket(self, name):
        return f'socket-abstract=no,socket={self.directory}/{name}.sock'

    def generator(self):
        return ([f'net_memif0,role=client,{self.socket("in")}'],
                ['--profile', self.profile, '--to', PORT_MAC, '--rx', 'none',
                 '--seconds', FOREVER])


class Memif64Place(MemifPlace):
    """The same, with segments of 64 bytes."""

    profile = 'flood64'


class LoopPlace(Place):
    """Both ports are memif, and a generator comes and goes at the other ends of both."""

    descriptors, is_fed = 1024, False

    def create_ports(self):
        return [Port(name, f'net_memif{index},role=server,mac={mac},{self.socket(name)}')
                for index, (name, mac) in enumerate((('in', PORT_MAC), ('out', OUT_MAC)))]

    def socket(self, name):
        return f'socket-abstract=no,socket={self.directory}/{name}.sock'

    def enter(self, program, *arguments):
        for socket in glob.glob(f'{self.directory}/*.sock'):
            os.remove(socket)  # of one that could not clean up
        super().enter(program, *arguments)

    def generate(self, options, seconds):
        """What a run reports that should end within so many seconds."""
        vdevs = [f'net_memif{index},role=client,{self.socket(name)}'
                 for index, name in enumerate(('in', 'out'))]
        generator = Generator(self, vdevs, ['--to', PORT_MAC, *options])
        try:
            return generator.result(seconds)
        finally:
            generator.stop()


class AfXdpPlace(Place):
    """Both ports are ends of veth; the generator is at the other end of the first. What the
    forwarder cannot take the kernel drops, without a word to the generator."""

    refuses = False

    def create_ports(self):
        for name in ('in', 'out'):
            ip('-n', self.netns, 'link', 'add', name, 'type', 'veth', 'peer', 'name', f'{name}-far')
            for interface in (name, f'{name}-far'):
                # Nothing but what the bench sends.
                self.sysctl(f'net.ipv6.conf.{interface}.disable_ipv6=1')
                ip('-n', self.netns, 'link', 'set', interface, 'up')
        ip('-n', self.netns, 'link', 'set', 'in', 'address', PORT_MAC)
        ip('-n', self.netns, 'address', 'add', f'{SERVICE}/24', 'dev', 'in')
        ip('-n', self.netns, 'address', 'add', '10.25.1.1/24', 'dev', 'out')
        for address, mac in BACKENDS.items():
            ip('-n', self.netns, 'neighbour', 'add', address, 'lladdr', mac, 'dev', 'out',
               'nud', 'permanent')
        return [Port(name, f'net_af_xdp{index},iface={name}', name)
                for index, name in enumerate(('in', 'out'))]

    def sysctl(self, setting):
        subprocess.run(['ip', 'netns', 'exec', self.netns, 'sysctl', '-qw', setting], check=True)

    def generator(self):
        return (['net_af_xdp9,iface=in-far'],
                ['--profile', 'mx-internet', '--to', PORT_MAC, '--rx', 'none',
                 '--seconds', FOREVER])
