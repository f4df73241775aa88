# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For tests that end mailraild in other ways than the orderly one. Read after e2e.sh.

# kill -9; returns when it is gone.
balancer_kill()
{
	kill -9 "$(pid_of lb mailraild)"
	wait_while 5 is_running lb mailraild
}

# SIGQUIT: in good order, for a successor.
balancer_quit()
{
	kill -QUIT "$(pid_of lb mailraild)"
	wait_while 10 is_running lb mailraild
}

# balancer_change JQ: of the configuration that it starts with next.
balancer_change()
{
	jq "$1" "$(balancer_file)" >"$WORLD/lb/changed" && mv "$WORLD/lb/changed" "$(balancer_file)"
}

# balancer_start_timed SERVER...: starts it; the file first-packet-ms of the world says how
# long it took from the execution of the program until one of these had the first packet.
balancer_start_timed()
{
	local host servers=() waiting

	for host in "$@"; do
		servers+=("$(host_netns "$host")")
	done
	"$PYTHON" "$PROJECT/tests/lib/first_packet.py" --from "$(host_netns clients)" \
		--to "${servers[@]}" --mac "$(mac_of lb)" --source "${CLIENTS4_OWN%.*}.1" \
		--service "$SERVICE4" >"$WORLD/first" &
	waiting=$!
	wait_until 10 grep -q ready "$WORLD/first" || return
	# shellcheck disable=SC2016
	start lb mailraild sh -c 'date +%s%N >"$0"; exec "$@"' "$WORLD/executed" \
		"$BUILD/control/mailraild" --config "$(balancer_file)"
	wait "$waiting" || return
	echo $((($(tail -n 1 "$WORLD/first") - $(cat "$WORLD/executed")) / 1000000)) \
		>"$WORLD/first-packet-ms"
	wait_until 20 balancer_answers_or_ended
	balancer_answers
}

pins()
{
	ctl --json stats get | jq .pins.count
}

pins_are_at_least()
{
	[ "$(pins)" -ge "$1" ]
}

moving_slots()
{
	ctl --json pool list | jq '.pools[0].moving_slots'
}

slots_are_moving()
{
	[ "$(moving_slots)" -gt 0 ]
}

# flip_bit FILE OFFSET
flip_bit()
{
	"$PYTHON" -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 4]))' "$@"
}
