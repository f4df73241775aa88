/* SPDX-License-Identifier: BSD-3-Clause */
#include "import_model.h"

#include <stdlib.h>
#include <string.h>

#include "address_text.h"

/* Room for one more element. False: no memory, and *@list is what it was. */
static bool grow(void **list, uint32_t count, size_t size)
{
	void *grown;

	if ((count & (count - 1)) != 0)
		return true; /* the list is as long as the next power of two */
	grown = reallocarray(*list, count == 0 ? 1 : 2 * (size_t)count, size);
	if (!grown)
		return false;
	*list = grown;
	return true;
}

bool import_virtual_add_address(struct import_virtual *service, const struct mr_addr *address)
{
	for (uint32_t i = 0; i < service->address_count; i++)
		if (mr_addr_equal(&service->addresses[i], address))
			return true;
	if (!grow((void **)&service->addresses, service->address_count, sizeof(*address)))
		return false;
	service->addresses[service->address_count++] = *address;
	return true;
}

bool import_virtual_add_port(struct import_virtual *service, uint16_t port)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		if (service->ports[i] == port)
			return true;
	if (!grow((void **)&service->ports, service->port_count, sizeof(port)))
		return false;
	service->ports[service->port_count++] = port;
	return true;
}

bool import_virtual_add_server(struct import_virtual *service, const struct import_server *server)
{
	if (!grow((void **)&service->servers, service->server_count, sizeof(*server)))
		return false;
	service->servers[service->server_count++] = *server;
	return true;
}

bool import_endpoints_add(struct import_endpoints *endpoints, const struct import_endpoint *added)
{
	if (!grow((void **)&endpoints->list, endpoints->count, sizeof(*added)))
		return false;
	endpoints->list[endpoints->count++] = *added;
	return true;
}

void import_virtual_fini(struct import_virtual *service)
{
	free(service->addresses);
	free(service->ports);
	free(service->servers);
	*service = (struct import_virtual){0};
}

bool import_is_smtp_port(const struct import_options *options, uint16_t port)
{
	return port == 25 || port == 465 || port == 587 || port == 2525 ||
	       (options->port != 0 && port == options->port);
}

bool import_endpoints_wanted(const struct import_options *options,
			     const struct import_endpoints *endpoints)
{
	for (uint32_t i = 0; i < endpoints->count; i++)
		if (import_is_smtp_port(options, endpoints->list[i].port))
			return true;
	return options->all;
}

static bool is_wanted(const struct import_model *model, const struct import_virtual *service)
{
	if (model->options->all || service->smtp)
		return true;
	for (uint32_t i = 0; i < service->port_count; i++)
		if (import_is_smtp_port(model->options, service->ports[i]))
			return true;
	return false;
}

/* 127.0.0.0/8 or ::1 (RFC 6890, sections 2.2.2 and 2.2.3). */
static bool is_loopback(const struct mr_addr *address)
{
	static const struct mr_addr loopback6 = {.bytes = {[15] = 1}};

	return (mr_addr_is_v4(address) && address->bytes[12] == 127) ||
	       mr_addr_equal(address, &loopback6);
}

/* Why the server cannot be one of mailrail's; NULL: it can. */
static const char *find_obstacle(const struct import_server *server,
				 const struct import_server *kept, uint32_t kept_count)
{
	if (is_loopback(&server->address))
		return "it is on this machine, and mailrail balances to others";
	for (uint32_t i = 0; i < kept_count; i++)
		if (mr_addr_equal(&kept[i].address, &server->address))
			return "its address is there already";
	return NULL;
}

/* Sessions keep their port here. */
static void check_port(struct import_model *model, const struct import_virtual *service,
		       const struct import_server *server)
{
	for (uint32_t i = 0; i < service->port_count && server->port != 0; i++) {
		if (server->port == service->ports[i])
			continue;
		import_notes_add(model->notes, server->line, 0,
				 "server %s: port %u: not carried over: sessions keep the port "
				 "that they came for; let the server listen on %u",
				 server->name, server->port, service->ports[i]);
		return;
	}
}

