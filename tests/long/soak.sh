#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Ten million sessions while pools change and the process is killed: every gauge stays flat.
set -eu

exec "$MAILRAIL_BUILD/tests/unit/test_sessions_soak" soak 10000000
