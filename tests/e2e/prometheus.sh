#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Who watches a node: Prometheus scrapes it over TLS with a bearer token, and knows what stats.get
# knows; the alert rules and the dashboard's queries load; a subscriber is told what happens;
# dpdk-telemetry.py gets its answers. All of it runs on the balancer's own host.
#
#   clients --[ switch ]-- lb 10.25.0.2 (mailraild, Prometheus)
#                    `---- mx1 10.25.0.11
. "$(dirname "$0")/../lib/e2e.sh"

readonly TOKEN=open-sesame
readonly METRICS=https://127.0.0.1:9443/metrics PROMETHEUS=http://127.0.0.1:9090

# What comes of an HTTP GET, with the certificate and the token of the test; TOKEN may be another.
get()
{
	on lb "$PYTHON" -c 'import ssl, sys, urllib.request
url, authority, token = sys.argv[1:]
tls = ssl.create_default_context(cafile=authority) if url.startswith("https") else None
headers = {"Authorization": "Bearer " + token}
request = urllib.request.Request(url, headers=headers)
sys.stdout.write(urllib.request.urlopen(request, context=tls, timeout=10).read().decode())' \
		"$1" "$WORLD/lb/lb.pem" "${2:-$TOKEN}"
}

# value EXPRESSION: of a query to Prometheus, one number; "none" where there is no series.
value()
{
	on lb promtool query instant --format=json "$PROMETHEUS" "$1" | jq -r '.[0].value[1] // "none"'
}

value_is()
{
	equal "$(value "$1")" "$2"
}

# same QUERY JQ: what Prometheus has is what stats.get says.
same()
{
	local wanted

	wanted=$(ctl --json stats get | jq "$2")
	[ -n "$wanted" ] && wait_until 10 value_is "$1" "$wanted" && return 0
	equal "$(value "$1")" "$wanted"
}

prometheus_configuration()
{
	cat <<-END
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: ["$PROJECT/config/prometheus/alerts.yml"]
		scrape_configs:
		  - job_name: mailrail
		    scheme: https
		    authorization: {credentials_file: "$WORLD/lb/token"}
		    tls_config: {ca_file: "$WORLD/lb/lb.pem"}
		    static_configs: [{targets: ["127.0.0.1:9443"]}]
	END
}

prometheus_is_ready()
{
	get "$PROMETHEUS/-/ready" >/dev/null 2>&1
}

# Every query of the dashboard, with its variables filled in.
# shellcheck disable=SC2016 # they are Grafana's
dashboard_queries()
{
	jq -r '.panels[].targets // [] | .[].expr' "$PROJECT/config/grafana/mailrail.json" |
		sed -e 's/\$__rate_interval/1m/g' -e 's/\$instance/.*/g' -e 's/\$pool/.*/g'
}

dashboard_is_understood()
{
	dashboard_queries | on lb "$PYTHON" -c 'import sys, urllib.error, urllib.parse, urllib.request
for query in sys.stdin:
    url = sys.argv[1] + "/api/v1/query?" + urllib.parse.urlencode({"query": query.strip()})
    try:
        urllib.request.urlopen(url, timeout=10).read()
    except urllib.error.HTTPError as error:
        sys.exit(query + error.read().decode())' "$PROMETHEUS"
}

# Answers and events, a line each.
subscriber_start()
{
	start lb subscriber "$PYTHON" -uc 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"[{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"events.subscribe\", "
          b"\"params\": {\"since\": 0}}]")
for line in s.makefile():
    print(line, end="", flush=True)' "$WORLD/lb/control.sock"
}

# event KIND JQ: the subscriber was told of one for which JQ is true.
event()
{
	jq -se --arg kind "$1" "any(.[1:][].params | select(.kind == \$kind) | .details; $2)" \
		"$WORLD/lb/subscriber.log" >/dev/null
}

# The answer first, then the events from the first on, none missing.
events_are_in_order()
{
	jq -se '(.[0][0].result.stream | length == 16) and
		([.[1:][].params.sequence] == [range(1; length)])' "$WORLD/lb/subscriber.log"
}

