#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# mailrailctl as a person and a script meet it: exit statuses, tables within 80 columns,
# HTTPS, completion by a real bash and a real zsh (of pools that live), events, doctor, and top in a
# terminal: it shows rates, takes keys, comes back after mailraild's restart, and leaves the
# terminal as it was. Nobody speaks SMTP here: one pool is not probed, the other's server is down.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#                             [ switch ]
#   lb 10.25.0.2 ------------'
#   services 10.25.0.10, 10.25.0.20
. "$(dirname "$0")/../lib/e2e.sh"

readonly CTL=$BUILD/tools/mailrailctl
readonly OTHER_SERVICE4=$SEGMENT4.20

# status WANTED COMMAND...
status()
{
	local wanted=$1 got=0

	shift
	"$@" >"$WORLD/status.log" 2>&1 || got=$?
	equal "$got" "$wanted" || {
		cat "$WORLD/status.log"
		return 1
	}
}

fits()
{
	"$@" >"$WORLD/view" || return
	! grep -E '.{81}' "$WORLD/view"
}

configuration()
{
	balancer_configuration "$(backend_json mx1 "$SEGMENT4.11")" | jq --arg other "$OTHER_SERVICE4" \
		--arg balancer "$BALANCER4" --arg tls "$WORLD/lb" \
		--argjson token "$(jq .entry "$WORLD/token.json")" '
		.pools[0].health = {type: "none"} |
		.pools[1] = (.pools[0] | .name = "edge" | .backends[0].name = "quiet" |
			.health = {type: "smtp", interval: "1s", timeout: "1s", fall: 1}) |
		.control.http = {address: $balancer, port: 8443, certificate: "\($tls)/cert.pem",
			key: "\($tls)/key.pem", tokens: [$token]} |
		.services[1] = (.services[0] | .name = "edge-smtp" | .addresses = [$other] |
			.pool = "edge")'
}

# remote ARGUMENT...: from another host, over HTTPS.
remote()
{
	on clients "$CTL" --url "https://$BALANCER4:8443" --ca "$WORLD/lb/cert.pem" "$@"
}

# --- shells

# completed WORD...: what bash offers for the last of them.
completed()
{
	PATH=$BUILD/tools:$PATH bash -c '
		source "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_mailrailctl
		printf "%s\n" "${COMPREPLY[@]}"' "$WORLD/completion.bash" "$@" | sort | xargs
}

offers()
{
	local wanted=$1

	shift
	equal "$(completed mailrailctl --socket "$WORLD/lb/control.sock" "$@")" "$wanted"
}

screen()
{
	on lb tmux -S "$WORLD/lb/tmux" "$@"
}

shows()
{
	screen capture-pane -p | grep -qE -- "$1"
}

await()
{
	wait_until 10 shows "$1" || {
		screen capture-pane -p
		return 1
	}
}

# The line of top about NAME has new sessions every second: name, state, health, number.
has_rate()
{
	screen capture-pane -p | awk -v name="$1" '$1 == name && $4 > 0 { found = 1 } END { exit !found }'
}

# SYNs to the service, for as long as somebody looks at top.
knock()
{
	start clients knocker "$PYTHON" -c 'import socket, sys, time
while True:
    try:
        socket.create_connection((sys.argv[1], 25), 1).close()
    except OSError:
        pass
    time.sleep(0.02)' "$SERVICE4"
}

world_begin mailrailctl
balancer_host_add
on lb ip address add "$OTHER_SERVICE4/32" dev eth0
server_host_add mx1 11
"$CTL" --json token new night-shift operate >"$WORLD/token.json"
jq -r .token "$WORLD/token.json" >"$WORLD/token"
openssl req -x509 -newkey ed25519 -nodes -subj /CN=lb -addext "subjectAltName=IP:$BALANCER4" \
	-keyout "$WORLD/lb/key.pem" -out "$WORLD/lb/cert.pem" 2>/dev/null
configuration >"$(balancer_file)"
check 'no balancer is 3' status 3 ctl node info
check 'the machine is checked without one' eval 'ctl doctor "$(balancer_file)" | grep -q "no balancer answers"'
need 'mailraild starts' balancer_start
start lb events "$CTL" --socket "$WORLD/lb/control.sock" events follow --since 0
knock

check 'done is 0' status 0 ctl node info
check 'refused is 1' status 1 ctl backend set $POOL/mx1 weight=1001
check 'usage is 2' status 2 ctl backend
check 'another generation is 4' status 4 ctl --generation 99 backend drain $POOL/mx1
check 'what does not exist is 6' status 6 ctl pool show nobody
check 'an option of another command is usage' status 2 ctl --wait backend enable $POOL/mx1

check 'from afar it is the same' equal "$(remote --token-file "$WORLD/token" --json node info |
	jq -r .name)" lb
check 'what the token does not allow is 5' status 5 remote --token-file "$WORLD/token" \
	node shutdown
check 'nobody without a token is let in' status 5 remote node info
check 'nor another certificate trusted' eval 'status 3 on clients "$CTL" \
	--url "https://$BALANCER4:8443" --token-file "$WORLD/token" node info &&
	grep -q "certificate verify failed" "$WORLD/status.log"'

check 'a backend is added by its settings' ctl backend add $POOL/mx2 address=$SEGMENT4.12 weight=50
check 'with their types' equal \
	"$(ctl --json config get | jq -c '.config.pools[0].backends[1] | [.address, .weight]')" \
	"[\"$SEGMENT4.12\",50]"
