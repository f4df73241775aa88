# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For tests that hold sessions open: who has which, and have they stayed. Read after e2e.sh.

# note_sessions HOST...: who has which session, to compare with later.
note_sessions()
{
	local host

	for host in "$@"; do
		sessions_on "$host" >"$WORLD/$host.sessions"
	done
}

# Each of HOST... has all the sessions that it had, and perhaps more.
sessions_stayed()
{
	local host lost status=0

	for host in "$@"; do
		lost=$(sessions_on "$host" | comm -13 - "$WORLD/$host.sessions")
		[ -z "$lost" ] || {
			printf '%s no longer has %s\n' "$host" "$lost"
			status=1
		}
	done
	return "$status"
}

# all_answer COUNT [GROUP]: that many sessions of the group are open, and each gets an answer.
all_answer()
{
	local reply

	reply=$(clients noop "group=${2:-held}")
	equal "$(jq .alive <<<"$reply")" "$1" && return 0
	jq -r '.broken[]' <<<"$reply"
	return 1
}
