/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "prepare_server.h"

static int check(const struct prepare_server *server, struct mr_error *error)
{
	const struct mr_prefix *from = &server->request->from;

	if (server->pool->forwarding == MR_FORWARDING_GUE)
		return mr_error_set(
			error, -EOPNOTSUPP,
			"FreeBSD cannot take packets out of GUE: let pool \"%s\" forward "
			"by ipip, l2dsr or nat",
			server->pool->name);
	if (server->tunnelled && server->request->from_known && from->length < 128)
		return mr_error_set(error, -EOPNOTSUPP,
				    "FreeBSD's gif takes tunnels from one address only: let "
				    "tunnel.source of pool \"%s\" be an address, not a prefix",
				    server->pool->name);
	return 0;
}

static void write_head(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "#!/bin/sh");
	prepare_title(server, script);
	prepare_line(script, "# Run it as root; it may be run again. A reboot undoes it: carry it "
			     "over into /etc/rc.conf");
	prepare_line(script, "# (ifconfig_lo0_aliases, cloned_interfaces, defaultrouter) and "
			     "/etc/sysctl.conf.");
	prepare_line(script, "set -e");
}

static void write_address(const struct config_service *service, const struct mr_addr *address,
			  const char *text, struct prepare_script *script)
{
	(void)service;
	if (mr_addr_is_v4(address))
		prepare_line(script, "ifconfig lo0 inet %s/32 alias", text);
	else
		prepare_line(script, "ifconfig lo0 inet6 %s/128 alias", text);
}

static void write_addresses(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "# Addresses of lo0 are answered for on no other interface.");
	prepare_each_address(server, script, write_address);
}

static void write_segment_size(const struct prepare_server *server, bool v4,
			       struct prepare_script *script)
{
	prepare_line(script, "route change -%s default -mtu %u", v4 ? "inet" : "inet6",
		     server->packet_max_bytes);
}

static void write_tunnel(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "# The tunnel's end, one for each balancer: gif takes it from one "
			     "address only.");
	prepare_balancer(server, "balancer", script);
	prepare_line(script, "gif=${gif:-gif25}");
	prepare_line(script, "ifconfig \"$gif\" >/dev/null 2>&1 || ifconfig \"$gif\" create");
	prepare_line(script, "ifconfig \"$gif\" %s tunnel %s \"$balancer\"",
		     server->v4 ? "inet" : "inet6", server->address);
	if (server->services_v6)
		prepare_line(script, "ifconfig \"$gif\" inet6 -ifdisabled");
	prepare_line(script, "ifconfig \"$gif\" up");
	prepare_segment_sizes(server, script, write_segment_size);
}

static void write_nat(const struct prepare_server *server, struct prepare_script *script)
{
	const char *family = server->v4 ? "inet" : "inet6";

	prepare_way_back(server, script);
	prepare_line(script, "sysctl %s",
		     server->v4 ? "net.inet.icmp.drop_redirect=1"
				: "net.inet6.icmp6.rediraccept=0");
	prepare_line(script,
		     "route change -%s default \"$balancer\" || route add -%s default "
		     "\"$balancer\"",
		     family, family);
}

int prepare_freebsd(const struct prepare_server *server, struct prepare_script *script,
		    struct mr_error *error)
{
	int result = check(server, error);

	if (result < 0)
		return result;
	write_head(server, script);
	if (server->carries_services)
		write_addresses(server, script);
	else
		write_nat(server, script);
	if (server->tunnelled)
		write_tunnel(server, script);
	return 0;
}
