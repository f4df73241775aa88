#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sessions never move: ten thousands of random sequences against the models, in place of the
# thousands of every run; on a network that behaves and on one that does not.
set -eu

"$MAILRAIL_BUILD/tests/unit/test_sessions" "$(date +%s)" 50000
"$MAILRAIL_BUILD/tests/unit/test_sessions_lossy" "$(date +%s)" 30000
