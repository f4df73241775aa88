#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""mailrail-pktgen on ports that are files and rings: needs neither hugepages nor a card.

Usage: pktgen_ports.py MAILRAIL-PKTGEN
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from scapy.layers.inet import GRE, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.utils import PcapReader, RawPcapWriter

from each_test import run_each

PKTGEN = sys.argv[1]
CORE = max(os.sched_getaffinity(0))
EAL = ['--no-huge', '-m', '256', '--no-shconf', '--no-pci', '--no-telemetry',
       '--log-level=error', f'--lcores=0@{CORE},1@{CORE}']


def run(vdev, *options):
    """What a run on a port reports."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / 'result.json'
        done = subprocess.run([PKTGEN, *EAL, '--vdev', vdev, '--', '--json', path, *options],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(path.read_text())


def generate(*options):
    """Frames of traffic."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / 'out.pcap'
        subprocess.run([PKTGEN, '--pcap', path, *options], check=True)
        with PcapReader(str(path)) as reader:
            return [bytes(frame) for frame in reader]


def receive(frames, *options):
    """What is reported of frames that arrive."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / 'in.pcap'
        with RawPcapWriter(str(path), linktype=1) as writer:
            for frame in frames:
                writer.write(frame)
        return run(f'net_pcap0,rx_pcap={path}', '--profile', 'flood64', '--tx', 'none', '--rx',
                   '0', '--seconds', '0.3', '--drain', '0', *options)


def expect(result, **counts):
    """All counts of trouble that are not named are zero."""
    for name in ('missing', 'reordered', 'duplicates', 'unsure', 'broken_sessions',
                 'broken_packets', 'strangers'):
        found = result['received'][name]
        assert found == counts.get(name, 0), (name, result['received'])


def to_backend(frame, number):
    return bytes([2, 0, 0, 0, 1, number]) + frame[6:]


def sessions():
    return generate('--profile', 'spam-storm', '--sessions-per-second', '20', '--seconds', '10')


def test_what_arrives_is_counted():
    frames = sessions()
    result = receive(frames)
    expect(result)
    assert result['received']['packets'] == len(frames)
    assert result['received']['bytes'] == sum(map(len, frames))
    assert 190 < result['received']['sessions'] < 210


def test_trouble_is_seen():
    frames = generate('--profile', 'flood64', '--packets', '2000')
    expect(receive(frames + frames[:3]), duplicates=3)
    stranger = bytes(Ether(src='02:00:00:00:00:09') / IP(dst='198.19.0.10') / UDP(dport=25))
    expect(receive([*frames, stranger]), strangers=1)


def test_gaps_and_order_are_seen():
    profile = {
        'name': 'one', 'sources': [{'prefix': '198.18.0.0/16'}],
        'services': [{'address': '198.19.0.10'}],
        'flood': {'sessions': 1, 'frames': [{'bytes': 64}, {'bytes': 200}]},
    }
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(profile, file)
        file.flush()
        frames = generate('--profile', file.name, '--packets', '100')
    expect(receive(frames[:10] + frames[13:]), missing=3)
    expect(receive(frames[:10] + [frames[11], frames[10]] + frames[12:]), reordered=1)
    expect(receive(frames[:3] + frames[2:]), duplicates=1)


def test_broken_sessions_are_seen():
    frames = [to_backend(frame, frame[29] % 2) for frame in sessions()]
    expect(receive(frames))
    result = receive(frames[:-1] + [to_backend(frames[-1], 7)])
    expect(result, broken_sessions=1, broken_packets=1)
    assert len(result['backends']) == 3
    assert sum(backend['packets'] for backend in result['backends']) == len(frames)


def test_tunnels_are_opened():
    frames = [Ether(frame) for frame in sessions()[:60]]
    outers = [
        lambda number: IP(src='10.0.0.1', dst=f'10.0.1.{number}'),
        lambda number: IP(src='10.0.0.1', dst=f'10.0.1.{number}') / UDP(sport=50000, dport=6080),
        lambda number: IPv6(src='fd00::1', dst=f'fd00::1:{number}', nh=4),
        lambda number: IP(src='10.0.0.1', dst=f'10.0.1.{number}') / GRE(proto=0x0800),
    ]
    for outer in outers:
        tunnelled = [bytes(Ether(src=frame.src, dst=frame.dst) / outer(frame[IP].sport % 3) /
                           frame[IP]) for frame in frames]
        result = receive(tunnelled, '--backends-by', 'outer')
        expect(result)
        assert len(result['backends']) == 3, result
    assert len(receive(tunnelled, '--backends-by', 'address')['backends']) == 1


def test_a_loop_loses_nothing():
    for options in (['--profile', 'flood64'], ['--profile', 'syn-flood'],
                    ['--profile', 'mx-internet', '--ipv6', '40', '--vlan', '5'],
                    ['--profile', 'mx-internet', '--sessions-per-second', '500'],
                    ['--profile', 'flood64', '--packets-per-second', '20k']):
        result = run('net_ring0', *options, '--seconds', '0.3', '--drain', '0.2')
        expect(result)
        assert result['lost'] == 0
        assert result['sent']['packets'] == result['received']['packets'] > 0
        assert 0 < result['latency_ns']['p50'] <= result['latency_ns']['p99.99']


def test_rates_are_not_exceeded():
    """On a busy machine less is sent, never more."""
    result = run('net_ring0', '--profile', 'flood64', '--packets-per-second', '20k', '--seconds',
                 '0.3', '--drain', '0')
    assert 0 < result['sent']['packets'] <= 6000, result
    result = run('net_ring0', '--profile', 'syn-flood', '--sessions-per-second', '5k',
                 '--seconds', '0.3', '--drain', '0')
    assert 0 < result['sent']['packets'] <= 1500, result


def test_a_search_finds_the_generator_to_be_the_limit():
    result = run('net_ring0', '--profile', 'mx-internet', '--search', '64,imix,profile',
                 '--seconds', '0.2', '--drain', '0.2')
    assert [row['frames'] for row in result] == ['64', 'imix', 'profile']
    for row in result:
        assert row['limited_by_generator'] and row['packets_per_second'] > 0, row


run_each(globals())