check 'settings within settings too' ctl pool set edge health.interval=2s
check 'a service by lists and a file' eval 'echo "{\"namespace\": \"mail.example.com\"}" |
	ctl service add third addresses='$SEGMENT4.30,$SEGMENT4.31' ports=25,587 pool=edge --file -'
check 'it is there' equal "$(ctl --json service list | jq -c '.services[2].ports')" '[25,587]'
check 'and removed' ctl service remove third
check 'the history has each' eval 'ctl config history | grep -q service.remove'

for view in 'config history' 'config diff' 'service list' 'service show smtp' 'pool list' \
	'pool show edge' 'backend list' "backend show $POOL/mx1" 'session list' 'port list' \
	'port show segment' 'port stats' 'worker list' 'health list' 'health show edge/quiet' \
	'stats get' 'capture list' 'capture show' 'log get' 'node info' 'node fingerprint'; do
	# shellcheck disable=SC2086 # words
	check "$view fits into 80 columns" fits ctl $view
	# shellcheck disable=SC2086
	check "$view is JSON" eval "ctl --json $view | jq -e 'type == \"object\"'"
done
check 'colours only when asked for' eval '! ctl backend list | grep -q "$(printf "\033")" &&
	ctl --color always backend list | grep -q "$(printf "\033")"'
check 'events are followed' wait_until 5 grep -q 'backend.down edge/quiet' "$WORLD/lb/events.log"

"$CTL" completion bash >"$WORLD/completion.bash"
"$CTL" completion zsh >"$WORLD/_mailrailctl"
check 'bash completes nouns' offers 'service session' se
check 'and verbs' offers 'disable drain' backend d
check 'and pools that live' offers "edge $POOL" pool show ''
check 'and backends' offers 'edge/quiet' backend drain edge
check 'and names of settings' offers 'health.timeout= health.type=' pool set edge health.t
check 'and options' offers '--wait' backend drain edge/quiet --w
check 'without a balancer it is silent' equal \
	"$(completed mailrailctl --socket /nonexistent pool show '')" ''

check 'a keepalived.conf becomes a configuration' eval '"$CTL" import keepalived \
	"$PROJECT/tests/import/mail.keepalived.conf" >"$WORLD/moved" 2>"$WORLD/notes" &&
	"$CTL" config check "$WORLD/moved"'
check 'and what is not in it is told by line' grep -q 'keepalived.conf:35: sorry_server' \
	"$WORLD/notes"
check 'what ipvsadm -Sn says, from standard input' eval '"$CTL" import ipvsadm - \
	<"$PROJECT/tests/import/mail.ipvsadm.rules" 2>/dev/null | "$CTL" config check /dev/stdin'
check 'a file of another kind is refused' status 1 "$CTL" import ipvsadm \
	"$PROJECT/tests/import/mail.haproxy.cfg"
check 'and where it is wrong is told' grep -q 'haproxy.cfg:2:1: ' "$WORLD/status.log"

check 'doctor finds the server that is down' eval 'ctl doctor | tee "$WORLD/doctor" |
	grep -qE "^fail  backends +edge/quiet is down"'
check 'and says so by its status' status 1 ctl doctor
check 'within 80 columns' eval '! grep -E ".{81}" "$WORLD/doctor"'
check 'each check has a verdict in JSON' eval 'on lb "$CTL" --socket "$WORLD/lb/control.sock" \
	--json doctor | jq -e ".checks | length > 20 and all(.verdict and .check)"'
check 'the interface is looked at from the host' eval 'on lb "$CTL" \
	--socket "$WORLD/lb/control.sock" doctor | grep -qE "^ok    ports"'

# --- a terminal
cat >"$WORLD/lb/.zshrc" <<-END
	PS1='prompt> '
	fpath=($WORLD \$fpath) path=($BUILD/tools \$path)
	autoload -U compinit && compinit -u -d $WORLD/lb/.zcompdump
END
need 'a terminal opens' screen new-session -d -x 80 -y 24 -c "$WORLD/lb" -e ZDOTDIR="$WORLD/lb" -e LANG=C.UTF-8 zsh -i
check 'zsh is there' await 'prompt>'
screen send-keys 'mailrailctl -s control.sock pool sho' Tab ed Tab
check 'zsh completes verb and pool' await 'pool show edge'
screen send-keys C-c
screen send-keys 'mailrailctl -s control.sock top; echo status=$?' Enter
check 'top shows pools' await "^ $POOL +2/2"
check 'and health' await '^ edge/quiet .*down'
check 'and events' await 'backend.down edge/quiet'
check 'and the workers' await 'core [0-9]+ \['
check 'and rates' wait_until 10 has_rate $POOL
screen send-keys b
check 'b shows backends alone' await "^ $POOL/mx1"
check 'and nothing else' eval '! shows "^ SERVICE"'
screen send-keys Right
check 'arrows sort' await 'sort: name'
screen send-keys a
screen resize-window -x 100 -y 30
check 'a larger window has a longer last line' await '^ q quit .*r reverse'
balancer_stop
check 'it waits for mailraild' await 'waiting for mailraild'
need 'mailraild starts again' balancer_start
check 'and comes back' wait_until 10 has_rate $POOL
screen send-keys q
check 'q quits' await 'status=0'
check 'and the terminal is as before' \
	equal "$(screen display -p '#{alternate_on} #{cursor_flag}')" '0 1'
screen kill-server
e2e_end
