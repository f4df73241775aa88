# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What every end-to-end test starts with: it builds its world, says what it checks, one line
# each, and exits 1 if any of it was not so.

set -u
E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/lib/project.sh
. "$E2E/tools/lib/project.sh"
# shellcheck source=tools/lib/world.sh
. "$E2E/tools/lib/world.sh"
# shellcheck source=tools/lib/postfix.sh
. "$E2E/tools/lib/postfix.sh"
# shellcheck source=tools/lib/balancer.sh
. "$E2E/tools/lib/balancer.sh"
# shellcheck source=tools/lib/clients.sh
. "$E2E/tools/lib/clients.sh"

FAILED=0
[ -x "$BUILD/control/mailraild" ] || die "$BUILD/control/mailraild is not built"

# check TEXT COMMAND...: the command must succeed; what it says is shown when it does not.
check()
{
	local text=$1 output

	shift
	if output=$("$@" 2>&1); then
		printf 'ok    %s\n' "$text"
		return 0
	fi
	printf 'FAIL  %s\n' "$text"
	printf '      %s\n' "command: $*"
	[ -z "$output" ] || printf '%s\n' "$output" | head -n 40 | sed 's/^/      | /'
	FAILED=1
	return 1
}

# need TEXT COMMAND...: the same, and the test cannot go on without it.
need()
{
	check "$@" && return 0
	e2e_show_logs
	exit 1
}

e2e_show_logs()
{
	local log

	for log in "$WORLD"/lb/*.log; do
		[ -s "$log" ] || continue
		printf '%s\n' "--- ${log##*/}"
		tail -n 30 "$log"
	done
}

# Every test ends with this.
e2e_end()
{
	if [ "$FAILED" -ne 0 ]; then
		e2e_show_logs
		exit 1
	fi
	exit 0
}

equal()
{
	[ "$1" = "$2" ] && return 0
	printf 'is "%s", should be "%s"\n' "$1" "$2"
	return 1
}

# The world of most tests: clients, balancer, SERVERS mail servers mx1, mx2 ... with Postfix.
# Nothing of mailrail runs yet; its configuration file is there.
e2e_begin()
{
	local name=$1 servers=$2 number started=()

	world_begin "$name"
	balancer_host_add
	for ((number = 1; number <= servers; number++)); do
		server_add "$number"
		postfix_create "mx$number"
		postfix_start "mx$number" &
		started+=($!)
	done
	client_start clients "${CLIENT_TARGET:-$SERVICE4}"
	for number in "${started[@]}"; do
		wait "$number" || die "Postfix did not start"
	done
	balancer_configuration "${BACKENDS[@]}" >"$(balancer_file)"
}

BACKENDS=()

# server_add NUMBER: the host mxNUMBER, as a backend.
server_add()
{
	server_host_add "mx$1" $((10 + $1))
	BACKENDS+=("$(backend_json "mx$1" "$SEGMENT4.$((10 + $1))")")
}

# --- questions about the balancer

# backend_is NAME HEALTH
backend_is()
{
	equal "$(backend_field "$1" health)" "$2"
}

# backends_are HEALTH...: of mx1, mx2 ...
backends_are()
{
	local number=0 health

	for health in "$@"; do
		number=$((number + 1))
		backend_is "mx$number" "$health" || return 1
	done
}

# Whether exactly these have slots in the table.
table_has()
{
	equal "$(table_slots | awk '$2 > 0 { print $1 }' | sort | xargs)" "$*"
}

# verdict NAME: how many packets had it.
verdict()
{
	ctl --json stats get | jq ".total.verdicts.$1"
}

verdict_is_at_least()
{
	local count

	count=$(verdict "$1")
	[ "$count" -ge "$2" ] && return 0
	printf '%s is %s, should be at least %s\n' "$1" "$count" "$2"
	return 1
}

# How many resets the balancer's own kernel has sent.
kernel_resets()
{
	on lb cat /proc/net/snmp | awk '$1 == "Tcp:" && $2 != "RtoAlgorithm" { print $15 }'
}

# The guard, which hides a service's packets from the balancer's kernel.
has_guard()
{
	on lb tc filter show dev eth0 ingress | grep -q mailrail_hide
}

# --- questions about connections and mail

# connection_from HOST is RESULT NAME=VALUE...: one connection, see smtp_client.py's try.
connection_from()
{
	local host=$1 wanted=$3 reply

	shift 3
	reply=$(client "$host" try "$@") || return
	equal "$(jq -r .result <<<"$reply")" "$wanted" || {
		printf '%s\n' "$reply"
		return 1
	}
}

connection_is()
{
	connection_from clients is "$@"
}

# sessions_on HOST: the addresses and ports of its clients, sorted; the prober is none.
sessions_on()
{
	on "$1" ss -Htn state established '( sport = :25 )' | awk '{ print $4 }' |
		grep -v "^$BALANCER4:" | sort
}

have_messages()
{
	local host

	for host in "$@"; do
		[ -n "$(ls "$(postfix_mailbox "$host")" 2>/dev/null)" ] || {
			printf '%s has no mail\n' "$host"
			return 1
		}
	done
}

# mail_is_delivered SERVERS: no server has mail left in its queue.
mail_is_delivered()
{
	local number

	for ((number = 1; number <= $1; number++)); do
		postfix_queue_is_empty "mx$number" || return 1
	done
}

# mail_report SERVERS: see mail_report.py.
mail_report()
{
	local phases=() servers=() number

	[ ! -e "$WORLD/phases" ] || phases=(--phases "$WORLD/phases")
	for ((number = 1; number <= $1; number++)); do
		servers+=("mx$number")
	done
	"$PYTHON" "$PROJECT/tools/lib/mail_report.py" --world "$WORLD" --ledger "$(ledger)" \
		--clients "$CLIENTS4" --clients "$CLIENTS4_MORE" --clients "$CLIENTS6" \
		--balancer "$BALANCER4" --balancer "$BALANCER6" "${phases[@]}" "${servers[@]}"
}

# foreign_xdp_attach HOST: another program has its eth0; one that lets all pass is as foreign as any.
foreign_xdp_attach()
{
	cat >"$WORLD/pass.c" <<-'END'
		__attribute__((section("xdp"), used)) int pass(void *ctx)
		{
			return 2; /* XDP_PASS */
		}
		__attribute__((section("license"), used)) char terms[] = "GPL";
	END
	clang -O2 -target bpf -c "$WORLD/pass.c" -o "$WORLD/pass.o" &&
		on "$1" ip link set dev eth0 xdp obj "$WORLD/pass.o" sec xdp
}

# web_start HOST: a TCP service that tells whose it is. (http.server's own main program would
# first ask the DNS for its name, and wait.)
web_start()
{
	mkdir -p "$WORLD/$1/web"
	echo "$1" >"$WORLD/$1/web/whose"
	start "$1" web "$PYTHON" -c 'import http.server, os, socketserver, sys
os.chdir(sys.argv[1])
socketserver.ThreadingTCPServer(("", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()' \
		"$WORLD/$1/web"
	wait_until 10 listens "$1" tcp 8080
}

# Of the host's eth0.
mac_of()
{
	on "$1" cat /sys/class/net/eth0/address
}

# listens HOST PROTOCOL PORT
listens()
{
	[ -n "$(on "$1" ss -Hln "--$2" "sport = :$3")" ]
}
