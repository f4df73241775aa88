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
# or enabled: Postfix is installed without a configuration, with which its unit does not start.
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

packages_apt()
{
	local apt=(apt-get -q -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120)

	export DEBIAN_FRONTEND=noninteractive
	if [[ " $* " == *" postfix "* ]]; then
		echo 'postfix postfix/main_mailer_type select No configuration' |
			debconf-set-selections
	fi
	apt-get -q update
	"${apt[@]}" install "$@"
}
