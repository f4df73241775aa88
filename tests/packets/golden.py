#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Golden frames: one row per case, through the real worker (replay.c), byte for byte.

The frames in and the frames expected out are all built by scapy, so lengths and checksums are
not computed by the code under test. Usage:

    golden.py REPLAY [WORD]          the rows, or those whose description contains WORD
    golden.py --corpus DIRECTORY     writes what tests/fuzz/fuzz_packets.c starts from
"""

import pathlib
import sys

import rows_fragment
import rows_icmp
import rows_ip
import rows_link
import rows_nat
import rows_session
import rows_size
import rows_tunnel
from corpus import write_corpus
from replay import Replay

# One frame cannot fill a queue: tests/unit/test_transmit.c has this one.
NOT_SEEN_HERE = {'drop_tx_full'}


def all_rows():
    for module in (rows_session, rows_link, rows_ip, rows_tunnel, rows_nat, rows_fragment,
                   rows_size, rows_icmp):
        yield from module.rows()


def missing_verdicts(replay, rows):
    """Verdicts that no row expects: each new one needs its golden frame."""
    seen = set().union(*(row.verdicts for row in rows))
    return set(replay.verdicts()) - NOT_SEEN_HERE - seen


def answers(replay, rows):
    """One for each row."""
    found, status = replay.answers(row.case for row in rows)
    if status != 0 or len(found) != len(rows):
        at = rows[min(len(found), len(rows) - 1)].description
        sys.exit(f'replay ended with status {status} after {len(found)} of {len(rows)} rows, '
                 f'near: {at}')
    return found


def failures(replay, rows, word):
    for verdict in sorted(missing_verdicts(replay, rows)):
        yield f'no row has the verdict {verdict}'
    names = [row.description for row in rows]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'two rows are called {name}'
    wanted = [row for row in rows if word in row.description]
    if not wanted:
        yield f'no row is called {word}'
        return
    for row, answer in zip(wanted, answers(replay, wanted)):
        complaint = row.complaint(answer)
        if complaint is not None:
            yield f'{row.description}\n{complaint}\n'


def main():
    rows = list(all_rows())
    if sys.argv[1] == '--corpus':
        write_corpus(pathlib.Path(sys.argv[2]), rows)
        return 0
    failed = 0
    for failure in failures(Replay(sys.argv[1]), rows, ''.join(sys.argv[2:3])):
        print(f'FAILED: {failure}')
        failed += 1
    print(f'golden frames: {len(rows)} rows, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
