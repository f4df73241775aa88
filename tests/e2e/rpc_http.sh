#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# JSON-RPC over HTTPS: who may come in and what they may do there, and that a client which
# misbehaves costs itself its connection and nobody else anything.
#
#   lb 10.25.0.2:9443 --[ switch ]-- clients
. "$(dirname "$0")/../lib/e2e.sh"

readonly URL=https://$BALANCER4:9443
readonly TOKEN_READ=4ead-only TOKEN_ADMIN=4dministrator

# authority NAME: a certificate authority of its own.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$TLS/$1.key" -out "$TLS/$1.pem"
}

# certificate AUTHORITY NAME SUBJECT-ALTERNATIVE-NAMES DAYS
certificate()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$TLS/$2.key" -out "$TLS/$2.csr" &&
		openssl x509 -req -in "$TLS/$2.csr" -CA "$TLS/$1.pem" -CAkey "$TLS/$1.key" \
			-set_serial "0x$(openssl rand -hex 8)" -days "$4" -out "$TLS/$2.pem" \
			-extfile <(printf 'subjectAltName=%s' "$3")
}

make_certificates()
{
	authority ours && authority theirs &&
		certificate ours node "IP:$BALANCER4" 2 &&
		certificate ours renewed "IP:$BALANCER4" 2 &&
		certificate ours deploy DNS:deploy.example.com 2 &&
		certificate ours unknown DNS:unknown.example.com 2 &&
		certificate ours expired DNS:deploy.example.com -1 &&
		certificate theirs foreign DNS:deploy.example.com 2
}

hash_of()
{
	printf %s "$1" | sha256sum | cut -d ' ' -f 1
}

# with FILTER [ARG...]: the configuration, after FILTER.
with()
{
	jq --arg tls "$TLS" --arg address "$BALANCER4" --arg read "$(hash_of $TOKEN_READ)" \
		--arg admin "$(hash_of $TOKEN_ADMIN)" "$@" "$WORLD/plain.json"
}

readonly HTTP='.control.http = {address: $address, port: 9443, certificate: "\($tls)/node.pem",
	key: "\($tls)/node.key", client_ca: "\($tls)/ours.pem",
	tokens: [{name: "graph", role: "read", hash: $read},
		{name: "ansible", role: "admin", hash: $admin}],
	clients: [{name: "deploy.example.com", role: "operate"}]} |
	.control.limits = {stall: "1s", request_size: "1MiB", idle: "1h"}'

# status CURL-OPTION...: the status of the answer; 000 without one.
status()
{
	on clients curl --silent --max-time 10 --cacert "$TLS/ours.pem" --output /dev/null \
		--write-out '%{http_code}' "$@"
}

# post METHOD PARAMS CURL-OPTION...: the answer.
post()
{
	local method=$1 params=$2

	shift 2
	on clients curl --silent --max-time 10 --cacert "$TLS/ours.pem" \
		--header 'Content-Type: application/json' --data \
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$method\",\"params\":$params}" \
		"$@" "$URL/rpc"
}

token()
{
	printf 'Authorization: Bearer %s' "$1"
}

holder()
{
	printf -- '--cert\n%s\n--key\n%s\n' "$TLS/$1.pem" "$TLS/$1.key"
}

# post_as CERTIFICATE METHOD PARAMS
post_as()
{
	local options

	mapfile -t options < <(holder "$1")
	post "$2" "$3" "${options[@]}"
}

error_code()
{
	jq -r '.error.code // 0'
}

# refused_config POINTER FILTER: `mailraild --check` says no, and where.
refused_config()
{
	with "$2" >"$WORLD/bad.json" || return 1
	! on lb "$BUILD/control/mailraild" --check "$WORLD/bad.json" 2>"$WORLD/said" &&
		grep -q "$1: " "$WORLD/said"
}

peak_kib()
{
	awk '/^VmHWM:/ { print $2 }' "/proc/$(cat "$WORLD/lb/mailraild.pid")/status"
}

# Speaks TLS, or not, byte by byte: see each use.
misbehave()
{
	on clients "$PYTHON" "$E2E/tests/lib/slow_client.py" "$@"
}

e2e_begin rpc_http 0
readonly TLS=$WORLD/tls
mkdir -p "$TLS"
cp "$(balancer_file)" "$WORLD/plain.json"
need 'there are certificates' make_certificates

check 'plain HTTP is refused off loopback' \
	refused_config /control/http/plain "$HTTP | .control.http.plain = true"
check 'a role without authentication too' \
	refused_config /control/http/anonymous "$HTTP | .control.http.anonymous = \"read\""
check 'nobody to let in too' refused_config /control/http \
	"$HTTP | del(.control.http.tokens, .control.http.clients, .control.http.client_ca)"
