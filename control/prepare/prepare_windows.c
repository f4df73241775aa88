/* SPDX-License-Identifier: BSD-3-Clause */
/* PowerShell, for Windows Server 2012 and later; the connector for Exchange 2010 and later. */
#include <errno.h>
#include <string.h>

#include "config_tables.h"
#include "prepare_server.h"

/* The loopback adapter's name; Exchange's connectors and firewall rules begin with it too. */
#define ADAPTER "mailrail"

static void write_head(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_title(server, script);
	prepare_line(script,
		     "# Run it as administrator in the Exchange Management Shell; it may be "
		     "run again, and stays in force.");
	prepare_line(script, "$ErrorActionPreference = 'Stop'");
	prepare_line(script,
		     "# The adapter that the balancer's packets arrive at: the one with %s.",
		     server->address);
	prepare_line(script, "$lan = (Get-NetIPAddress -IPAddress %s).InterfaceAlias",
		     server->address);
}

static void write_adapter(struct prepare_script *script)
{
	prepare_line(script,
		     "# Once, by hand: hdwwiz.exe, Network adapters, Microsoft, \"Microsoft "
		     "KM-TEST Loopback Adapter\".");
	prepare_line(script, "Get-NetAdapter | Where-Object InterfaceDescription -Like '*KM-TEST "
			     "Loopback*' | Select-Object -First 1 | Rename-NetAdapter -NewName "
			     "'" ADAPTER "' -ErrorAction SilentlyContinue");
	prepare_line(script, "Disable-NetAdapterBinding -Name '" ADAPTER
			     "' -ComponentID ms_server, ms_msclient");
	prepare_line(script, "Set-DnsClient -InterfaceAlias '" ADAPTER
			     "' -RegisterThisConnectionsAddress $false");
}

/* The weak host model (RFC 1122, section 3.3.4.2), on these two adapters alone. */
static void write_weak_host(const char *family, struct prepare_script *script)
{
	prepare_line(script,
		     "Set-NetIPInterface -InterfaceAlias $lan -AddressFamily %s -WeakHostReceive "
		     "Enabled",
		     family);
	prepare_line(script,
		     "Set-NetIPInterface -InterfaceAlias '" ADAPTER
		     "' -AddressFamily %s -WeakHostReceive Enabled -WeakHostSend Enabled "
		     "-InterfaceMetric 254 -DadTransmits 0",
		     family);
}

static void write_address(const struct config_service *service, const struct mr_addr *address,
			  const char *text, struct prepare_script *script)
{
	(void)service;
	prepare_line(script,
		     "if (-not (Get-NetIPAddress -IPAddress %s -ErrorAction SilentlyContinue)) { "
		     "New-NetIPAddress -InterfaceAlias '" ADAPTER
		     "' -IPAddress %s -PrefixLength %d -SkipAsSource $true }",
		     text, text, mr_addr_is_v4(address) ? 32 : 128);
}

static void write_addresses(const struct prepare_server *server, struct prepare_script *script)
{
	write_adapter(script);
	prepare_line(script, "# What arrives at the network for the loopback adapter is taken, and "
			     "answered.");
	if (server->services_v4)
		write_weak_host("IPv4", script);
	if (server->services_v6)
		write_weak_host("IPv6", script);
	prepare_line(script, "# The service's addresses: no source of this server's own "
			     "connections, and not in the DNS.");
	prepare_each_address(server, script, write_address);
}

static void write_nat(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "# Answers go back through the balancer, which must be on this "
			     "server's network; with several");
	prepare_line(script, "# balancers put the address that they share here.");
	if (server->from[0] != '\0') {
		prepare_line(script, "$balancer = '%s'", server->from);
	} else {
		prepare_line(script, "# The balancer does not know yet from where it will send.");
		prepare_line(script, "$balancer = Read-Host 'address of the balancer'");
	}
	prepare_line(script, "# No router may show them a shorter way.");
	prepare_line(script, "Set-NetIPv%dProtocol -IcmpRedirects Disabled", server->v4 ? 4 : 6);
	prepare_line(script,
		     "Get-NetRoute -DestinationPrefix '%s' -ErrorAction SilentlyContinue | "
		     "Remove-NetRoute -Confirm:$false",
		     server->v4 ? "0.0.0.0/0" : "::/0");
	prepare_line(script,
		     "New-NetRoute -DestinationPrefix '%s' -InterfaceAlias $lan -NextHop $balancer",
		     server->v4 ? "0.0.0.0/0" : "::/0");
}

