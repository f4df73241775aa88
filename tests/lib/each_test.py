# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tests of a program, which are its functions called test_..."""


def run_each(names):
    """@names: globals() of the program."""
    for name, test in list(names.items()):
        if name.startswith('test_'):
            print(name, flush=True)
            test()
