#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What an idle worker takes of its core, and how soon it is back: see tests/bench/poll.c.

exec "$MAILRAIL_BUILD/tests/bench/bench_poll" "$@"
