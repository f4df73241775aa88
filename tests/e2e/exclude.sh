#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The organisation's own mail is never balanced: sessions from excluded sources, and from the
# pool's own backends without being listed, are refused and counted. A capture shows them.
#
#   clients 198.51.100.0/24 --.          .-- mx1 10.25.0.11
#     and own 192.0.2.0/24     [ switch ]
#   lb 10.25.0.2 -------------'          '-- mx2 10.25.0.12  without the service's address
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

e2e_begin exclude 1
# A backend that knows nothing of the service: what it sends there goes to the network.
host_add mx2 "$SEGMENT4.12"
client_start mx2 "$SERVICE4"
BACKENDS+=("$(backend_json mx2 "$SEGMENT4.12")")
balancer_configuration "${BACKENDS[@]}" |
	jq '.services[0].exclude = {sources: ["192.0.2.0/25"], action: "reject"} |
		.pools[0].health.timeout = "1s"' >"$(balancer_file)"
need 'mailraild starts' balancer_start
need 'mx1 serves, mx2 does not' wait_until 20 table_has mx1

check 'a client elsewhere is greeted' connection_is greeted source=198.51.100.7
check 'an excluded source hears a reset' connection_is refused source=192.0.2.7
check 'so does the last address of the prefix' connection_is refused source=192.0.2.127
check 'the first behind it does not' connection_is greeted source=192.0.2.128
check 'resets are counted' verdict_is_at_least reset_excluded 2
before=$(verdict reset_excluded)
check "the pool's own backend hears a reset" \
	connection_from mx2 is refused source="$SEGMENT4.12"
check 'and is counted' verdict_is_at_least reset_excluded $((before + 1))

jq '.services[0].exclude.action = "drop"' "$(balancer_file)" >"$WORLD/drop"
check 'the action changes while it runs' ctl config apply "$WORLD/drop"
check 'an excluded source hears nothing' connection_is silence source=192.0.2.7 timeout=2
check 'nor does the backend' \
	connection_from mx2 is silence source="$SEGMENT4.12" timeout=2
check 'drops are counted' verdict_is_at_least drop_excluded 2
check 'a client elsewhere is still greeted' connection_is greeted source=198.51.100.7

# What became of packets can be seen packet by packet.
# captured NAME: source and comment of each packet.
captured()
{
	"$PYTHON" "$E2E/tests/lib/captured.py" "$WORLD/lb/captures/$1.pcapng"
}

capture_has_ended()
{
	[ "$(ctl --json capture show | jq -r .end)" = stopped ]
}

ctl capture start name=dropped reasons=drop_excluded >/dev/null
check 'one capture at a time' not ctl capture start
connection_is greeted source=198.51.100.7
connection_is silence source=192.0.2.7 timeout=1
ctl capture stop >/dev/null
check 'a capture ends when it is asked to' wait_until 5 capture_has_ended
check 'it has what was dropped, and nothing else' equal \
	"$(captured dropped | sort -u)" '192.0.2.7 drop_excluded, service smtp'
ctl capture start name=session client=198.51.100.7 sent=true >/dev/null
check 'a client is greeted during a capture' connection_is greeted source=198.51.100.7
ctl capture stop >/dev/null
wait_until 5 capture_has_ended
check 'it has the session, as it came and as it left' equal \
	"$(captured session | sort | uniq -c | awk '{ print $1 % 2, $2, $3, $4, $5, $6, $7 }')" \
	"0 198.51.100.7 forwarded, service smtp, backend $POOL/mx1"
ctl capture remove dropped >/dev/null
check 'what is left can be read' equal \
	"$(ctl capture read session | cksum)" \
	"$(cksum <"$WORLD/lb/captures/session.pcapng")"
check 'and what was removed is gone' equal \
	"$(ctl --json capture list | jq -r '.files[].name')" session
check 'mx1 saw nobody who is excluded' not grep -E '192\.0\.2\.7\]|10\.25\.0\.12\]' \
	"$WORLD/mx1/maillog"

e2e_end
