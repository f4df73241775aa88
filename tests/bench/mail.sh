#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Real SMTP sessions, from Postfix's smtp-source to its smtp-sink: direct, and through mailrail
# (l2dsr, AF_XDP over veth), HAProxy and nginx.
#
#   mail.sh [--short] [SUBJECT...]
#   mail.sh --list
#
#   clients --.          .-- mx1: smtp-sink
#              [ switch ]
#   lb -------'          '-- mx2: smtp-sink
#
# The balancer has a core of its own; clients and servers share another one, except in
# direct-two-cores, where the servers have the balancer's. Subjects take turns, in several
# passes; only one balancer runs at a time, and it listens on the service's address on lb.
# Prints JSON: the settings, and for every subject what mail_visit.py said on each visit.

# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

readonly SUBJECTS=(direct-one-core direct-two-cores mailrail-adaptive mailrail-busy haproxy nginx)
readonly SERVERS=(mx1 mx2)
readonly NGINX_STREAM=/usr/lib/nginx/modules/ngx_stream_module.so

PASSES=5 ROUNDS=4 SESSIONS=3000 MESSAGES=50 GREETINGS=500
WANTED=()
HOSTS_CORE=
BALANCER_CORE=

# The first core for the hosts, which interrupts tend to go to as well, and the last.
choose_cores()
{
	local cores

	mapfile -t cores < <("$PYTHON" -c \
		'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
	[ ${#cores[@]} -ge 2 ] || die 'needs two cores'
	HOSTS_CORE=${cores[0]}
	BALANCER_CORE=${cores[-1]}
}

# --- clients and servers

sink_start()
{
	start "$1" sink taskset -c "$HOSTS_CORE" \
		smtp-sink -u $MAIL_USER -4 -m 1024 -h $MAIL_NAMESPACE :25 1024
}

# Thousands of sessions a second between few addresses: a port must not rest for a minute.
ports_reuse()
{
	on "$1" sysctl -qw net.ipv4.tcp_tw_reuse=1
}

# A switch in hardware asks nobody's packet filter; bridges do, where br_netfilter is loaded.
switch_simplify()
{
	local setting

	for setting in /proc/sys/net/bridge/bridge-nf-call-{arp,ip,ip6}tables; do
		[ ! -e "$setting" ] || on switch sh -c "echo 0 >$setting"
	done
}

hosts_create()
{
	local number host

	[ ! -d /dev/shm ] || export TMPDIR=/dev/shm # workers write there, and must not wait for a disk
	world_begin mailbench
	switch_simplify
	balancer_host_add
	for ((number = 1; number <= ${#SERVERS[@]}; number++)); do
		server_add "$number"
	done
	for host in clients lb; do
		ports_reuse "$host"
	done
	for host in "${SERVERS[@]}"; do
		sink_start "$host"
		wait_until 10 listens "$host" tcp 25 || die "smtp-sink does not start on $host"
	done
}

# servers_move CORE
servers_move()
{
	local host

	for host in "${SERVERS[@]}"; do
		taskset -apc "$1" "$(pid_of "$host" sink)" >/dev/null
	done
}

# --- balancers

on_balancer_core()
(
	taskset -pc "$BALANCER_CORE" "$BASHPID" >/dev/null
	"$@"
)

# mailrail_configuration POLL
mailrail_configuration()
{
	balancer_configuration "${BACKENDS[@]}" |
		jq --arg poll "$1" --argjson core "$BALANCER_CORE" \
			'.workers = {cores: [$core], poll: $poll} | .pools[0].health.rise = 1'
}

haproxy_configuration()
{
	cat <<-END
		global
			nbthread 1
			maxconn 4096
		defaults
			mode tcp
			timeout connect 5s
			timeout client 300s
			timeout server 300s
		listen smtp
			bind $SERVICE4:25
			balance roundrobin
			server mx1 $SEGMENT4.11:25 check
			server mx2 $SEGMENT4.12:25 check
	END
}

nginx_configuration()
{
	cat <<-END
		load_module $NGINX_STREAM;
		daemon off;
		worker_processes 1;
		pid $WORLD/lb/nginx.master;
		error_log stderr;
		events {
			worker_connections 8192;
		}
		stream {
			upstream servers {
				server $SEGMENT4.11:25;
				server $SEGMENT4.12:25;
			}
			server {
				listen $SERVICE4:25;
				proxy_pass servers;
				proxy_timeout 300s;
			}
		}
	END
}

mailrail_start()
{
	mailrail_configuration "$1" >"$(balancer_file)"
	on_balancer_core balancer_start && wait_until 20 backends_are up up >/dev/null 2>&1
}

# proxy_start NAME COMMAND...
proxy_start()
{
	local name=$1

	shift
	"${name}_configuration" >"$WORLD/lb/$name.conf"
	on_balancer_core start lb "$name" "$@"
	wait_until 10 listens lb tcp 25
}

subject_start()
{
	case $1 in
	direct-one-core) ;;
	direct-two-cores) servers_move "$BALANCER_CORE" ;;
	mailrail-*) mailrail_start "${1#mailrail-}" ;;
	haproxy) proxy_start haproxy haproxy -db -f "$WORLD/lb/haproxy.conf" ;;
	nginx) proxy_start nginx nginx -c "$WORLD/lb/nginx.conf" ;;
	esac
}

subject_stop()
{
	case $1 in
	direct-one-core) ;;
	direct-two-cores) servers_move "$HOSTS_CORE" ;;
	mailrail-*) balancer_stop ;;
	*) stop lb "$1" ;;
	esac
}

