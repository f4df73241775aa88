/* SPDX-License-Identifier: BSD-3-Clause */
#include "prepare.h"

#include <errno.h>
#include <string.h>

#include "config_tables.h"
#include "prepare_server.h"

/* Headers without options. */
enum { IPV4_BYTES = 20, IPV6_BYTES = 40, TCP_BYTES = 20, UDP_BYTES = 8 };
#define ETHERNET_MTU_BYTES 1500

void prepare_title(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "# Makes %s ready for pool %s of mailrail, forwarding mode %s.",
		     server->backend->name, server->pool->name,
		     config_forwardings[server->pool->forwarding]);
}

void prepare_balancer(const struct prepare_server *server, const char *name,
		      struct prepare_script *script)
{
	if (server->from[0] != '\0') {
		prepare_line(script, "%s=${%s:-%s}", name, name, server->from);
		return;
	}
	prepare_line(script, "# The balancer does not know yet from where it will send: say it in "
			     "the environment.");
	prepare_line(script, "%s=${%s:?is not set: the balancer\\'s address}", name, name);
}

void prepare_way_back(const struct prepare_server *server, struct prepare_script *script)
{
	prepare_line(script, "# Answers go back through the balancer, which must be on this "
			     "server's network; with several");
	prepare_line(script, "# balancers say the address that they share: balancer=ADDRESS.");
	prepare_balancer(server, "balancer", script);
	prepare_line(script, "# No router may show them a shorter way.");
}

void prepare_segment_sizes(const struct prepare_server *server, struct prepare_script *script,
			   prepare_family_fn *each)
{
	prepare_line(script,
		     "# %u bytes fit into the tunnel: clients are asked for segments that do.",
		     server->packet_max_bytes);
	if (server->services_v4)
		each(server, true, script);
	if (server->services_v6)
		each(server, false, script);
}

uint32_t prepare_mss(const struct prepare_server *server, bool v4)
{
	return server->packet_max_bytes - (v4 ? IPV4_BYTES : IPV6_BYTES) - TCP_BYTES;
}

void prepare_each_address(const struct prepare_server *server, struct prepare_script *script,
			  prepare_address_fn *each)
{
	const struct config *config = server->request->config;
	char text[MR_ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		if (strcmp(service->pool, server->pool->name) != 0)
			continue;
		for (uint32_t j = 0; j < service->address_count; j++) {
			address_format(&service->addresses[j], text);
			each(service, &service->addresses[j], text, script);
		}
	}
}

static void find_families(struct prepare_server *server)
{
	const struct config *config = server->request->config;

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_service *service = &config->services[i];

		if (strcmp(service->pool, server->pool->name) != 0)
			continue;
		for (uint32_t j = 0; j < service->address_count; j++) {
			if (mr_addr_is_v4(&service->addresses[j]))
				server->services_v4 = true;
			else
				server->services_v6 = true;
		}
	}
}

static uint16_t packet_max(const struct prepare_server *server)
{
	uint32_t outer_bytes = server->v4 ? IPV4_BYTES : IPV6_BYTES;

	if (server->request->packet_max_bytes > 0)
		return server->request->packet_max_bytes;
	if (server->pool->forwarding == MR_FORWARDING_GUE)
		outer_bytes += UDP_BYTES;
	return (uint16_t)(ETHERNET_MTU_BYTES - outer_bytes);
}

static struct prepare_server describe(const struct prepare_request *request)
{
	const struct config_pool *pool = &request->config->pools[request->pool];
	struct prepare_server server = {
		.request = request,
		.pool = pool,
		.backend = &pool->backends[request->backend],
		.carries_services = pool->forwarding != MR_FORWARDING_NAT,
		.tunnelled = pool->forwarding == MR_FORWARDING_IPIP ||
			     pool->forwarding == MR_FORWARDING_GUE,
	};

	server.v4 = mr_addr_is_v4(&server.backend->address);
	server.packet_max_bytes = packet_max(&server);
	address_format(&server.backend->address, server.address);
	if (request->from_known)
		prefix_format(&request->from, server.from);
	find_families(&server);
	return server;
}

int prepare_write(const struct prepare_request *request, struct prepare_script *script,
		  struct mr_error *error)
{
	static prepare_writer *const writers[] = {
		[PREPARE_LINUX] = prepare_linux,
		[PREPARE_FREEBSD] = prepare_freebsd,
		[PREPARE_WINDOWS] = prepare_windows,
	};
	const struct prepare_server server = describe(request);
	int result = writers[request->os](&server, script, error);

	if (result == 0 && script->incomplete)
		return mr_error_set(error, -ENOMEM, "out of memory");
	return result;
}
