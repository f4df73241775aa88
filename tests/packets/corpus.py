# SPDX-License-Identifier: BSD-3-Clause
"""Golden frames as what tests/fuzz/fuzz_packets.c starts from, in the form that it describes."""

import json
import shutil
import struct

# As there.
PLACES = ['port0', 'port1', 'port2', 'port3', 'probe', 'kernel0', 'kernel1', 'kernel2', 'kernel3']
SEGMENT_BYTES = [0, 1, 14, 34, 54, 60, 128, 600]
HEADROOMS = [128, 70, 20, 0]
CHECKSUMS = {'unknown': 0, 'good': 1, 'bad': 3}
TIME_PASSES = 0xf0
REPEATS_MAX = 4


def nearest(choices, value):
    return min(range(len(choices)), key=lambda index: abs(choices[index] - value))


def record(step, trusted):
    if 'seconds' in step:
        return struct.pack('<BBH', TIME_PASSES + min(step['seconds'] - 1, 15), 0, 0)
    frame = bytes.fromhex(step['frame'])
    segments = step['segments']
    # A fuzzer cannot mend the checksum of what it changes: let the card say that it is right.
    checksum = CHECKSUMS['good' if trusted else step['checksum']]
    how = (nearest(SEGMENT_BYTES, segments[0]) if segments else 0) \
        | nearest(HEADROOMS, step['headroom']) << 3 | (not step['tailroom']) << 5 | checksum << 6
    whole = struct.pack('<BBH', PLACES.index(step['arrives']), how, len(frame)) + frame
    return whole * min(step['repeat'], REPEATS_MAX)


def write_corpus(directory, rows):
    """worlds.json and a directory of inputs, instead of what was there."""
    frames = directory / 'frames'
    shutil.rmtree(frames, ignore_errors=True)
    frames.mkdir(parents=True)
    worlds = []
    for number, row in enumerate(rows):
        if row.world not in worlds:
            worlds.append(row.world)
        trusted = 'drop_bad_checksum' not in row.verdicts
        records = b''.join(record(step, trusted) for step in row.case['steps'])
        index = worlds.index(row.world)
        (frames / f'{number:05}').write_bytes(bytes([index]) + records)
    (directory / 'worlds.json').write_text(json.dumps(worlds))
