#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Packets per second of the whole mailraild between two ports, beside dpdk-testpmd: see ports.py.

exec /usr/bin/python3 -B "$(dirname "$0")/ports.py" "$@"