# telemetry QUESTION...: an answer a line. Another mailraild may have taken the first number.
telemetry()
{
	local socket number

	socket=$(telemetry_socket)
	number=${socket##*v2}
	number=${number#:}
	printf '%s\n' "$@" |
		on lb timeout 20 dpdk-telemetry.py -f mailrail -i "${number:-0}" 2>&1 ||
		printf 'socket %s\n' "$socket"
}

telemetry_socket()
{
	on lb ss -Hxl | grep -o '/[^ ]*dpdk_telemetry.v2[^ ]*' | head -n 1
}

# telemetry_said NUMBER JQ: of the answers in $WORLD/answers, the first being 0.
telemetry_said()
{
	jq -se ".[$1] | $2" "$WORLD/answers" >/dev/null && return 0
	cat "$WORLD/answers"
	return 1
}

e2e_begin prometheus 1
on lb openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lb \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$WORLD/lb/lb.key" -out "$WORLD/lb/lb.pem" \
	2>"$WORLD/lb/openssl.log"
printf %s $TOKEN >"$WORLD/lb/token"
jq --arg pem "$WORLD/lb/lb.pem" --arg key "$WORLD/lb/lb.key" \
	--arg hash "$(printf %s $TOKEN | sha256sum | cut -d ' ' -f 1)" '.control.http =
	{address: "127.0.0.1", port: 9443, certificate: $pem, key: $key,
	tokens: [{name: "prometheus", role: "read", hash: $hash}]} |
	.pools[0].health += {timeout: "1s", rise: 1, fall: 1}' \
	"$(balancer_file)" >"$WORLD/lb/with-http"
mv "$WORLD/lb/with-http" "$(balancer_file)"
need 'mailraild starts' balancer_start
prometheus_configuration >"$WORLD/lb/prometheus.yml"
start lb prometheus prometheus --config.file="$WORLD/lb/prometheus.yml" \
	--storage.tsdb.path="$WORLD/lb/prometheus" --web.listen-address=127.0.0.1:9090 \
	--log.level=warn
subscriber_start

check 'the server is healthy' wait_until 20 backend_is mx1 up
for ((i = 0; i < 3; i++)); do
	check 'mail passes' connection_is greeted
done

check 'metrics are to be had' eval 'get $METRICS >"$WORLD/metrics"'
check 'not with another token' not get $METRICS wrong
check 'promtool finds nothing wrong with them' eval 'promtool check metrics <"$WORLD/metrics"'
check 'promtool finds nothing wrong with the rules' \
	promtool check rules "$PROJECT/config/prometheus/alerts.yml"
check 'alerts come when they should' \
	promtool test rules "$PROJECT/config/prometheus/alerts_test.yml"
check 'the example of a configuration is one' \
	promtool check config --syntax-only "$PROJECT/config/prometheus/prometheus.yml"

need 'Prometheus is ready' wait_until 20 prometheus_is_ready
check 'it scrapes the node' wait_until 10 value_is 'up{job="mailrail"}' 1
check 'the node has counted them' eval 'ctl --json stats get |
	jq -e ".services[0].sessions >= 3 and .backends[0].sessions >= 3"'
check 'it knows the sessions of the service' \
	same 'mailrail_service_sessions_total{service="smtp"}' '.services[0].sessions'
check 'of the backend' same 'mailrail_backend_sessions_total{backend="mx1"}' '.backends[0].sessions'
check 'the packets by their verdict' same \
	'sum(mailrail_worker_verdicts_total{verdict="forwarded"})' '.total.verdicts.forwarded'
check 'the budget for pins' same mailrail_pins_budget '.pins.budget'
check 'the generation' same mailrail_config_generation '.generation'
check 'when the certificate ends' value_is \
	'mailrail_certificate_expiry_timestamp_seconds > bool time()' 1
check 'how long probes take' value_is \
	'mailrail_pool_probe_duration_seconds_count > bool 0' 1
check 'it has loaded all rules' equal \
	"$(get "$PROMETHEUS/api/v1/rules" | jq '[.data.groups[].rules[] | select(.health == "err")] | length')" 0
check 'it understands every query of the dashboard' dashboard_is_understood

check 'the only backend is taken out' ctl backend disable $POOL/mx1
check 'the alert is on its way' wait_until 10 value_is \
	'count(ALERTS{alertname="MailrailServiceDown", service="smtp"})' 1
check 'it comes back' ctl backend enable $POOL/mx1
check 'Prometheus knows the new generation' same mailrail_config_generation '.generation'
check 'the subscriber is told of a change' wait_until 5 event config.applied '.generation >= 2'
check 'of the service without a backend' wait_until 5 event service.unhealthy '.service == "smtp"'
check 'and of its return' wait_until 5 event service.healthy ".pool == \"$POOL\""

telemetry /mailrail/pools "/mailrail/backends,$POOL,mx1" /mailrail/stats /mailrail/workers,0 \
	/mailrail/node /mailrail/pools,none >"$WORLD/answers"
check 'dpdk-telemetry.py lists the pools' telemetry_said 0 ".[\"/mailrail/pools\"] == [\"$POOL\"]"
check 'shows a backend' telemetry_said 1 \
	'.["/mailrail/backends"] | .state == "enabled" and .slots == 65537 and .sessions_total > 2'
check 'the packets' telemetry_said 2 '.["/mailrail/stats"].forwarded > 2'
check 'a worker' telemetry_said 3 '.["/mailrail/workers"].rx_packets_total > 2'
check 'the node' telemetry_said 4 '.["/mailrail/node"].node == "lb"'
check 'and null for what is not there' telemetry_said 5 '.["/mailrail/pools"] == null'
check 'the cable is pulled' on switch ip link set lb down
check 'the subscriber is told of the port' wait_until 10 event port.down '.port == "segment"'
check 'and of the backend, with a reason' wait_until 20 event backend.down \
	'.backend == "mx1" and (.reason | length > 3)'
check 'Prometheus sees both' wait_until 10 value_is 'mailrail_port_up + on () mailrail_backend_up' 0
check 'the cable is back' on switch ip link set lb up
check 'so is the backend' wait_until 20 event backend.up '.backend == "mx1"'
check 'the subscriber was told of all in order, behind the answer' events_are_in_order
socket=$(telemetry_socket)
check 'mailraild stops' balancer_stop
check 'the telemetry socket is gone' test -n "$socket" -a ! -e "$socket"

e2e_end
