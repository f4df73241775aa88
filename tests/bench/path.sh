#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Cycles per packet of the worker's code, in memory: see tests/bench/path.c.

exec "$MAILRAIL_BUILD/tests/bench/bench_path" "$@"
