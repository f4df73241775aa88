#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sessions never move: 500 long SMTP sessions while their pool is changed 200 times and
# mailraild is killed five times. Not one breaks, every message arrives whole at the server that
# its session began on, and when they have ended nothing is remembered any more.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#           203.0.113.0/24     [ switch ]--- mx2, mx3
#   lb 10.25.0.2 -------------'          '-- mx4 10.25.0.14
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/changes.sh
. "$E2E/tests/lib/changes.sh"

changes_begin long 20
changes_prove 500 200 5 1.5
changes_are_forgotten 60
e2e_end