static void add_ports(const struct config_service *service, struct prepare_script *script)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		prepare_add(script, "%s%u", i > 0 ? "," : "", service->ports[i]);
}

/* nat: the server's own address stands for the service's. */
static uint32_t listener_count(const struct prepare_server *server,
			       const struct config_service *service)
{
	return server->carries_services ? service->address_count : 1;
}

static const struct mr_addr *listener(const struct prepare_server *server,
				      const struct config_service *service, uint32_t i)
{
	return server->carries_services ? &service->addresses[i] : &server->backend->address;
}

/* '10.0.0.10','2001:db8::10' */
static void add_addresses(const struct prepare_server *server, const struct config_service *service,
			  struct prepare_script *script)
{
	char text[MR_ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < listener_count(server, service); i++) {
		address_format(listener(server, service, i), text);
		prepare_add(script, "%s'%s'", i > 0 ? "," : "", text);
	}
}

/* '10.0.0.10:25','10.0.0.10:587','[2001:db8::10]:25','[2001:db8::10]:587' */
static void add_bindings(const struct prepare_server *server, const struct config_service *service,
			 struct prepare_script *script)
{
	char text[MR_ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < listener_count(server, service); i++) {
		const struct mr_addr *address = listener(server, service, i);

		address_format(address, text);
		for (uint32_t j = 0; j < service->port_count; j++)
			prepare_add(script, mr_addr_is_v4(address) ? "%s'%s:%u'" : "%s'[%s]:%u'",
				    i + j > 0 ? "," : "", text, service->ports[j]);
	}
}

static void write_firewall(const struct prepare_server *server,
			   const struct config_service *service, struct prepare_script *script)
{
	prepare_line(script,
		     "Remove-NetFirewallRule -Name '" ADAPTER " %s' -ErrorAction SilentlyContinue",
		     service->name);
	prepare_line(script,
		     "New-NetFirewallRule -Name '" ADAPTER " %s' -DisplayName '" ADAPTER
		     " %s' -Direction Inbound -Action Allow -Protocol TCP -LocalAddress ",
		     service->name, service->name);
	add_addresses(server, service, script);
	prepare_add(script, " -LocalPort ");
	add_ports(service, script);
}

/* The address comes first: a connector without it can keep Exchange's transport from starting. */
static void write_connector(const struct prepare_server *server,
			    const struct config_service *service, struct prepare_script *script)
{
	prepare_line(script, "# Exchange's Receive connector of service %s.", service->name);
	prepare_line(script,
		     "if (-not (Get-ReceiveConnector -Server $env:COMPUTERNAME | Where-Object Name "
		     "-eq '" ADAPTER " %s')) { New-ReceiveConnector -Server $env:COMPUTERNAME "
		     "-Name '" ADAPTER " %s' -Custom -Bindings ",
		     service->name, service->name);
	add_bindings(server, service, script);
	prepare_add(script,
		    " -RemoteIPRanges '0.0.0.0-255.255.255.255',"
		    "'::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' -Fqdn %s @role }",
		    service->namespace);
	prepare_line(script,
		     "Set-ReceiveConnector \"$env:COMPUTERNAME\\" ADAPTER " %s\" -Bindings ",
		     service->name);
	add_bindings(server, service, script);
	prepare_add(script, " -Fqdn %s%s", service->namespace,
		    server->request->anonymous ? " -PermissionGroups AnonymousUsers" : "");
	write_firewall(server, service, script);
}

static void write_connectors(const struct prepare_server *server, struct prepare_script *script)
{
	const struct config *config = server->request->config;

	prepare_line(script, "# Since Exchange 2013 it belongs to the front end.");
	prepare_line(script, "$role = @{}; if ((Get-Command New-ReceiveConnector)."
			     "Parameters.ContainsKey('TransportRole')) { $role.TransportRole = "
			     "'FrontendTransport' }");
	if (!server->request->anonymous)
		prepare_line(script, "# Nobody has permission to use it yet; --anonymous gives it "
				     "to those who do not log in.");
	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].pool, server->pool->name) == 0)
			write_connector(server, &config->services[i], script);
}

int prepare_windows(const struct prepare_server *server, struct prepare_script *script,
		    struct mr_error *error)
{
	if (server->tunnelled)
		return mr_error_set(error, -EOPNOTSUPP,
				    "Windows cannot take packets out of %s: let pool \"%s\" "
				    "forward by l2dsr or nat",
				    config_forwardings[server->pool->forwarding],
				    server->pool->name);
	write_head(server, script);
	if (server->carries_services)
		write_addresses(server, script);
	else
		write_nat(server, script);
	write_connectors(server, script);
	return 0;
}
