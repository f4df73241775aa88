#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# How fast the control plane makes changes, and what workers feel of it: see control.py.

exec /usr/bin/python3 -B "$(dirname "$0")/control.py" "$@"
