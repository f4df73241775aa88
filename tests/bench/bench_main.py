# SPDX-License-Identifier: BSD-3-Clause
"""The command line of a bench:

    NAME.py [--short] [--list] [CASE...]
"""

import json
import signal
import sys

from ports_program import Failure


def bench_main(name, run, cases=()):
    """Prints what @run says of these cases, or all of them, as JSON. Returns the exit status."""
    words = sys.argv[1:]
    names = [word for word in words if not word.startswith('-')] or list(cases)
    if '--list' in words:
        print(''.join(f'{case}\n' for case in cases), end='')
        return 0
    if not set(names) <= set(cases):
        print(f'{name}: ' + (f'cases are {", ".join(cases)}' if cases else 'there are no cases'),
              file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        json.dump(run(names, '--short' in words), sys.stdout, indent=1)
        print()
    except Failure as failure:
        print(f'{name}: {failure}', file=sys.stderr)
        return 1
    return 0
