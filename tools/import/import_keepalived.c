/* SPDX-License-Identifier: BSD-3-Clause */
/* keepalived.conf(5): its virtual servers. VRRP stays with keepalived. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address_text.h"
#include "import_tree.h"
#include "name.h"

#define RANGE_MAX 1024 /* addresses of a group */

struct reader {
	struct import_model *model;
	const struct import_statement *root;
};

/* A virtual server as it is read, before it is known on how many ports it listens. */
struct virtual_server {
	struct reader *reader;
	const struct import_statement *statement;
	struct import_virtual service;
	bool usable;
	bool health_known; /* from the first server that is checked */
	const char *checker;
};

static const char *word(const struct import_statement *statement, uint32_t index)
{
	return import_statement_word(statement, index);
}

static void not_carried(struct reader *reader, const struct import_statement *statement,
			const char *why)
{
	const char *second = word(statement, 1), *third = word(statement, 2);

	import_notes_add(reader->model->notes, statement->line, 0,
			 "%s%s%s%s%s: not carried over: %s", word(statement, 0), *second ? " " : "",
			 second, *third ? " " : "", third, why);
}

/* --- what has no counterpart */

struct reason {
	const char *name;
	const char *why;
};

static const char *find_reason(const struct reason *reasons, const char *name)
{
	for (; reasons->name; reasons++)
		if (strcmp(reasons->name, name) == 0)
			return reasons->why;
	return "mailrail has nothing like it";
}

static const struct reason virtual_server_reasons[] = {
	{"sorry_server", "without a server that is up, sessions are reset, so that clients try "
			 "elsewhere or later"},
	{"backup_real_server", "put it in the pool with state drain, and enable it by hand"},
	{"quorum", "a service is served as long as one server is up"},
	{"hysteresis", "it belongs to the quorum"},
	{"persistence_granularity", "it belongs to persistence"},
	{"alpha", "the first probe of each server decides"},
	{"omega", "servers stay in service when mailrail stops"},
	{"ha_suspend", "mailrail probes on every node"},
	{"virtualhost", "it is for HTTP"},
	{"quorum_up", "subscribe to events instead"},
	{"quorum_down", "subscribe to events instead"},
	{"ops", "it is for UDP"},
	{NULL, NULL},
};

static const struct reason real_server_reasons[] = {
	{"inhibit_on_failure", "a server that is down loses its sessions, so that clients try "
			       "again elsewhere"},
	{"notify_up", "subscribe to events instead"},
	{"notify_down", "subscribe to events instead"},
	{"uthreshold", "servers limit their own sessions"},
	{"lthreshold", "servers limit their own sessions"},
	{"alpha", "the first probe of each server decides"},
	{"virtualhost", "it is for HTTP"},
	{NULL, NULL},
};

static const struct reason checker_reasons[] = {
	{"helo_name", "probes greet with the service's namespace or the node's name"},
	{"host", "servers are probed through the service's address"},
	{"connect_ip", "servers are probed through the service's address"},
	{"connect_port", "servers are probed on the service's port"},
	{"bindto", "probes take the way that mail takes"},
	{"bind_port", "probes take the way that mail takes"},
	{"warmup", "probes are spread by themselves"},
	{"delay_before_retry", "the time between two probes is that of delay_loop"},
	{"url", "it is for HTTP"},
	{"misc_path", "scripts are not run"},
	{NULL, NULL},
};

/* --- numbers */

/* Seconds, and what of them is behind a point. False: none. */
static bool parse_seconds(const char *text, uint64_t *out_ms)
{
	const size_t digits = strspn(text, "0123456789");
	uint64_t ms, unit = 100;

	if (digits == 0 || digits > 9)
		return false;
	ms = strtoull(text, NULL, 10) * 1000;
	text += digits;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			ms += (uint64_t)(*text - '0') * unit;
	*out_ms = ms;
	return *text == '\0';
}

