# SPDX-License-Identifier: BSD-3-Clause
"""Golden frames: a row is what a worker knows, what arrives, and all that must come of it."""

from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.utils import hexdump

from frames import link, network, readdressed
from replay import arrival, elapse
from world import HUB1, HUBS, KERNEL, LAN, LISTEN, MACS, TWIN, WAN, ports, world


def place(where):
    """A port by its number, or a name: kernel0, probe."""
    return where if isinstance(where, str) else f'port{where}'


class Step:
    """One frame, the verdicts that it brings about and the frames that leave then, in order."""

    def __init__(self, frame, verdicts, out=(), arrives=WAN, **how):
        self.frame = bytes(frame)
        self.verdicts = verdicts if isinstance(verdicts, dict) else {verdicts: 1}
        self.out = [(place(where), bytes(packet)) for where, packet in out]
        self.case = arrival(self.frame, place(arrives), **how)


class Wait:
    """Some seconds, in which verdicts may fall but no frame leaves."""

    def __init__(self, seconds, **verdicts):
        self.frame = None
        self.verdicts = verdicts
        self.out = []
        self.case = elapse(seconds)


class Row:
    def __init__(self, description, steps, counters=None, **changes):
        self.description = description
        self.steps = steps
        self.counters = counters or {}
        self.world = world(**changes)

    @property
    def case(self):
        return {'world': self.world, 'steps': [step.case for step in self.steps]}

    @property
    def verdicts(self):
        return {name for step in self.steps for name in step.verdicts}

    def complaint(self, answer):
        """None when the answer is as expected, else what differs."""
        for number, (step, got) in enumerate(zip(self.steps, answer['steps'])):
            out = [(where, bytes.fromhex(frame)) for where, frame in got['out']]
            if (got['verdicts'], by_place(out)) != (step.verdicts, by_place(step.out)):
                return differences(number, step, got['verdicts'], out)
        for name, value in self.counters.items():
            got = answer['counters'].get(name, 0)
            if got != value:
                return f'{name}: expected {value}, got {got}'
        return None


def by_place(out):
    """Frames keep their order on one port; between ports there is none."""
    return sorted(out, key=lambda one: one[0])


def differences(number, step, verdicts, out):
    lines = [f'step {number + 1}', f'verdicts: expected {step.verdicts}, got {verdicts}',
             'in:', decoded(step.frame)]
    for name, frames in (('expected', step.out), ('got', out)):
        lines.append(f'{name}: {len(frames)} frames')
        for where, frame in frames:
            lines += [f'{name} out by {where}:', decoded(frame)]
    return '\n'.join(lines)


def decoded(frame):
    if frame is None:
        return '    nothing'
    text = hexdump(frame, dump=True)
    if len(frame) >= 14:
        text = Ether(frame).show(dump=True) + text
    return '\n'.join('    ' + line for line in text.splitlines())


def row(description, frame, verdict, leaves=None, out=None, arrives=WAN, how=None, counters=None,
        **changes):
    """A row of one frame; `how` it arrives, as replay.arrival() says."""
    outs = [] if out is None else [(leaves, out)]
    return Row(description, [Step(frame, verdict, outs, arrives, **(how or {}))], counters,
               **changes)


def forwarded(description, frame, hub=HUB1, arrives=WAN, how=None, **changes):
    """Layer 2: the same packet between other stations."""
    return row(description, frame, 'forwarded', LAN, readdressed(frame, HUBS[hub], MACS[LAN]),
               arrives, how, **changes)


def moved(frame, port):
    """The same frame to another of our ports, if it was to the first."""
    return readdressed(frame, MACS[port]) if frame[Ether].dst == MACS[WAN] else frame


def left(description, frame, verdict, **changes):
    """Dropped where there is no kernel, left or handed to it where there is."""
    yield row(description, frame, verdict, **changes)
    if 'ports' in changes:
        return
    yield row(description + ', kernel has a copy', moved(frame, LISTEN), 'left_to_kernel',
              arrives=LISTEN, **changes)
    yield from passed(description, frame, **changes)


def taken(description, frame, verdict):
    """Dropped where there is no kernel's side, and handed to it where there is."""
    yield row(description, frame, verdict)
    yield row(description + ', hidden from the kernel', moved(frame, LISTEN), verdict,
              arrives=LISTEN)
    yield from passed(description, frame)


def passed(description, frame, **changes):
    """To both kinds of kernel's side."""
    twin = moved(frame, TWIN)
    yield row(description + ', to the twin', twin, 'passed_to_kernel', f'kernel{TWIN}', twin,
              arrives=TWIN, **changes)
    yield row(description + ", to the kernel's interface", frame, 'passed_to_kernel',
              f'kernel{WAN}', for_kernel(frame),
              ports=ports(wan={'kind': 'af_xdp', 'kernel_side': 'shared'}), **changes)


def for_kernel(frame):
    """As the interface that kernel ports share gets a frame: for its own address, untagged."""
    if isinstance(frame.payload, (Dot1Q, Dot1AD)):
        return link(KERNEL, frame[Ether].src) / network(frame)
    return readdressed(frame, KERNEL)
