#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes profiles as a C table. Usage: embed.py OUTPUT PROFILE..."""

import json
import pathlib
import sys


def row(path):
    """One file's name and text; JSON's way to quote is C's, for what is ASCII."""
    lines = path.read_text(encoding='ascii').splitlines(keepends=True)
    return '\t{"%s",\n%s},\n' % (path.stem, ''.join(f'\t {json.dumps(line)}\n' for line in lines))


def main():
    output, *paths = map(pathlib.Path, sys.argv[1:])
    output.write_text('static const struct builtin_profile builtins[] = {\n' +
                      ''.join(map(row, paths)) + '};\n', encoding='ascii')


main()
