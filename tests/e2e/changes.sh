#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sessions never move, in short: 60 long SMTP sessions while their pool is changed 25 times and
# mailraild is killed once. tests/long/sessions.sh is the whole proof.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#           203.0.113.0/24     [ switch ]--- mx2, mx3
#   lb 10.25.0.2 -------------'          '-- mx4 10.25.0.14
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/changes.sh
. "$E2E/tests/lib/changes.sh"

changes_begin changes 8
changes_prove 60 25 1 1
changes_are_forgotten 30
e2e_end
