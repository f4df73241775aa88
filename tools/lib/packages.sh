# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Installs what is missing of tools/packages, or of another list.

# packages_list [PURPOSE]: its file; tools/packages-vm for the purpose "vm".
packages_list()
{
	printf 'tools/packages%s' "${1:+-$1}"
}

packages_listed()
{
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$PROJECT/$(packages_list "$@")"
}

packages_missing()
{
	local name

	for name in $(packages_listed "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			printf '%s\n' "$name"
	done
}

# packages_install [PURPOSE]. Nothing that is on the machine is removed, and no service is started
# or enabled; Postfix is installed without a configuration.
packages_install()
{
	local missing log

	command -v apt-get >/dev/null ||
		die "this is not Debian: install what $(packages_list "$@") lists"
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0

	require_root
	printf 'Installing %d Debian packages: %s\n' ${#missing[@]} "${missing[*]}" | fold -s -w 78
	log=$(mktemp -t mailrail-packages.XXXXXX)
	if ! packages_apt "${missing[@]}" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "apt-get failed; its whole output is in $log"
	fi
	rm -f "$log"
}

# What systemd would start with the machine.
packages_enabled_services()
{
	find /etc/systemd/system -path '*.wants/*.service' -printf '%f\n' 2>/dev/null | sort -u
}

# A subshell, for the trap. The policy is what Debian's packages ask before they start a service.
packages_apt()
(
	apt=(apt-get -q -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120)
	policy=/usr/sbin/policy-rc.d
	enabled=$(packages_enabled_services)

	export DEBIAN_FRONTEND=noninteractive
	if [[ " $* " == *" postfix "* ]]; then
		echo 'postfix postfix/main_mailer_type select No configuration' |
			debconf-set-selections
	fi
	if [ ! -e $policy ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
	"${apt[@]}" update
	"${apt[@]}" install "$@" || exit
	comm -13 <(echo "$enabled") <(packages_enabled_services) | while read -r service; do
		update-rc.d "${service%.service}" disable
	done
)