with "$HTTP" >"$(balancer_file)"
need 'mailraild starts' balancer_start

check 'a token reads' equal "$(post stats.get '{}' -H "$(token $TOKEN_READ)" | error_code)" 0
check 'and may not change anything' equal \
	"$(post config.rollback '{"to":1}' -H "$(token $TOKEN_READ)" | error_code)" 1003
check 'that of an admin may' equal "$(post log.set '{"level":"info"}' \
	-H "$(token $TOKEN_ADMIN)" | error_code)" 0
check 'a wrong token is refused' equal "$(status -H "$(token ${TOKEN_READ}x)" "$URL/metrics")" 401
check 'none as well' equal "$(status "$URL/metrics")" 401
check 'metrics are there for who may read' equal \
	"$(status -H "$(token $TOKEN_READ)" "$URL/metrics")" 200

check 'a certificate reads' equal "$(post_as deploy stats.get '{}' | error_code)" 0
check 'and may do what its role says, no more' equal \
	"$(post_as deploy log.set '{"level":"info"}' | error_code)" 1003
check 'a certificate that nobody has named may not' equal "$(post_as unknown stats.get '{}')" \
	"the certificate is nobody's who is known here"
check 'an expired one does not get in' eval '! post_as expired stats.get "{}"'
check 'nor one of another authority' eval '! post_as foreign stats.get "{}"'
check 'TLS 1.1 is not spoken' equal "$(status --tls-max 1.1 -H "$(token $TOKEN_READ)" \
	"$URL/metrics")" 000

before=$(peak_kib)
check 'who dawdles is cut off, in each way, while others are served' misbehave "$BALANCER4" 9443 \
	$TOKEN_READ "$TLS/ours.pem"
check 'and a request of a gigabyte, too' equal "$(head -c 1073741824 /dev/zero | status \
	-H "$(token $TOKEN_READ)" -H 'Content-Type: application/json' -T - -X POST "$URL/rpc")" 413
check 'none of which took memory' test $(($(peak_kib) - before)) -lt 16384

subscribe()
{
	start clients events curl --silent --no-buffer --cacert "$TLS/ours.pem" \
		-H "$(token "$TOKEN_READ")" -H 'Content-Type: application/json' --data \
		'{"jsonrpc":"2.0","id":1,"method":"events.subscribe"}' "$URL/rpc"
	wait_until 5 grep -q '"id":1' "$WORLD/clients/events.log"
}

jq '.services[0].exclude = {sources: ["192.0.2.0/24"]}' "$(balancer_file)" >"$WORLD/other"
renew()
{
	cp "$TLS/renewed.pem" "$TLS/node.pem" && cp "$TLS/renewed.key" "$TLS/node.key" &&
		kill -HUP "$(pid_of lb mailraild)"
}

shows_certificate()
{
	on clients openssl s_client -connect "$BALANCER4:9443" </dev/null 2>/dev/null |
		openssl x509 -noout -subject | grep -q "CN = $1$"
}

check 'the node shows its certificate' shows_certificate node
check 'it is renewed' renew
check 'and the node shows the new one' wait_until 5 shows_certificate renewed
check 'somebody subscribes to events' subscribe
check 'something changes' ctl config apply "$WORLD/other"
check 'and the subscriber hears of it' \
	wait_until 5 grep -q config.applied "$WORLD/clients/events.log"
jq 'del(.control.http.tokens[0])' "$(balancer_file)" >"$WORLD/without"
check 'a token is withdrawn' ctl config apply "$WORLD/without"
check 'who holds it is cut off' wait_while 5 is_running clients events
check 'and opens nothing any more' equal \
	"$(status -H "$(token $TOKEN_READ)" "$URL/metrics")" 401
check 'there is a server' ctl backend add $POOL/mx1 address="$SEGMENT4.11"
check 'the Python client comes in by a token' on clients "$PYTHON" -B \
	"$PROJECT/tests/lib/python_client.py" "$URL" $POOL mx1 $TOKEN_ADMIN "$TLS/ours.pem"
check 'and by a certificate' on clients env PYTHONPATH="$PROJECT/tools" "$PYTHON" -B -c '
import sys, mailrail
url, pool, tls = sys.argv[1:]
with mailrail.connect(url, ca_file=f"{tls}/ours.pem", certificate=f"{tls}/deploy.pem",
                      key=f"{tls}/deploy.key") as node:
    assert node.backend.set(pool=pool, backend="mx1", weight=81)["changed"]' "$URL" $POOL "$TLS"
jq '.control.http.port = 9444' "$(balancer_file)" >"$WORLD/moved"
check 'the port cannot change meanwhile' eval \
	"ctl config apply '$WORLD/moved' 2>&1 | grep /control/http/port"

e2e_end
