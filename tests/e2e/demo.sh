#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tools/demo by itself, whole and interrupted. Its topology is drawn in tools/lib/world.sh.
. "$(dirname "$0")/../lib/e2e.sh"

# What a demo could leave: compared before and after.
traces()
{
	ip netns list | grep -o '^mr-demo[^ ]*'
	find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'mailrail-demo.*'
	pgrep -af 'mailrail-demo\.' | grep -v pgrep
	ls /dev/hugepages 2>/dev/null
	cat /proc/sys/vm/nr_hugepages
	ip -o link show | sed 's/^[0-9]*: //'
}

nothing_is_left()
{
	traces | diff "$BEFORE" -
}

mail_flows()
{
	grep -q 'Sending mail' "$OUTPUT"
}

# interrupted SIGNAL [-]: in the middle, with mail on its way; with "-" all of its process group
# gets the signal, as the terminal's ^C does. The shell starts what runs in the background deaf
# to SIGINT, hence env.
interrupted()
{
	local pid status=0

	: >"$OUTPUT"
	setsid env --default-signal=INT "$E2E/tools/demo" >"$OUTPUT" 2>&1 &
	pid=$!
	wait_until 120 mail_flows || return
	kill -s "$1" -- "${2:-}$pid"
	wait "$pid" || status=$?
	[ "$status" -ne 0 ]
}

BEFORE=$(mktemp)
OUTPUT=$(mktemp)
trap 'rm -f "$BEFORE" "$OUTPUT"' EXIT
traces >"$BEFORE"

SECONDS=0
check 'tools/demo is content' eval '"$E2E/tools/demo" >"$OUTPUT" 2>&1 || ! cat "$OUTPUT"'
check 'it took less than three minutes' test $SECONDS -lt 180
check 'it lost nothing' grep -qE '[0-9]+ messages sent, [0-9]+ delivered, 0 lost, 0 duplicated' "$OUTPUT"
check 'its lines fit a terminal' eval '! grep -E ".{81}" "$OUTPUT"'
check 'nothing is left' nothing_is_left

check 'interrupted by TERM it ends' interrupted TERM
check 'nothing is left' nothing_is_left
check 'interrupted by ^C it ends' interrupted INT -
check 'nothing is left' nothing_is_left

check 'tools/demo --keep is content' eval '"$E2E/tools/demo" --keep >"$OUTPUT" 2>&1'
check 'it prints commands to try' grep -q 'mailrailctl --socket' "$OUTPUT"
check 'everything is still running' eval 'traces | grep -q "^mr-demo"'
check 'tools/demo --stop takes it down' "$E2E/tools/demo" --stop
check 'nothing is left' nothing_is_left

e2e_end