static void take_seconds(struct virtual_server *vs, const struct import_statement *statement,
			 uint64_t *out_ms)
{
	if (!parse_seconds(word(statement, 1), out_ms))
		not_carried(vs->reader, statement, "expected seconds");
}

/* So many repetitions: a server is down after one failure more. */
static void take_retry(struct virtual_server *vs, const struct import_statement *statement)
{
	uint64_t retry;

	if (import_number(word(statement, 1), 1000, &retry))
		vs->service.health.fall = retry + 1;
	else
		not_carried(vs->reader, statement, "expected a number");
}

/* --- forwarding */

/* False: mailrail has no such mode. */
static bool parse_method(const struct import_statement *statement,
			 enum mr_forwarding *out_forwarding, uint16_t *out_port)
{
	const char *kind = word(statement, 1);
	const char *tunnel = strcmp(word(statement, 2), "type") == 0 ? word(statement, 3) : "ipip";
	uint64_t port = 0;

	*out_port = 0;
	if (strcasecmp(kind, "DR") == 0) {
		*out_forwarding = MR_FORWARDING_L2DSR;
	} else if (strcasecmp(kind, "NAT") == 0) {
		*out_forwarding = MR_FORWARDING_NAT;
	} else if (strcasecmp(kind, "TUN") == 0 && strcmp(tunnel, "ipip") == 0) {
		*out_forwarding = MR_FORWARDING_IPIP;
	} else if (strcasecmp(kind, "TUN") == 0 && strcmp(tunnel, "gue") == 0) {
		*out_forwarding = MR_FORWARDING_GUE;
		if (strcmp(word(statement, 4), "port") == 0 &&
		    import_number(word(statement, 5), UINT16_MAX, &port))
			*out_port = (uint16_t)port;
	} else {
		return false;
	}
	return true;
}

static void read_method(struct virtual_server *vs, const struct import_statement *statement)
{
	if (!parse_method(statement, &vs->service.forwarding, &vs->service.tunnel_port)) {
		not_carried(vs->reader, statement, "mailrail has DR (l2dsr), TUN (ipip, gue), NAT");
		vs->usable = false;
	}
}

/* All servers of a pool are reached alike. */
static bool same_method(struct virtual_server *vs, const struct import_statement *server)
{
	const struct import_statement *method = import_statement_find(server, "lvs_method");
	enum mr_forwarding forwarding;
	uint16_t port;

	if (!method)
		method = import_statement_find(server, "lb_kind");
	return !method || (parse_method(method, &forwarding, &port) &&
			   forwarding == vs->service.forwarding && port == vs->service.tunnel_port);
}

/* --- servers and their checks */

static bool is_checker(const char *name)
{
	static const char *const checkers[] = {
		"SMTP_CHECK", "TCP_CHECK", "HTTP_GET",	"SSL_GET",    "MISC_CHECK", "DNS_CHECK",
		"PING_CHECK", "UDP_CHECK", "BFD_CHECK", "FILE_CHECK", NULL,
	};

	for (size_t i = 0; checkers[i]; i++)
		if (strcmp(checkers[i], name) == 0)
			return true;
	return false;
}

static void read_checker_settings(struct virtual_server *vs, const struct import_statement *checker)
{
	for (uint32_t i = 0; i < checker->below_count; i++) {
		const struct import_statement *setting = &checker->below[i];
		const char *name = word(setting, 0);

		if (strcmp(name, "connect_timeout") == 0 || strcmp(name, "misc_timeout") == 0)
			take_seconds(vs, setting, &vs->service.health.timeout_ms);
		else if (strcmp(name, "retry") == 0 || strcmp(name, "nb_get_retry") == 0)
			take_retry(vs, setting);
		else
			not_carried(vs->reader, setting, find_reason(checker_reasons, name));
	}
}

