# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What every script of the project starts with: where the project is, how to speak to people,
# and how to wait for something with a deadline.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly PROJECT
# The build that scripts use, unless told otherwise.
BUILD=${MAILRAIL_BUILD:-$PROJECT/build}
# Debian's own interpreter: one from somewhere else may lack what its packages bring.
readonly PYTHON=/usr/bin/python3

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

require_root()
{
	[ "$(id -u)" -eq 0 ] || die "must run as root: sudo tools/${0##*/}"
}

# Where everything takes longer than elsewhere, how many times as long one waits.
PATIENCE=1

# wait_until SECONDS COMMAND...: polls until COMMAND succeeds; false when time is up.
wait_until()
{
	local deadline=$(($(date +%s%N) + $1 * PATIENCE * 1000000000))

	shift
	until "$@"; do
		[ "$(date +%s%N)" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# The opposite: until COMMAND fails.
wait_while()
{
	local seconds=$1

	shift
	wait_until "$seconds" not "$@"
}

not()
{
	! "$@"
}

# A signal ends the script at once, its EXIT trap cleans up. The shell by itself would first
# wait for the command in the foreground: long ones therefore run by interruptible().
# BACKGROUND names the processes of whoever starts some there.
FOREGROUND='' BACKGROUND=''
signals_catch()
{
	trap 'signal_exit 130' INT
	trap 'signal_exit 143' TERM HUP
}

signal_exit()
{
	trap '' INT TERM HUP # once is enough; cleaning up must not be interrupted
	# shellcheck disable=SC2086 # process ids are words
	[ -z "$FOREGROUND$BACKGROUND" ] || kill $FOREGROUND $BACKGROUND 2>/dev/null
	exit "$1"
}

interruptible()
{
	local status=0

	"$@" &
	FOREGROUND=$!
	wait "$FOREGROUND" || status=$?
	FOREGROUND=
	return "$status"
}
