# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The SMTP client on a host, and how to speak to it.

# client_start HOST SERVICE_ADDRESS
client_start()
{
	mkdir -p "$WORLD/$1"
	start "$1" smtp_client "$PYTHON" "$PROJECT/tools/lib/smtp_client.py" serve \
		--control "$WORLD/$1/client.sock" --target "$2" --ledger "$WORLD/$1/ledger"
	wait_until 10 test -S "$WORLD/$1/client.sock"
}

# client HOST COMMAND [NAME=VALUE]...: see smtp_client.py; prints JSON.
client()
{
	local host=$1

	shift
	"$PYTHON" "$PROJECT/tools/lib/smtp_client.py" ask --control "$WORLD/$host/client.sock" "$@"
}

clients()
{
	client clients "$@"
}

ledger()
{
	printf '%s' "$WORLD/clients/ledger"
}

# clients_have_delivered COUNT [PHASE]
clients_have_delivered()
{
	[ "$(clients progress | jq --arg phase "${2:-}" \
		'if $phase == "" then .delivered else .phases[$phase] // 0 end')" -ge "$1" ]
}
