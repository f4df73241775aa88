#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# How long packets take through mailraild, beside dpdk-testpmd: see latency.py.

exec /usr/bin/python3 -B "$(dirname "$0")/latency.py" "$@"