static void read_checker(struct virtual_server *vs, const struct import_statement *checker)
{
	const bool smtp = strcmp(word(checker, 0), "SMTP_CHECK") == 0;
	const struct import_health before = vs->service.health;

	vs->service.smtp |= smtp;
	if (!smtp)
		not_carried(vs->reader, checker, "mailrail asks by SMTP instead");
	read_checker_settings(vs, checker);
	if (vs->health_known && (before.timeout_ms != vs->service.health.timeout_ms ||
				 before.fall != vs->service.health.fall ||
				 strcmp(vs->checker, word(checker, 0)) != 0)) {
		not_carried(vs->reader, checker,
			    "all servers of a pool are checked alike, as the first one");
		vs->service.health = before;
	}
	if (!vs->health_known)
		vs->checker = word(checker, 0);
	vs->health_known = true;
}

static void read_server_settings(struct virtual_server *vs, const struct import_statement *block,
				 struct import_server *server)
{
	bool checked = false;
	uint64_t weight;

	for (uint32_t i = 0; i < block->below_count; i++) {
		const struct import_statement *setting = &block->below[i];
		const char *name = word(setting, 0);

		if (strcmp(name, "weight") == 0) {
			if (import_number(word(setting, 1), UINT32_MAX, &weight))
				server->weight = (uint32_t)weight;
			else
				not_carried(vs->reader, setting, "expected a number");
		} else if (is_checker(name)) {
			read_checker(vs, setting);
			checked = true;
		} else if (strcmp(name, "lvs_method") != 0 && strcmp(name, "lb_kind") != 0) {
			not_carried(vs->reader, setting, find_reason(real_server_reasons, name));
		}
	}
	if (!checked)
		import_notes_add(vs->reader->model->notes, block->line, 0,
				 "real_server %s: had no check; mailrail probes it by SMTP",
				 word(block, 1));
}

static void read_server(struct virtual_server *vs, const struct import_statement *block)
{
	struct import_server server = {.line = block->line, .weight = 1};

	if (!address_parse(word(block, 1), &server.address)) {
		not_carried(vs->reader, block, "expected an address");
		return;
	}
	if (!same_method(vs, block)) {
		not_carried(vs->reader, block, "it is reached by another method than the others");
		return;
	}
	/* Only NAT changes ports in IPVS. */
	if (vs->service.forwarding == MR_FORWARDING_NAT)
		server.port = import_port(word(block, 2));
	import_server_name(&server);
	read_server_settings(vs, block, &server);
	if (!import_virtual_add_server(&vs->service, &server))
		vs->reader->model->no_memory = true;
}

/* --- virtual servers */

static void read_scheduler(struct virtual_server *vs, const struct import_statement *statement)
{
	if (strcmp(word(statement, 1), "mh") != 0 && strcmp(word(statement, 1), "sh") != 0)
		not_carried(vs->reader, statement, "sessions are spread by a hash, by weight");
}

static void read_persistence(struct virtual_server *vs, const struct import_statement *statement)
{
	if (strcmp(word(statement, 1), "0") != 0)
		not_carried(vs->reader, statement, "each session of a client is spread by itself");
}

static void read_protocol(struct virtual_server *vs, const struct import_statement *statement)
{
	if (strcasecmp(word(statement, 1), "TCP") == 0)
		return;
	not_carried(vs->reader, vs->statement, "not TCP");
	vs->usable = false;
}

static void read_interval(struct virtual_server *vs, const struct import_statement *statement)
{
	take_seconds(vs, statement, &vs->service.health.interval_ms);
}

static void read_timeout(struct virtual_server *vs, const struct import_statement *statement)
{
	take_seconds(vs, statement, &vs->service.health.timeout_ms);
}

static const struct {
	const char *name;
	void (*read)(struct virtual_server *vs, const struct import_statement *statement);
} virtual_server_settings[] = {
	{"delay_loop", read_interval},
	{"connect_timeout", read_timeout},
	{"retry", take_retry},
	{"lb_algo", read_scheduler},
	{"lvs_sched", read_scheduler},
	{"lb_kind", read_method},
	{"lvs_method", read_method},
	{"protocol", read_protocol},
	{"persistence_timeout", read_persistence},
};
#define SETTING_COUNT (sizeof(virtual_server_settings) / sizeof(virtual_server_settings[0]))

