# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The proof that sessions never move, end to end: long SMTP sessions trickle their messages
# through mailraild to Postfix's smtp-sink, while their pool is changed at random and mailraild is
# killed over and over. Read after e2e.sh.

# shellcheck source=tests/lib/killing.sh
. "$E2E/tests/lib/killing.sh"

readonly CHANGES_SERVERS=4

# changes_begin NAME IDLE_SECONDS: servers mx1, mx2 ..., and the balancer in front of them. A
# busy machine must not make a server look dead, for that would rightly cost it its sessions.
changes_begin()
{
	local number

	world_begin "$1"
	balancer_host_add
	for ((number = 1; number <= CHANGES_SERVERS; number++)); do
		server_add "$number"
		smtp_sink_start "mx$number"
	done
	balancer_configuration "${BACKENDS[@]}" >"$(balancer_file)"
	balancer_change ".pools[0].session_idle = \"$2s\" |
		.pools[0].health += {timeout: \"20s\", fall: 5}"
	need 'mailraild starts' balancer_start
	need 'the servers are healthy' wait_until 20 backends_are up up up up
}

# smtp_sink_start HOST: greets with the host's name, and writes each message to a file.
smtp_sink_start()
{
	local directory=$WORLD/$1/dump

	mkdir -p "$directory"
	chown "$MAIL_USER" "$directory"
	# shellcheck disable=SC2016
	start "$1" sink sh -c 'ulimit -n 8192; exec smtp-sink "$@"' sh -u "$MAIL_USER" -h "$1" \
		-m 2000 -d "$directory/" 0.0.0.0:25 1000
	wait_until 10 listens "$1" tcp 25
}

# changes_prove SESSIONS CHANGES KILLS GAP_SECONDS: a fifth of the sessions begins meanwhile.
# SEED in the environment repeats the changes of a run.
changes_prove()
{
	local sessions=$1 changes=$2 kills=$3 seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
	local servers kill

	mapfile -t servers < <(changes_servers)
	echo "      SEED=$seed: $sessions sessions, $changes changes, $kills kills"
	rm -f "$WORLD/until"
	start clients trickle sh -c 'ulimit -n 8192; exec "$@"' sh "$PYTHON" \
		"$PROJECT/tests/lib/trickle.py" run "$SERVICE4" --sources "$CLIENTS4,$CLIENTS4_MORE" \
		--ledger "$WORLD/trickle.ledger" --until "$WORLD/until" --sessions "$sessions" \
		--late $((sessions / 5)) --late-within $((changes / 4)) --gap "$4"
	need "$((sessions - sessions / 5)) sessions are open" wait_until 60 trickle_says '^open$'
	start clients changes "$PYTHON" "$PROJECT/tests/lib/pool_changes.py" \
		"$BUILD/tools/mailrailctl" "$WORLD/lb/control.sock" --pool "$POOL" \
		--changes "$changes" --seed "$seed" "${servers[@]}"
	for ((kill = 1; kill <= kills; kill++)); do
		wait_until 300 changes_made $((changes * kill / (kills + 1)))
		need "kill $kill" balancer_kill
		need "start $kill" balancer_start
	done
	wait_while 300 is_running clients changes
	check "$changes changes were made" changes_made "$changes"
	check 'none was refused' not grep refused "$WORLD/clients/changes.log"
	echo "      after the last change: $(pins) pins, $(moving_slots) moving slots"
	touch "$WORLD/until"
	wait_while 120 is_running clients trickle
	echo "      $(tail -n 1 "$WORLD/clients/trickle.log")"
	check 'no session broke' trickle_says "^$sessions sessions, .* 0 broken$"
	check 'every message arrived whole, at one server' trickle_check
}

changes_servers()
{
	local number

	for ((number = 1; number <= CHANGES_SERVERS; number++)); do
		printf 'mx%s=%s.%s\n' "$number" "$SEGMENT4" $((10 + number))
	done
}

changes_made()
{
	[ "$(grep -cs '' "$WORLD/clients/changes.log")" -ge "$1" ]
}

trickle_says()
{
	grep -q "$1" "$WORLD/clients/trickle.log" && return 0
	grep broken "$WORLD/clients/trickle.log"
	return 1
}

trickle_check()
{
	"$PYTHON" "$PROJECT/tests/lib/trickle.py" check --ledger "$WORLD/trickle.ledger" \
		"$WORLD"/mx*/dump
}

# changes_are_forgotten SECONDS: when the last session has ended, nothing is remembered.
changes_are_forgotten()
{
	local began=$SECONDS

	check 'no pin and no moving slot is left' wait_until "$1" is_steady
	echo "      $((SECONDS - began)) s after the last session: $(pins) pins," \
		"$(moving_slots) moving slots"
}

is_steady()
{
	[ "$(pins)" -eq 0 ] && [ "$(moving_slots)" -eq 0 ]
}
