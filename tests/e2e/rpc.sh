#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The control socket: what config.get says config.apply takes, an accepted change is in the
# file, a refused one changes nothing and says where it is wrong, two operators do not undo
# one another, and rpc.discover knows every method.
#
#   lb 10.25.0.2 --[ switch ]-- mx1 10.25.0.11
. "$(dirname "$0")/../lib/e2e.sh"

generation()
{
	ctl --json config get | jq .generation
}

configuration()
{
	ctl --json config get | jq -S .config
}

# refused PATTERN COMMAND...: fails, says PATTERN, and nothing has changed.
refused()
{
	local pattern=$1 before output

	shift
	before=$(configuration; generation; cat "$(balancer_file)")
	if output=$("$@" 2>&1); then
		printf 'was accepted: %s\n' "$output"
		return 1
	fi
	grep -qE "$pattern" <<<"$output" || {
		printf 'says: %s\n' "$output"
		return 1
	}
	equal "$(configuration; generation; cat "$(balancer_file)")" "$before"
}

# Speaks to the socket without mailrailctl: one line there, one line back.
raw()
{
	"$PYTHON" -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
s.shutdown(socket.SHUT_WR)
print(s.makefile().readline().strip())' "$WORLD/lb/control.sock" "$1"
}

raw_error()
{
	equal "$(raw "$2" | jq .error.code)" "$1"
}

e2e_begin rpc 1
need 'mailraild starts' balancer_start

configuration >"$WORLD/now"
first=$(generation)
check 'config.get has every section' jq -e '.node and .ports and .pools and .services and
	.workers and .sessions and .control' "$WORLD/now"
check 'what it says can be applied' ctl config apply "$WORLD/now"
check 'and changes nothing' equal "$(configuration)" "$(cat "$WORLD/now")"

check 'a weight is set' ctl backend set $POOL/mx1 weight=42
check 'backend list shows it' equal "$(backend_field mx1 weight)" 42
check 'the file has it' jq -e '.pools[0].backends[0].weight == 42' "$(balancer_file)"
check 'the generation has grown' test "$(generation)" -gt "$first"

probed()
{
	ctl --json backend list | jq -c '.backends[0] | [.probes > 0, .failures, .changed_ms, .health]'
}

old=$(generation)
check 'a restart keeps it' eval 'balancer_stop && balancer_start'
check 'backend list shows it' equal "$(backend_field mx1 weight)" 42
check 'and the generation' equal "$(generation)" "$old"
check 'the history knows who has set it' jq -e '.generations[0] | .reason == "backend.set" and
	.role == "admin" and .changes[0].to == 42' <(ctl call config.history)

# hang_up: the file is read again.
hang_up()
{
	kill -HUP "$(pid_of lb mailraild)"
}

edit_file()
{
	jq "$1" "$(balancer_file)" >"$WORLD/edited" && cat "$WORLD/edited" >"$(balancer_file)"
}

generation_is()
{
	[ "$(generation)" = "$1" ]
}

log_says()
{
	grep -q "$1" "$WORLD/lb/mailraild.log"
}

wait_until 10 eval 'probed | grep -q "^.true.*up"'
before=$(probed)
edit_file '.pools[0].backends += [{name: "mx7", address: "'$SEGMENT4.17'", state: "disabled"}]'
hang_up
check 'SIGHUP takes what the file has' wait_until 10 generation_is $((old + 1))
check 'and logs what it has changed' log_says "reload: /pools/$POOL/backends/mx7: .*, was absent"
check 'a server that stays notices nothing' equal "$(probed)" "$before"
edit_file '.pools[0].backends[1].colour = 1 | del(.ports)'
hang_up
check 'a broken file is logged, with all that is wrong' wait_until 10 eval \
	'log_says "reload: .*/pools/0/backends/1/colour: unknown field" &&
	log_says "reload: .*/ports: missing"'
check 'and changes nothing' generation_is $((old + 1))
check 'a change keeps it beside the new one' eval "ctl backend set $POOL/mx1 weight=41 &&
	grep -q colour '$(balancer_file).edited' && log_says 'edited by hand'"
check 'a rollback finds a former one' ctl call config.rollback "{\"to\": $old}"
check 'and brings it back' equal "$(backend_field mx1 weight)" 42
check 'it is in the file' jq -e '.pools[0].backends | map(.weight) == [42]' "$(balancer_file)"
old=$(generation)
check 'a change on trial is in force' ctl call config.apply \
	"$(jq -c '.pools[0].backends[0].weight = 7 | {config: ., confirm_within: "1s"}' "$WORLD/now")"
check 'unconfirmed, it is taken back' wait_until 10 generation_is $((old + 2))
check 'and was never in the file' equal "$(backend_field mx1 weight)" \
	"$(jq '.pools[0].backends[0].weight' "$(balancer_file)")"