static void read_setting(struct virtual_server *vs, const struct import_statement *statement)
{
	const char *name = word(statement, 0);

	if (strcmp(name, "real_server") == 0)
		return; /* after everything that holds for all of them */
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (strcmp(virtual_server_settings[i].name, name) != 0)
			continue;
		virtual_server_settings[i].read(vs, statement);
		return;
	}
	if (name[0] == '@')
		not_carried(vs->reader, statement, "lines for some nodes only: write it for one");
	else
		not_carried(vs->reader, statement, find_reason(virtual_server_reasons, name));
}

static void add_endpoint(struct reader *reader, struct import_endpoints *endpoints,
			 const struct mr_addr *address, uint16_t port)
{
	const struct import_endpoint added = {.address = *address, .port = port};

	reader->model->no_memory |= !import_endpoints_add(endpoints, &added);
}

/*
 * Both ends of ADDRESS-END, where END replaces the last number of the address, which is
 * hexadecimal in IPv6. False: @text is neither a range nor an address.
 */
static bool parse_range(const char *text, struct mr_addr *out_first, uint32_t *out_count)
{
	const char *dash = strchr(text, '-');
	char first[MR_ADDR_TEXT_MAX], *rest;
	unsigned long end;
	uint32_t start;

	*out_count = 1;
	if (!dash)
		return address_parse(text, out_first);
	if ((size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (!address_parse(first, out_first) || !dash[1])
		return false;
	end = strtoul(dash + 1, &rest, mr_addr_is_v4(out_first) ? 10 : 16);
	start = mr_addr_is_v4(out_first)
			? out_first->bytes[15]
			: (uint32_t)out_first->bytes[14] << 8 | out_first->bytes[15];
	if (*rest || end < start || end > (mr_addr_is_v4(out_first) ? 255 : 65535) ||
	    end - start >= RANGE_MAX)
		return false;
	*out_count = (uint32_t)(end - start) + 1;
	return true;
}

static void read_group_line(struct reader *reader, const struct import_statement *line,
			    struct import_endpoints *out)
{
	const uint16_t port = import_port(word(line, 1));
	struct mr_addr address;
	uint32_t count;

	if (strcmp(word(line, 0), "fwmark") == 0) {
		not_carried(reader, line,
			    "mailrail knows services by address and port, not by mark");
		return;
	}
	if (!parse_range(word(line, 0), &address, &count)) {
		not_carried(reader, line, "expected an address, or a range of them, and a port");
		return;
	}
	if (out->count + count > RANGE_MAX) {
		not_carried(reader, line, "more addresses than a service has");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		add_endpoint(reader, out, &address, port);
		if (++address.bytes[15] == 0)
			address.bytes[14]++;
	}
}

static bool read_group(struct virtual_server *vs, const char *name, struct import_endpoints *out)
{
	const struct import_statement *root = vs->reader->root;

	for (uint32_t i = 0; i < root->below_count; i++) {
		const struct import_statement *group = &root->below[i];

		if (strcmp(word(group, 0), "virtual_server_group") != 0 ||
		    strcmp(word(group, 1), name) != 0)
			continue;
		for (uint32_t j = 0; j < group->below_count; j++)
			read_group_line(vs->reader, &group->below[j], out);
		import_name(name, vs->service.name);
		return true;
	}
	return false;
}

/* False: it has none that mailrail could serve, and a note says why. */
static bool read_endpoints(struct virtual_server *vs, struct import_endpoints *out)
{
	const struct import_statement *statement = vs->statement;
	const char *first = word(statement, 1);
	struct mr_addr address;

	if (strcmp(first, "group") == 0 && !read_group(vs, word(statement, 2), out)) {
		not_carried(vs->reader, statement, "there is no such group");
	} else if (strcmp(first, "group") == 0 && out->count == 0) {
		not_carried(vs->reader, statement, "nothing in its group could be");
	} else if (strcmp(first, "fwmark") == 0) {
		not_carried(vs->reader, statement,
			    "mailrail knows services by address and port, not by mark");
	} else if (strcmp(first, "group") != 0) {
		if (!address_parse(first, &address))
			not_carried(vs->reader, statement, "expected an address");
		else
			add_endpoint(vs->reader, out, &address, import_port(word(statement, 2)));
	}
	return out->count > 0;
}

/* Whether it would be carried over, so that others need no notes of their own. */
static bool is_of_interest(const struct virtual_server *vs,
			   const struct import_endpoints *endpoints)
{
	if (import_endpoints_wanted(vs->reader->model->options, endpoints))
		return true;
	for (uint32_t i = 0; i < vs->statement->below_count; i++)
		if (import_statement_find(&vs->statement->below[i], "SMTP_CHECK"))
			return true;
	return false;
}

static void read_virtual_server(struct reader *reader, const struct import_statement *statement)
{
	struct virtual_server vs = {
		.reader = reader,
		.statement = statement,
		.service = {.line = statement->line},
		.usable = true,
	};
	struct import_endpoints endpoints = {0};

	if (!read_endpoints(&vs, &endpoints))
		goto out;
	if (!is_of_interest(&vs, &endpoints)) {
		not_carried(reader, statement, "it is not SMTP (see --all and --port)");
		goto out;
	}
	for (uint32_t i = 0; i < statement->below_count; i++)
		read_setting(&vs, &statement->below[i]);
	for (uint32_t i = 0; vs.usable && i < statement->below_count; i++)
		if (strcmp(word(&statement->below[i], 0), "real_server") == 0)
			read_server(&vs, &statement->below[i]);
	if (vs.usable)
		import_model_add_each(reader->model, &vs.service, &endpoints);
out:
	free(endpoints.list);
	import_virtual_fini(&vs.service);
}

/* --- the rest of the file */

static void read_interface(struct reader *reader, const struct import_statement *instance)
{
	const struct import_statement *interface = import_statement_find(instance, "interface");

	if (interface && !reader->model->interface[0] &&
	    interface_name_is_valid(word(interface, 1)))
		snprintf(reader->model->interface, sizeof(reader->model->interface), "%s",
			 word(interface, 1));
	not_carried(reader, instance,
		    "VRRP stays with keepalived: let it go on without virtual servers");
}

static void read_globals(struct reader *reader, const struct import_statement *globals)
{
	const struct import_statement *id = import_statement_find(globals, "router_id");

	if (id && name_is_valid(word(id, 1)))
		snprintf(reader->model->node_name, sizeof(reader->model->node_name), "%s",
			 word(id, 1));
}

static void read_statement(struct reader *reader, const struct import_statement *statement)
{
	const char *name = word(statement, 0);

	if (strcmp(name, "virtual_server") == 0)
		read_virtual_server(reader, statement);
	else if (strcmp(name, "vrrp_instance") == 0)
		read_interface(reader, statement);
	else if (strcmp(name, "global_defs") == 0)
		read_globals(reader, statement);
	else if (name[0] == '@')
		not_carried(reader, statement, "lines for some nodes only: write it for one");
	else if (strcmp(name, "virtual_server_group") != 0)
		not_carried(reader, statement, "it does not concern virtual servers");
}

int import_read_keepalived(struct import_model *model, const char *text, size_t size)
{
	struct import_statement root;
	struct reader reader = {.model = model, .root = &root};
	const int rc = import_tree_read(text, size, model->notes, &root);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < root.below_count; i++)
		read_statement(&reader, &root.below[i]);
	import_tree_fini(&root);
	return 0;
}