static void check_servers(struct import_model *model, struct import_virtual *service)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < service->server_count; i++) {
		const struct import_server server = service->servers[i];
		const char *obstacle = find_obstacle(&server, service->servers, kept);

		if (obstacle) {
			import_notes_add(model->notes, server.line, 0,
					 "server %s: not carried over: %s", server.name, obstacle);
			continue;
		}
		check_port(model, service, &server);
		service->servers[kept++] = server;
	}
	service->server_count = kept;
}

void import_model_add(struct import_model *model, struct import_virtual *service)
{
	const char *name = service->name[0] ? service->name : "the service";

	if (is_wanted(model, service))
		check_servers(model, service);
	if (service->port_count == 0) {
		import_notes_add(model->notes, service->line, 0,
				 "%s: not carried over: it has no TCP port", name);
	} else if (!is_wanted(model, service)) {
		import_notes_add(
			model->notes, service->line, 0,
			"%s: not carried over: port %u is not SMTP's (see --all and --port)", name,
			service->ports[0]);
	} else if (service->server_count == 0) {
		import_notes_add(model->notes, service->line, 0,
				 "%s: not carried over: no server is left of it", name);
	} else if (model->service_count == MR_SERVICES_MAX) {
		import_notes_add(model->notes, service->line, 0,
				 "%s: not carried over: more than %d services", name,
				 MR_SERVICES_MAX);
	} else if (grow((void **)&model->services, model->service_count, sizeof(*service))) {
		model->services[model->service_count++] = *service;
		*service = (struct import_virtual){0};
	} else {
		model->no_memory = true;
	}
	import_virtual_fini(service);
}

/* Of @endpoints those with @port. False: no memory. */
static bool fill(struct import_virtual *service, const struct import_virtual *like,
		 const struct import_endpoints *endpoints, uint16_t port)
{
	bool ok = port == 0 || import_virtual_add_port(service, port);

	for (uint32_t i = 0; ok && i < like->server_count; i++)
		ok = import_virtual_add_server(service, &like->servers[i]);
	for (uint32_t i = 0; ok && i < endpoints->count; i++) {
		const struct import_endpoint *endpoint = &endpoints->list[i];

		if (endpoint->port == port && !endpoint->any)
			ok = import_virtual_add_address(service, &endpoint->address);
	}
	return ok;
}

void import_model_add_each(struct import_model *model, const struct import_virtual *like,
			   const struct import_endpoints *endpoints)
{
	for (uint32_t i = 0; i < endpoints->count; i++) {
		struct import_virtual service = *like;
		bool done = false;

		for (uint32_t j = 0; j < i && !done; j++)
			done = endpoints->list[j].port == endpoints->list[i].port;
		if (done)
			continue;
		service.servers = NULL;
		service.server_count = 0;
		if (!fill(&service, like, endpoints, endpoints->list[i].port))
			model->no_memory = true;
		import_model_add(model, &service);
	}
}

void import_model_fini(struct import_model *model)
{
	for (uint32_t i = 0; i < model->service_count; i++)
		import_virtual_fini(&model->services[i]);
	free(model->services);
	model->services = NULL;
	model->service_count = 0;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

void import_name(const char *text, char out[MR_NAME_MAX])
{
	size_t used = 0;

	if (*text && !is_alnum(*text))
		out[used++] = 'x';
	for (; *text && used < MR_NAME_MAX - 1; text++)
		out[used++] = is_alnum(*text) || strchr("._-", *text) ? *text : '-';
	out[used] = '\0';
}

void import_server_name(struct import_server *server)
{
	char text[MR_ADDR_TEXT_MAX];

	address_format(&server->address, text);
	import_name(text, server->name);
}

bool import_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

uint16_t import_port(const char *text)
{
	/* As /etc/services has them; those that ipvsadm -S prints without -n. */
	static const struct {
		const char *name;
		uint16_t port;
	} known[] = {
		{"smtp", 25},	{"mail", 25},	{"submission", 587}, {"submissions", 465},
		{"smtps", 465}, {"ssmtp", 465}, {"urd", 465},	     {"pop3", 110},
		{"imap2", 143}, {"imap", 143},	{"imaps", 993},	     {"pop3s", 995},
		{"http", 80},	{"https", 443},
	};
	uint64_t port;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i].name) == 0)
			return known[i].port;
	return import_number(text, UINT16_MAX, &port) ? (uint16_t)port : 0;
}
