#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The traffic of mailrail-pktgen, read back by scapy: what is really on the wire.

Usage: pktgen_pcap.py MAILRAIL-PKTGEN
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.utils import PcapReader

from each_test import run_each

PKTGEN = sys.argv[1]

# Packets and bytes of whole sessions, as a client of Postfix sends them.
MEASURED = {
    'ehlo-quit': (6, 430),
    'refused': (9, 680),
    '4k': (12, 5031),
    '4k-tls': (16, 6054),
    '20k': (24, 22207),
    '75k-tls': (71, 82452),
}


def generate(profile, *options):
    """The frames of a profile, a name or a document, and their times in seconds."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        if isinstance(profile, dict):
            name = path / 'profile.json'
            name.write_text(json.dumps(profile))
        else:
            name = profile
        subprocess.run([PKTGEN, '--profile', name, '--pcap', path / 'out.pcap', *options],
                       check=True)
        with PcapReader(str(path / 'out.pcap')) as reader:
            return [(bytes(frame), float(frame.time)) for frame in reader]


def shown(name):
    """The document of a profile that comes along."""
    return json.loads(subprocess.run([PKTGEN, '--profile-show', name], check=True,
                                     capture_output=True).stdout)


def ip_of(frame):
    return frame[IPv6] if IPv6 in frame else frame[IP]


def check_checksums(data):
    """scapy computes what was taken out."""
    frame = Ether(data)
    ip = ip_of(frame)
    if IP in frame:
        del ip.chksum
        del ip.len
    else:
        del ip.plen
    del ip[TCP].chksum
    assert bytes(frame) == data, f'{data.hex()} should be {bytes(frame).hex()}'


def test_frames_are_right():
    for profile in ('mx-internet', 'syn-flood', 'flood64'):
        for options in ([], ['--vlan', '100'], ['--vlan', '100', '--vlan', '200']):
            frames = generate(profile, '--ipv6', '30', '--packets', '150', *options)
            assert len(frames) == 150
            for data, _ in frames:
                check_checksums(data)


def test_tags_are_in_order():
    frame = Ether(generate('flood64', '--packets', '1', '--vlan', '100', '--vlan', '200')[0][0])
    assert frame[Dot1AD].vlan == 100 and frame[Dot1Q].vlan == 200


def test_sessions_are_as_measured():
    for kinds in (shown(name)['kinds'] for name in ('mx-internet', 'spam-storm', 'relay-lob')):
        for kind in kinds:
            if kind['name'] not in MEASURED:
                continue
            profile = dict(shown('mx-internet'), kinds=[kind], gaps='fixed')
            frames = generate(profile, '--sessions-per-second', '1', '--seconds', '30')
            sessions = collections.defaultdict(lambda: [0, 0, b''])
            for data, _ in frames:
                ip = ip_of(Ether(data))
                session = sessions[ip.src, ip[TCP].sport]
                session[0] += 1
                session[1] += len(data)
                session[2] += b'S' if 'S' in ip[TCP].flags else b'.'
            assert len(sessions) >= 30
            # These have come to their end.
            first = list(sessions.values())[:20]
            for packets, size, syns in first:
                assert (packets, size) == MEASURED[kind['name']], (kind['name'], packets, size)
                assert syns[0:1] == b'S' and b'S' not in syns[1:]


def test_flood_frames_have_their_size():
    for size in (64, 128, 512, 1518):
        profile = shown('flood64')
        profile['flood']['frames'] = [{'bytes': size}]
        for data, _ in generate(profile, '--packets', '50'):
            assert len(data) + 4 == size


def test_rate_and_families():
    frames = generate('syn-flood', '--sessions-per-second', '1000', '--seconds', '2',
                      '--ipv6', '25')
    assert abs(len(frames) - 2000) <= 1, len(frames)
    assert frames[-1][1] < 2.001
    v6 = sum(IPv6 in Ether(data) for data, _ in frames)
    assert 400 < v6 < 600, v6
    assert all(Ether(data)[TCP].flags == 'S' for data, _ in frames[:100])


def test_options_replace_what_the_profile_says():
    frames = generate('flood64', '--packets', '200', '--service', '192.0.2.1', '--service',
                      '192.0.2.2', '--source', '10.1.0.0/16', '--to', '02:00:00:00:00:77')
    ips = [Ether(data) for data, _ in frames]
    assert {frame[IP].dst for frame in ips} == {'192.0.2.1', '192.0.2.2'}
    assert all(frame[IP].src.startswith('10.1.') for frame in ips)
    assert {frame.dst for frame in ips} == {'02:00:00:00:00:77'}


def test_seeds_decide():
    one, two, other = (generate('mx-internet', '--packets', '500', '--seed', seed)
                       for seed in ('1', '1', '2'))
    assert one == two
    assert one != other


def test_mistakes_are_named():
    for options, status, words in (
            (['--profile', 'flood64', '--source', '10.0.0.1/8', '--pcap', '/dev/null'], 1,
             '/sources/0/prefix'),
            (['--profile', '/does/not/exist', '--pcap', '/dev/null'], 1, '/does/not/exist'),
            (['--profile', 'flood64', '--pcap', '/does/not/exist'], 1, '/does/not/exist'),
            (['--profile', 'flood64', '--packets-per-second', 'many'], 2, 'many'),
            (['--profile', 'flood64'], 2, 'EAL'),
            (['--pcap', 'x'], 2, '--profile')):
        done = subprocess.run([PKTGEN, *options], capture_output=True, text=True, check=False)
        assert done.returncode == status, (options, done.returncode)
        assert words in done.stderr, (options, done.stderr)


run_each(globals())
