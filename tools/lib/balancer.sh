# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# mailraild on a host of the world, and the questions that scripts ask it.

readonly SERVICE4=$SEGMENT4.10 SERVICE6=$SEGMENT6:10
readonly BALANCER4=$SEGMENT4.2 BALANCER6=$SEGMENT6:2
readonly POOL=hub-transport
# What no demo or test changes; keys are secrets elsewhere.
readonly KEY=6d61696c7261696c6d61696c7261696c6d61696c7261696c6d61696c7261696c

# backend_json NAME ADDRESS [WEIGHT]
backend_json()
{
	jq -n --arg name "$1" --arg address "$2" --argjson weight "${3:-100}" \
		'{name: $name, address: $address, weight: $weight}'
}

# balancer_configuration BACKEND...: prints it; each BACKEND as backend_json has it.
balancer_configuration()
{
	printf '%s\n' "$@" | jq -s --arg socket "$WORLD/lb/control.sock" \
		--arg state "$WORLD/lb/sessions" --arg captures "$WORLD/lb/captures" --arg key $KEY \
		--arg pool $POOL --arg service "$SERVICE4" --arg namespace "$MAIL_NAMESPACE" '{
		node: {name: "lb", key: $key},
		control: {socket: $socket, captures: $captures},
		sessions: {state: $state},
		ports: [{name: "segment", device: "af_xdp:eth0"}],
		pools: [{name: $pool, forwarding: "l2dsr", backends: ., health:
			{type: "smtp", interval: "1s", timeout: "5s", rise: 2, fall: 3}}],
		services: [{name: "smtp", namespace: $namespace, addresses: [$service],
			ports: [25], pool: $pool}]}'
}

# The host that the balancer runs on, with the service's addresses: the kernel answers ARP
# and NDP for them.
balancer_host_add()
{
	host_add lb "$BALANCER4" "$BALANCER6"
	on lb ip address add "$SERVICE4/32" dev eth0
	on lb ip address add "$SERVICE6/128" dev eth0 nodad preferred_lft 0
	mkdir -p "$WORLD/lb"
}

# server_host_add HOST NUMBER: a mail server's host, with the service's addresses on its
# loopback.
server_host_add()
{
	host_add "$1" "$SEGMENT4.$2" "$SEGMENT6:$2"
	host_add_loopback_address "$1" "$SERVICE4"
	host_add_loopback_address "$1" "$SERVICE6"
}

balancer_file()
{
	printf '%s' "$WORLD/lb/mailrail.json"
}

# Starts mailraild with the configuration in balancer_file; returns when it answers.
balancer_start()
{
	start lb mailraild "$BUILD/control/mailraild" --config "$(balancer_file)" "$@"
	wait_until 20 balancer_answers_or_ended
	is_running lb mailraild && balancer_answers
}

balancer_answers_or_ended()
{
	balancer_answers || ! is_running lb mailraild
}

balancer_answers()
{
	ctl stats get >/dev/null 2>&1
}

balancer_stop()
{
	stop lb mailraild
}

ctl()
{
	"$BUILD/tools/mailrailctl" --socket "$WORLD/lb/control.sock" "$@"
}

# What the table gives each backend: "NAME SLOTS" a line.
table_slots()
{
	ctl --json backend list | jq -r '.backends[] | "\(.name) \(.slots)"'
}

# backend_field NAME FIELD
backend_field()
{
	ctl --json backend list | jq -r --arg name "$1" ".backends[] | select(.name == \$name) | .$2"
}
