#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Ten million sessions and a hundred million SYNs on steady slots leave no pin and no memory.
set -eu

exec "$MAILRAIL_BUILD/tests/unit/test_sessions_soak" steady 100000000
