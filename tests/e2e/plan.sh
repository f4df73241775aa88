#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What an operator asks before and after a change: `plan` says what it would do, changes nothing,
# and is right; `explain` says where a session goes, before, while its slot is moving and when it
# is pinned, and the session is there.
#
#   clients 203.0.113.0/24 --.          .-- mx1 10.25.0.11
#                             [ switch ]--- mx2 10.25.0.12  (removed by the change)
#   lb 10.25.0.2 ------------'          '-- mx3 10.25.0.13  (added by it)
#   service 10.25.0.10
. "$(dirname "$0")/../lib/e2e.sh"

# Everything that a change would change.
trace()
{
	ctl --json config get
	ctl --json pool show $POOL | jq -c '[.slots, .moving_slots, .pins,
		(.backends[] | .name, .state, .slots, .base_slots, .pins)]'
	cksum "$(balancer_file)" "$WORLD"/lb/sessions/*.table
}

# planned FILTER FILE: of config.plan.
planned()
{
	ctl --json config plan "$2" | jq -r "$1"
}

# fails STATUS PATTERN COMMAND...
fails()
{
	local wanted=$1 pattern=$2 output status

	shift 2
	output=$("$@" 2>&1)
	status=$?
	equal "$status" "$wanted" && grep -qE "$pattern" <<<"$output" && return 0
	printf 'says: %s\n' "$output"
	return 1
}

# explained FILTER CLIENT:PORT: of session.explain.
explained()
{
	ctl --json session explain "$2" "$SERVICE4:25" | jq -r "$1"
}

# explained_right SERVER FILTER: the sessions on SERVER go there, and what FILTER picks is true.
explained_right()
{
	local session

	for session in $(sessions_on "$1"); do
		equal "$(explained ".segment.backend, ($2)" "$session" | xargs)" "$POOL/$1 true" ||
			return 1
	done
}

table_as_planned()
{
	equal "$(table_slots | sort | xargs)" "$(sort "$WORLD/planned" | xargs)"
}

e2e_begin plan 3
balancer_configuration "${BACKENDS[0]}" "${BACKENDS[1]}" >"$(balancer_file)"
need 'mailraild starts' balancer_start
need 'both servers are healthy' wait_until 20 backends_are up up
need '20 sessions are open' clients open count=20 group=held
jq --argjson mx3 "${BACKENDS[2]}" '.pools[0].backends |= [.[0], $mx3]' "$(balancer_file)" \
	>"$WORLD/next"
before=$(trace)

check 'a plan for people fits in 80 columns' eval "! ctl config plan $WORLD/next | grep -E '.{81}'"
check 'it says that no session would break' eval \
	"ctl config plan $WORLD/next | grep -qx '0 sessions would break'"
check 'and that the new server has to show its health first' eval \
	"ctl config plan $WORLD/next | grep -q '$POOL/mx3: gets no session before'"
check 'so says the plan of what is on standard input' eval \
	"ctl config plan - <$WORLD/next | grep -qx '0 sessions would break'"
planned '.pools[0].backends[] | select(.change != "goes") | "\(.name) \(.slots_after)"' \
	"$WORLD/next" >"$WORLD/planned"
check 'half of the new sessions would go to mx3' \
	jq -e '.pools[0].backends | map(select(.name == "mx3"))[0].share_after_ppm |
		. > 499000 and . < 501000' <(ctl --json config plan "$WORLD/next")
moving=$(planned '.pools[0].slots_to_move' "$WORLD/next")
pinned=$(planned .sessions_pinned "$WORLD/next")
check 'mx2 has sessions that would be pinned' test "$pinned" -ge "$(sessions_on mx2 | wc -l)"

jq '.pools[0].backends[0].state = "disabled" | .services[0].ports = [26]' "$(balancer_file)" \
	>"$WORLD/forced"
check 'a plan that breaks sessions says which, and is answered all the same' eval \
	"ctl config plan $WORLD/forced | grep -q '^    backend $POOL/mx1 is disabled'"
check 'with places in the configuration in force' jq -e \
	'.breaks | map(select(.configuration == "running"))[0].pointer == "/services/0/ports/0"' \
	<(ctl --json config plan "$WORLD/forced")
check 'as many as are open, at least' test "$(planned .sessions_broken "$WORLD/forced")" -ge 20

jq '.pools[0].backends[0].colour = 1' "$WORLD/next" >"$WORLD/bad"
check 'what config apply refuses, plan refuses, by its path' \
	fails 1 '^  /pools/0/backends/0/colour' ctl config plan "$WORLD/bad"
jq '.pools[0].table_size = 503' "$WORLD/next" >"$WORLD/bad"
check 'also what cannot change for a pool' \
	fails 1 '/pools/0/table_size: cannot change' ctl config plan "$WORLD/bad"
jq '.node.name = "other"' "$WORLD/next" >"$WORLD/bad"
check 'and what cannot change while it runs' fails 1 '/node: cannot change' ctl config plan "$WORLD/bad"
check 'a plan for another generation is refused' \
	fails 4 '99 is not in force' ctl --generation 99 config plan "$WORLD/next"
check 'nothing has changed' equal "$(trace)" "$before"

check 'every session on mx1 is explained' explained_right mx1 '.syn.reason == "steady"'
check 'every session on mx2 is explained' explained_right mx2 '.pin == null'
check 'with next hop and port' equal \
	"$(explained '.backends[0] | .next_hop, .port' "$(sessions_on mx1 | head -n 1)" | xargs)" \
	"$(mac_of mx1) segment"
check 'people read where it goes' eval \
	"ctl session explain $(sessions_on mx1 | head -n 1) $SERVICE4:25 |
		grep -qx 'outcome  its packets are sent to $POOL/mx1'"
check 'a port without a service is told' eval \
	"ctl session explain 192.0.2.1:1 $SERVICE4:26 | grep -q 'service smtp has this address, but not'"
check 'so is an address without one, in IPv6' eval \
	"ctl session explain '[2001:db8:25::1]:1' '[$SERVICE6]:25' | grep -q 'no service has this address'"
check 'an end without a port is wrong usage' fails 2 'expected ADDRESS:PORT' \
	ctl session explain 192.0.2.1 "$SERVICE4:25"
check 'so is an IPv6 address without brackets' fails 2 'expected ADDRESS:PORT' \
	ctl session explain 2001:db8::1:25 "$SERVICE4:25"
check 'an address that is none is refused' fails 1 '/client' \
	ctl session explain 192.0.2.256:1 "$SERVICE4:25"

check 'the change is made' ctl config apply "$WORLD/next"
check 'mx3 becomes healthy' wait_until 20 backend_is mx3 up
check 'the table is as planned' wait_until 5 table_as_planned
check 'as many slots move' equal "$(ctl --json pool show $POOL | jq .moving_slots)" "$moving"
check 'sessions that stay are explained' explained_right mx1 \
	'.syn.reason != "pinned" and .segment.reason != "pinned"'
check 'older ones on moving slots too' explained_right mx2 '.moving and .segment.reason == "older"'
check 'to ask has pinned nobody' equal "$(ctl --json pool show $POOL | jq .pins)" 0
check 'every session goes on' jq -e '.alive == 20' <(clients noop group=held)
check 'those that were pinned are explained' explained_right mx2 \
	'.segment.reason == "pinned" and .pin.state == "established" and .pin.backend == "'$POOL'/mx2"
	and .syn.reason == "pinned" and (.backends[0] | .leaving)'
pins_are_counted()
{
	[ "$(ctl --json pool show "$POOL" | jq .pins)" -ge "$(sessions_on mx2 | wc -l)" ]
}
check 'they are counted' wait_until 5 pins_are_counted
check 'on mx2, which loses all its slots, no more than planned' test \
	"$(ctl --json pool show $POOL | jq '.backends[] | select(.name == "mx2").pins')" -le "$pinned"

check 'other servers, pools and services come and go' eval "
	ctl backend add $POOL/mx4 address=$SEGMENT4.14 && ctl backend remove $POOL/mx4 &&
	ctl pool set $POOL session_idle=20m && ctl pool add spare &&
	ctl service add also namespace=also.example addresses=$SEGMENT4.9 ports=25 pool=spare"
check 'and every session goes on' jq -e '.alive == 20' <(clients noop group=held)

e2e_end