jq '.pools[0].backends[0].colour = 1' "$WORLD/now" >"$WORLD/bad"
check 'an unknown field is refused, by its path' \
	refused '/pools/0/backends/0/colour' ctl config apply "$WORLD/bad"
jq '.services[0].ports = [70000]' "$WORLD/now" >"$WORLD/bad"
check 'a value out of range is refused, by its path' \
	refused '/services/0/ports/0' ctl config apply "$WORLD/bad"
jq '.ports[0].device = "af_packet:eth0"' "$WORLD/now" >"$WORLD/bad"
check 'what cannot change while it runs is refused' refused '/ports' ctl config apply "$WORLD/bad"
check 'a backend that does not exist is refused' \
	refused 'mx9' ctl backend set $POOL/mx9 weight=1
check 'a weight out of range is refused' refused 'weight' ctl backend set $POOL/mx1 weight=1001

old=$(generation)
check 'somebody changes something' ctl backend set $POOL/mx1 weight=43
configuration >"$WORLD/now"
check 'compare-and-set refuses what is based on an old generation' \
	refused 'generation' ctl call config.apply \
	"$(jq -c --argjson old "$old" '{config: ., generation: $old}' "$WORLD/now")"
check 'and takes what is based on this one' ctl call config.apply \
	"$(jq -c --argjson now "$(generation)" '{config: ., generation: $now}' "$WORLD/now")"

# repeated COMMAND...: once more makes no new generation.
repeated()
{
	local before

	"$@" && before=$(generation) && "$@" && equal "$(generation)" "$before"
}

names()
{
	jq -c '[.pools[].name, .services[].name, .pools[0].backends[].name]' "$(balancer_file)"
}

before=$(names)
check 'a server is added, once' repeated ctl backend add $POOL/mx8 address=$SEGMENT4.18 weight=7
check 'a pool too' repeated ctl pool add spare health.interval=1s
check 'and a service' repeated ctl service add also namespace=also.example addresses=$SEGMENT4.9 \
	ports=25,26 pool=spare
check 'the file has them' equal "$(names)" \
	'["'$POOL'","spare","smtp","also","mx1","mx8"]'
check 'a pool in use stays' refused 'service "also" uses it' ctl pool remove spare
check 'one setting changes, the rest stays' eval 'repeated ctl service set also ports=27 &&
	ctl --json service show also | jq -e ".settings | .ports == [27] and .pool == \"spare\""'
check 'they are removed, once' eval 'repeated ctl service remove also &&
	repeated ctl pool remove spare && repeated ctl backend remove $POOL/mx8'
check 'nothing of them is left' equal "$(names)" "$before"

for method in config.get config.apply config.plan config.diff config.history config.rollback \
	config.confirm config.reload session.explain service.list pool.list pool.show pool.fingerprint backend.list backend.set \
	stats.get rpc.discover; do
	check "rpc.discover knows $method" jq -e --arg method $method \
		'.methods | map(.name) | index($method) != null' <(ctl call rpc.discover)
done

check 'broken JSON is a parse error' raw_error -32700 '{"jsonrpc": ,}'
check 'no method is an invalid request' raw_error -32600 '{"jsonrpc":"2.0","id":1}'
check 'an unknown method is not found' raw_error -32601 \
	'{"jsonrpc":"2.0","id":1,"method":"no.such"}'
check 'wrong parameters are invalid' raw_error -32602 \
	'{"jsonrpc":"2.0","id":1,"method":"backend.set","params":{"pool":1}}'
check 'a batch gets its answers' equal "$(raw '[{"jsonrpc":"2.0","id":1,"method":"stats.get"},
	{"jsonrpc":"2.0","id":2,"method":"pool.list"}]' | jq length)" 2
check 'people get tables' eval 'ctl backend list | grep -q mx1'
check 'and one of a pool, within 80 columns' eval "ctl pool show $POOL | grep -q mx1 &&
	! ctl pool show $POOL | grep -E '.{81}'"
check 'a pool that does not exist is not shown, but the nearest is named' \
	refused "did you mean \"$POOL\"" ctl pool show ${POOL}s
check 'a fingerprint has 64 bits' jq -e '.fingerprint | test("^[0-9a-f]{16}$")' \
	<(ctl --json pool fingerprint $POOL)
check '--wait is for drain only' refused 'not with this command' \
	ctl --wait backend enable $POOL/mx1
check 'the Python client has names, errors, batches, compare-and-set and events' \
	"$PYTHON" -B "$PROJECT/tests/lib/python_client.py" "$WORLD/lb/control.sock" $POOL mx1
check 'only the owner may use the socket' equal \
	"$(stat -c %a "$WORLD/lb/control.sock" | cut -c 3)" 0

e2e_end
