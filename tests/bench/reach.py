# SPDX-License-Identifier: BSD-3-Clause
"""How benches say whether a figure is what it is to be."""


def print_reached(what, figures, wanted, reached):
    """@figures and @wanted are texts."""
    print('%-44s %-22s %-14s %s' % (what, figures, wanted, 'reached' if reached else 'MISSED'))
