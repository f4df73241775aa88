/* SPDX-License-Identifier: BSD-3-Clause */
#include "prepare_server.h"

static void write_head(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "#!/bin/sh");
	prepare_title(server, script);
	prepare_line(script, "# Run it as root; it may be run again. A reboot undoes it: run it at "
			     "every start, or carry");
	prepare_line(script, "# it over into /etc/sysctl.d and the configuration of the network.");
	prepare_line(script, "set -e");
	prepare_line(script,
		     "# The interface that the balancer's packets arrive at; dev=NAME in the "
		     "environment overrides it.");
	prepare_line(script,
		     "dev=${dev:-$(ip -o address show to %s | awk '$2 != \"lo\" { print $2; "
		     "exit }')}",
		     server->address);
	prepare_line(script,
		     "[ -n \"$dev\" ] || { echo 'no interface has %s: set dev=NAME' >&2; exit 1; }",
		     server->address);
}

static void write_address(const struct config_service *service, const struct mr_addr *address,
			  const char *text, struct prepare_script *script)
{
	(void)service;
	if (mr_addr_is_v4(address))
		prepare_line(script, "ip -4 address replace %s/32 dev lo", text);
	else
		prepare_line(script, "ip -6 address replace %s/128 dev lo nodad preferred_lft 0",
			     text);
}

/* Silence comes before the address: else the server answers for it in between. */
static void write_addresses(const struct prepare_server *server, struct prepare_script *script)
{
	if (server->services_v4) {
		prepare_line(script, "# Only the balancer answers ARP for the service.");
		prepare_line(script, "sysctl -qw net/ipv4/conf/all/arp_ignore=1");
		prepare_line(script, "sysctl -qw net/ipv4/conf/all/arp_announce=2");
		prepare_line(script,
			     "# Clients may arrive by another interface than answers leave by.");
		prepare_line(script, "sysctl -qw \"net/ipv4/conf/$dev/rp_filter=2\"");
	}
	prepare_line(script,
		     "# The service's addresses are this server's own, and no source of its "
		     "own connections.");
	prepare_each_address(server, script, write_address);
}

/* The kernel's route decides which segment size the server asks its clients for. */
static void write_segment_size(const struct prepare_server *server, bool v4,
			       struct prepare_script *script)
{
	int version = v4 ? 4 : 6;

	prepare_line(script,
		     "ip -o -%d route show default | sed -n 's/\\\\//g; s/ advmss [0-9]*//; s/ "
		     "linkdown\\>//g; s/ expires [-0-9]*sec//; s/^default/default advmss %u/p' | "
		     "while read -r route; do ip -%d route replace $route; done",
		     version, prepare_mss(server, v4), version);
}

/* For servers that rather use the modules sit, ip6_tunnel and fou of their kernel. */
static void write_kernel_tunnel(const struct prepare_server *server, struct prepare_script *script)
{
	bool gue = server->pool->forwarding == MR_FORWARDING_GUE;

	prepare_line(script, "# Instead of mailrail-decap the kernel can do it, if it has the "
			     "modules; it takes tunnels from");
	prepare_line(script, "# everybody, which a packet filter must then forbid:");
	if (gue)
		prepare_line(script, "#   ip fou add port %u gue%s", server->request->gue_port,
			     server->v4 ? "" : " -6");
	if (server->v4)
		prepare_line(script,
			     "#   ip link add mailrail0 type sit mode any local %s remote "
			     "any ttl 64",
			     server->address);
	else
		prepare_line(script,
			     "#   ip link add mailrail0 type ip6tnl mode any local %s remote "
			     ":: encaplimit none",
			     server->address);
	prepare_line(script, "#   ip link set mailrail0 up");
	if (server->services_v4)
		prepare_line(script, "#   sysctl -qw net/ipv4/conf/mailrail0/rp_filter=2");
}

static void write_tunnel(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_segment_sizes(server, script, write_segment_size);
	write_kernel_tunnel(server, script);
	prepare_line(script, "# Takes the sessions out of their tunnel until it is told to stop: "
			     "make it a service of the host.");
	prepare_line(script, "# With several balancers, from= has all their addresses.");
	prepare_balancer(server, "from", script);
	prepare_line(script, "set -- \"$dev\" --to %s", server->address);
	if (server->pool->forwarding == MR_FORWARDING_GUE)
		prepare_line(script, "set -- \"$@\" --gue-port %u", server->request->gue_port);
	prepare_line(script, "for address in $from; do set -- \"$@\" --from \"$address\"; done");
	prepare_line(script, "exec mailrail-decap \"$@\"");
}

static void write_nat(const struct prepare_server *server, struct prepare_script *script)
{
	int version = server->v4 ? 4 : 6;

	prepare_way_back(server, script);
	prepare_line(script, "sysctl -qw net/ipv%d/conf/all/accept_redirects=0", version);
	prepare_line(script, "sysctl -qw \"net/ipv%d/conf/$dev/accept_redirects=0\"", version);
	if (!server->v4)
		prepare_line(script, "sysctl -qw \"net/ipv6/conf/$dev/accept_ra_defrtr=0\"");
	prepare_line(script, "ip -%d route replace default via \"$balancer\" dev \"$dev\"",
		     version);
}

int prepare_linux(const struct prepare_server *server, struct prepare_script *script,
		  struct mr_error *error)
{
	(void)error;
	write_head(server, script);
	if (server->carries_services)
		write_addresses(server, script);
	else
		write_nat(server, script);
	if (server->tunnelled)
		write_tunnel(server, script);
	return 0;
}
