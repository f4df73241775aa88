#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What a second worker brings, and what more sessions, services and backends cost: see scale.py.

exec /usr/bin/python3 -B "$(dirname "$0")/scale.py" "$@"
