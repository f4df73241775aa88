# SPDX-License-Identifier: BSD-3-Clause
"""The replay program (replay.c): frames into the real worker, and what became of them."""

import json
import subprocess


class Replay:
    def __init__(self, program):
        self.program = program

    def verdicts(self):
        """The names of all."""
        result = subprocess.run([self.program, '--verdicts'], stdout=subprocess.PIPE, text=True,
                                check=True)
        return result.stdout.split()

    def answers(self, cases):
        """One for each case, as long as the program could give one, and its exit status."""
        lines = ''.join(json.dumps(case) + '\n' for case in cases)
        result = subprocess.run([self.program], input=lines, stdout=subprocess.PIPE, text=True,
                                check=False)
        return [json.loads(line) for line in result.stdout.splitlines()], result.returncode


def arrival(frame, arrives='port0', repeat=1, segments=(), headroom=128, tailroom=128,
            checksum='unknown'):
    """A step of a case: a frame arrives."""
    return {'arrives': arrives, 'frame': bytes(frame).hex(), 'repeat': repeat,
            'segments': list(segments), 'headroom': headroom, 'tailroom': tailroom,
            'checksum': checksum}


def elapse(seconds):
    """A step of a case: time passes."""
    return {'seconds': seconds}