# --- visits

softirqs_compile()
{
	clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" \
		-c "$PROJECT/tests/bench/mail_softirqs.bpf.c" -o "$WORLD/softirqs.o"
}

# Where to send to: both servers, or twice to the service, so that there are as many sources.
targets_of()
{
	case $1 in
	direct-*) printf '%s\n' --target "$SEGMENT4.11" --target "$SEGMENT4.12" ;;
	*) printf '%s\n' --target "$SERVICE4" --target "$SERVICE4" ;;
	esac
}

# visit SUBJECT: one line of JSON.
visit()
{
	local targets pids

	subject_start "$1" >&2 || {
		e2e_show_logs >&2
		die "$1 does not start"
	}
	mapfile -t targets < <(targets_of "$1")
	mapfile -t pids < <(ip netns pids "$(host_netns lb)")
	interruptible on clients taskset -c "$HOSTS_CORE" \
		"$PYTHON" -B "$PROJECT/tests/bench/mail_visit.py" --subject "$1" "${targets[@]}" \
		--core "$BALANCER_CORE" --balancer "${pids[@]}" --softirqs "$WORLD/softirqs.o" \
		--rounds "$ROUNDS" --sessions "$SESSIONS" --messages "$MESSAGES" \
		--greetings "$GREETINGS" || {
		e2e_show_logs >&2
		die "$1: no figures"
	}
	subject_stop "$1" >&2 || die "$1 does not stop"
}

visit_all()
{
	local pass subject

	for ((pass = 1; pass <= PASSES; pass++)); do
		for subject in "${WANTED[@]}"; do
			echo "pass $pass of $PASSES: $subject" >&2
			visit "$subject" >>"$WORLD/visits"
		done
	done
}

# --- what figures mean

# y, n or unknown: whether the kernel keeps time in interrupts apart from a process's own.
interrupts_are_apart()
{
	local setting=CONFIG_IRQ_TIME_ACCOUNTING config

	for config in /proc/config.gz "/boot/config-$(uname -r)"; do
		[ -r "$config" ] || continue
		if zgrep -q "^$setting=y" "$config"; then echo y; else echo n; fi
		return
	done
	echo unknown
}

settings()
{
	jq -n --argjson hosts_core "$HOSTS_CORE" --argjson balancer_core "$BALANCER_CORE" \
		--argjson passes "$PASSES" --argjson rounds "$ROUNDS" \
		--arg interrupts_apart "$(interrupts_are_apart)" \
		--arg haproxy "$(haproxy -v | sed -n '1s/ version \([0-9.]*[0-9]\).*/ \1/p')" \
		--arg nginx "$(nginx -v 2>&1 | grep -o 'nginx/.*')" \
		--arg postfix "$(postconf -h mail_version)" '$ARGS.named'
}

result_print()
{
	jq -s --argjson settings "$(settings)" '$settings + {subjects: (group_by(.subject) |
		map({name: .[0].subject, visits: map(del(.subject))}))}' "$WORLD/visits"
}

is_subject()
{
	[[ " ${SUBJECTS[*]} " == *" $1 "* ]] || die "no subject is called $1: see --list"
}

main()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--list)
			printf '%s\n' "${SUBJECTS[@]}"
			exit
			;;
		--short) PASSES=2 ROUNDS=2 SESSIONS=2000 MESSAGES=20 GREETINGS=125 ;;
		--steps) ;; # of another bench
		*)
			is_subject "$1"
			WANTED+=("$1")
			;;
		esac
		shift
	done
	[ ${#WANTED[@]} -gt 0 ] || WANTED=("${SUBJECTS[@]}")
	choose_cores
	hosts_create
	softirqs_compile || die 'mail_softirqs.bpf.c does not compile'
	visit_all
	result_print
}

main "$@"
