/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * haproxy.cfg (HAProxy's configuration manual): frontends with their backends, and listens, of
 * mode tcp. First all sections are read, since backends may stand behind those that use them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "config.h"
#include "config_tables.h"
#include "import_model.h"
#include "import_words.h"
#include "name.h"

static const struct import_syntax syntax = {.comments = "#", .quotes = "\"'", .escapes = true};

#define BIND_PORTS_MAX 64 /* of a range */

enum section_kind {
	SECTION_OTHER, /* global, peers, resolvers and the like */
	SECTION_DEFAULTS,
	SECTION_FRONTEND,
	SECTION_BACKEND,
	SECTION_LISTEN,
};

/* What servers are set to where they do not say. */
struct server_settings {
	uint32_t weight;
	uint64_t inter_ms, rise, fall;
	bool check, disabled, backup;
};

struct section {
	enum section_kind kind;
	uint32_t line;
	char *name;
	bool tcp; /* the mode */
	bool smtp_check;
	uint64_t connect_ms, check_ms; /* timeouts; 0: not given */
	char *backend;		       /* that sessions go to; NULL: none */
	struct server_settings server_default;
	struct import_health health; /* from the first server that is checked */
	bool health_known;
	struct import_endpoints binds;
	struct import_virtual service; /* the servers, and nothing else until it is made */
	struct import_notes notes;     /* told only if the section is carried over */
};

struct reader {
	struct import_model *model;
	struct section *sections;
	uint32_t count;
	struct section *current; /* NULL: before the first one */
	const struct import_line *line;
};

static const char *word(const struct reader *reader, uint32_t index)
{
	return import_line_word(reader->line, index);
}

static bool is_word(const struct reader *reader, uint32_t index, const char *text)
{
	return strcmp(word(reader, index), text) == 0;
}

/* A note about the line at hand, for its section to tell. */
static void not_carried(struct reader *reader, uint32_t words, const char *why)
{
	char text[128];
	size_t used = 0;

	for (uint32_t i = 0; i < words && i < reader->line->count && used < sizeof(text); i++) {
		const int got = snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 word(reader, i));

		used += got > 0 ? (size_t)got : 0;
	}
	import_notes_add(&reader->current->notes, reader->line->number, 0,
			 "%s: not carried over: %s", text, why);
}

static int refuse(struct reader *reader, uint32_t column, const char *what)
{
	import_notes_add(reader->model->notes, reader->line->number, column, "%s", what);
	return -EINVAL;
}

/* --- what has no counterpart; found by its first word, or its first two */

static const struct reason {
	const char *first, *second; /* second NULL: any */
	const char *why;	    /* NULL: nothing is lost, and nothing said */
} reasons[] = {
	{"description", NULL, NULL},
	{"log", NULL, NULL},
	{"log-format", NULL, NULL},
	{"log-tag", NULL, NULL},
	{"option", "tcplog", NULL},
	{"option", "dontlognull", NULL},
	{"option", "dontlog-normal", NULL},
	{"option", "log-health-checks", NULL},
	{"option", "logasap", NULL},
	{"option", "tcpka", NULL},
	{"option", "clitcpka", NULL},
	{"option", "srvtcpka", NULL},
	{"option", "redispatch", NULL},
	{"no", NULL, NULL},
	{"retries", NULL, NULL},
	{"timeout", NULL, NULL},
	{"enabled", NULL, NULL},
	{"acl", NULL, "mailrail does not look into sessions; see exclude for whom to refuse"},
	{"tcp-request", NULL,
	 "mailrail does not look into sessions; see exclude for whom to refuse"},
	{"tcp-response", NULL, "mailrail does not look into sessions"},
	{"use-server", NULL, "sessions are spread by a hash, by weight"},
	{"balance", NULL, "sessions are spread by a hash, by weight"},
	{"hash-type", NULL, "sessions are spread by a hash, by weight"},
	{"stick-table", NULL, "each session of a client is spread by itself"},
	{"stick", NULL, "each session of a client is spread by itself"},
	{"source", NULL, "not needed: the client's address arrives as it is"},
	{"maxconn", NULL, "servers limit their own sessions"},
	{"fullconn", NULL, "servers limit their own sessions"},
	{"option", "tcp-check", "mailrail asks by SMTP instead"},
	{"tcp-check", NULL, "mailrail asks by SMTP instead"},
	{"option", "external-check", "scripts are not run"},
	{"external-check", NULL, "scripts are not run"},
	{"server-template", NULL, "write the servers out, with their addresses"},
	{"email-alert", NULL, "subscribe to events instead"},
};

static void note_rest(struct reader *reader)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		const struct reason *reason = &reasons[i];

		if (!is_word(reader, 0, reason->first) ||
		    (reason->second && !is_word(reader, 1, reason->second)))
			continue;
		if (reason->why)
			not_carried(reader, 3, reason->why);
		return;
	}
	not_carried(reader, 3, "mailrail has nothing like it");
}

/* --- values */

/* A number of milliseconds, or one with its unit: us, ms, s, m, h, d. */
static bool parse_time(const char *text, uint64_t *out_ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"", 1},	   {"ms", 1},	   {"s", 1000},
		     {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	const size_t digits = strspn(text, "0123456789");
	char number[16];
	uint64_t value;

	snprintf(number, sizeof(number), "%.*s", (int)(digits < 15 ? digits : 15), text);
	if (!import_number(number, UINT32_MAX, &value))
		return false;
	if (strcmp(text + digits, "us") == 0) {
		*out_ms = value / 1000;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		*out_ms = value * units[i].ms;
		return true;
	}
	return false;
}

/*
 * What stands before and behind the last colon of @text, without the prefixes and brackets of
 * addresses; "*" becomes "". False: it is no IP address and port, but a socket or the like.
 */
static bool split_endpoint(const char *text, char out_address[128], char out_ports[32])
{
	const char *colon;
	size_t length;

	if (strncmp(text, "ipv4@", 5) == 0 || strncmp(text, "ipv6@", 5) == 0)
		text += 5;
	else if (strncmp(text, "tcp4@", 5) == 0 || strncmp(text, "tcp6@", 5) == 0)
		text += 5;
	else if (strncmp(text, "tcp@", 4) == 0)
		text += 4;
	else if (strchr(text, '@') || text[0] == '/')
		return false;
	colon = strrchr(text, ':');
	length = colon ? (size_t)(colon - text) : strlen(text);
	snprintf(out_ports, 32, "%s", colon ? colon + 1 : "");
	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= 128)
		return false;
	memcpy(out_address, text, length);
	out_address[length] = '\0';
	if (strcmp(out_address, "*") == 0 || strcmp(out_address, "0.0.0.0") == 0 ||
	    strcmp(out_address, "::") == 0)
		out_address[0] = '\0';
	return true;
}

/* --- bind */

/* PORT or FIRST-LAST. */
static bool parse_ports(const char *text, uint64_t *out_first, uint64_t *out_last)
{
	const char *dash = strchr(text, '-');
	char first[32];

	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - text) : 31, text);
	if (!import_number(first, UINT16_MAX, out_first) || *out_first == 0)
		return false;
	*out_last = *out_first;
	return !dash || (import_number(dash + 1, UINT16_MAX, out_last) && *out_last >= *out_first &&
			 *out_last - *out_first < BIND_PORTS_MAX);
}

static void bind_one(struct reader *reader, const char *text)
{
	char address[128], ports[32];
	struct import_endpoint bind = {.any = true};
	uint64_t first, last;

	if (!split_endpoint(text, address, ports)) {
		not_carried(reader, 2, "no IP address and port");
		return;
	}
	bind.any = !address[0];
	if (!bind.any && !address_parse(address, &bind.address)) {
		not_carried(reader, 2, "an IP address is wanted here, not a name or a variable");
		return;
	}
	if (!parse_ports(ports, &first, &last)) {
		not_carried(reader, 2, "a port is wanted here");
		return;
	}
	for (uint64_t port = first; port <= last; port++) {
		bind.port = (uint16_t)port;
		if (!import_endpoints_add(&reader->current->binds, &bind))
			reader->model->no_memory = true;
	}
}

static void bind_options(struct reader *reader, uint32_t index)
{
	struct section *section = reader->current;

	for (; index < reader->line->count; index++) {
		if (is_word(reader, index, "ssl"))
			import_notes_add(
				&section->notes, reader->line->number, 0,
				"ssl: not carried over: mailrail passes TLS on as it is: the "
				"servers need the certificate");
		else if (is_word(reader, index, "accept-proxy"))
			import_notes_add(
				&section->notes, reader->line->number, 0,
				"accept-proxy: not carried over: mailrail passes the PROXY "
				"protocol on to the servers, as everything");
		else if (is_word(reader, index, "interface") &&
			 interface_name_is_valid(word(reader, index + 1)))
			snprintf(reader->model->interface, sizeof(reader->model->interface), "%s",
				 word(reader, index + 1));
	}
}

/* ADDRESS:PORT[,ADDRESS:PORT...] from word @index on. */
static void read_bind_at(struct reader *reader, uint32_t index)
{
	char *list = strdup(word(reader, index)), *rest = list, *text;

	if (!list) {
		reader->model->no_memory = true;
		return;
	}
	while ((text = strsep(&rest, ",")) != NULL)
		bind_one(reader, text);
	free(list);
	bind_options(reader, index + 1);
}

static void read_bind(struct reader *reader)
{
	read_bind_at(reader, 1);
}

/* --- server */

static void server_time(struct reader *reader, uint32_t index, uint64_t *out)
{
	if (!parse_time(word(reader, index), out))
		not_carried(reader, 3, "expected a time");
}

static void server_number(struct reader *reader, uint32_t index, uint64_t *out)
{
	if (!import_number(word(reader, index), 1000000, out))
		not_carried(reader, 3, "expected a number");
}

/* Options that mailrail has nothing like, or no need for. */
static void note_server_option(struct reader *reader, const char *option)
{
	static const struct {
		const char *start, *why;
	} known[] = {
		{"send-proxy", "not needed: the client's address arrives as it is; let the server "
			       "take sessions without the PROXY protocol"},
		{"check-send-proxy", "not needed: probes come as mail comes"},
		{"check-ssl", "probes begin in plain text, as SMTP does"},
		{"agent-check", "only probes decide on health, and you on weights"},
		{"track", "each server has probes of its own"},
		{"maxconn", "servers limit their own sessions"},
		{"ssl",
		 "mailrail passes sessions on as they are: TLS is between client and server"},
		{"source", "not needed: the client's address arrives as it is"},
		{"addr", "servers are probed where mail goes to"},
		{"port", "servers are probed where mail goes to"},
		{"observe", "only probes decide on health"},
		{"on-marked-down", "a server that is down loses its sessions"},
		{"slowstart", "a server that comes back gets its share at once"},
		{"resolvers", "addresses are not looked up while mailrail runs"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(option, known[i].start, strlen(known[i].start)) != 0)
			continue;
		import_notes_add(&reader->current->notes, reader->line->number, 0,
				 "%s: not carried over: %s", option, known[i].why);
		return;
	}
}

/* Options of a server or of default-server, from word @index on. */
static void server_options(struct reader *reader, uint32_t index, struct server_settings *out)
{
	for (; index < reader->line->count; index++) {
		const char *option = word(reader, index);
		uint64_t weight;

		if (strcmp(option, "weight") == 0) {
			weight = out->weight;
			server_number(reader, ++index, &weight);
			out->weight = (uint32_t)weight;
		} else if (strcmp(option, "inter") == 0) {
			server_time(reader, ++index, &out->inter_ms);
		} else if (strcmp(option, "rise") == 0) {
			server_number(reader, ++index, &out->rise);
		} else if (strcmp(option, "fall") == 0) {
			server_number(reader, ++index, &out->fall);
		} else if (strcmp(option, "check") == 0) {
			out->check = true;
		} else if (strcmp(option, "no-check") == 0) {
			out->check = false;
		} else if (strcmp(option, "disabled") == 0) {
			out->disabled = true;
		} else if (strcmp(option, "enabled") == 0) {
			out->disabled = false;
		} else if (strcmp(option, "backup") == 0) {
			out->backup = true;
		} else if (strcmp(option, "non-backup") == 0) {
			out->backup = false;
		} else {
			note_server_option(reader, option);
		}
	}
}

static void take_server_health(struct reader *reader, const struct server_settings *settings)
{
	struct section *section = reader->current;
	const struct import_health health = {
		.interval_ms = settings->inter_ms,
		.rise = settings->rise,
		.fall = settings->fall,
	};

	if (!settings->check) {
		import_notes_add(&section->notes, reader->line->number, 0,
				 "server %s: had no check; mailrail probes it by SMTP",
				 word(reader, 1));
	} else if (!section->health_known) {
		section->health = health;
		section->health_known = true;
	} else if (section->health.interval_ms != health.interval_ms ||
		   section->health.rise != health.rise || section->health.fall != health.fall) {
		not_carried(reader, 2,
			    "inter, rise, fall: all servers of a pool are checked alike, as the "
			    "first one");
	}
}

static void read_server(struct reader *reader)
{
	struct server_settings settings = reader->current->server_default;
	struct import_server server = {.line = reader->line->number};
	char address[128], ports[32];

	if (!split_endpoint(word(reader, 2), address, ports) ||
	    !address_parse(address, &server.address)) {
		not_carried(reader, 3, "an IP address is wanted here, not a name or a variable");
		return;
	}
	/* Without one, and with +N, it follows from the client's. */
	server.port = import_port(ports);
	server_options(reader, 3, &settings);
	server.weight = settings.weight;
	if (settings.disabled)
		server.state = config_backend_states[CONFIG_BACKEND_DISABLED];
	else if (settings.backup)
		server.state = config_backend_states[CONFIG_BACKEND_DRAIN];
	if (settings.backup)
		import_notes_add(
			&reader->current->notes, server.line, 0,
			"backup: not carried over: the server gets no sessions (state drain) "
			"until you enable it");
	take_server_health(reader, &settings);
	import_name(word(reader, 1), server.name);
	if (!server.name[0])
		import_server_name(&server);
	if (!import_virtual_add_server(&reader->current->service, &server))
		reader->model->no_memory = true;
}

static void read_default_server(struct reader *reader)
{
	server_options(reader, 1, &reader->current->server_default);
}

/* --- other keywords of sections */

static void read_mode(struct reader *reader)
{
	reader->current->tcp = is_word(reader, 1, "tcp");
}

static void read_option(struct reader *reader)
{
	if (!is_word(reader, 1, "smtpchk")) {
		note_rest(reader);
		return;
	}
	reader->current->smtp_check = true;
	if (reader->line->count > 2)
		not_carried(reader, 4,
			    "probes greet with the service's namespace or the node's "
			    "name, by EHLO");
}

static void read_timeout(struct reader *reader)
{
	uint64_t *out = is_word(reader, 1, "check")	? &reader->current->check_ms
			: is_word(reader, 1, "connect") ? &reader->current->connect_ms
							: NULL;

	if (out)
		server_time(reader, 2, out);
}

static void set_backend(struct reader *reader)
{
	free(reader->current->backend);
	reader->current->backend = strdup(word(reader, 1));
	reader->model->no_memory |= reader->current->backend == NULL;
}

/* Without a condition it is as good as a default_backend. */
static void read_use_backend(struct reader *reader)
{
	if (reader->line->count > 2)
		not_carried(reader, 4, "a service has one pool, whatever is in its sessions");
	else if (!reader->current->backend)
		set_backend(reader);
}

static void read_disabled(struct reader *reader)
{
	not_carried(reader, 1, "leave the service out instead");
}

static const struct {
	const char *name;
	void (*read)(struct reader *reader);
} keywords[] = {
	{"bind", read_bind},
	{"server", read_server},
	{"default-server", read_default_server},
	{"mode", read_mode},
	{"option", read_option},
	{"timeout", read_timeout},
	{"default_backend", set_backend},
	{"use_backend", read_use_backend},
	{"disabled", read_disabled},
};

static void read_keyword(struct reader *reader)
{
	if (reader->current->kind == SECTION_OTHER)
		return;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!is_word(reader, 0, keywords[i].name))
			continue;
		keywords[i].read(reader);
		return;
	}
	note_rest(reader);
}

/* --- sections */

static const struct {
	const char *name;
	enum section_kind kind;
} section_names[] = {
	{"global", SECTION_OTHER},	{"defaults", SECTION_DEFAULTS},
	{"frontend", SECTION_FRONTEND}, {"backend", SECTION_BACKEND},
	{"listen", SECTION_LISTEN},	{"peers", SECTION_OTHER},
	{"resolvers", SECTION_OTHER},	{"userlist", SECTION_OTHER},
	{"mailers", SECTION_OTHER},	{"program", SECTION_OTHER},
	{"cache", SECTION_OTHER},	{"fcgi-app", SECTION_OTHER},
	{"http-errors", SECTION_OTHER}, {"log-forward", SECTION_OTHER},
	{"ring", SECTION_OTHER},	{"crt-store", SECTION_OTHER},
	{"traces", SECTION_OTHER},	{"acme", SECTION_OTHER},
	{"log-profile", SECTION_OTHER},
};

static bool find_section(const char *name, enum section_kind *out_kind)
{
	for (size_t i = 0; i < sizeof(section_names) / sizeof(section_names[0]); i++) {
		if (strcmp(section_names[i].name, name) != 0)
			continue;
		*out_kind = section_names[i].kind;
		return true;
	}
	return false;
}

static void section_fini(struct section *section)
{
	free(section->name);
	free(section->backend);
	free(section->binds.list);
	import_virtual_fini(&section->service);
	import_notes_fini(&section->notes);
}

/* The named defaults, or those above. */
static const struct section *defaults_for(const struct reader *reader)
{
	const struct section *found = NULL;
	uint32_t from = 2;

	while (from < reader->line->count && !is_word(reader, from, "from"))
		from++;
	for (uint32_t i = 0; i < reader->count; i++) {
		const struct section *section = &reader->sections[i];

		if (section->kind != SECTION_DEFAULTS)
			continue;
		if (from < reader->line->count &&
		    strcmp(section->name, word(reader, from + 1)) != 0)
			continue;
		found = section;
	}
	return found;
}

static int inherit(struct section *section, const struct section *defaults)
{
	section->tcp = true; /* HAProxy's own default */
	section->server_default.weight = 1;
	if (!defaults || section->kind == SECTION_OTHER)
		return 0;
	section->tcp = defaults->tcp;
	section->smtp_check = defaults->smtp_check;
	section->connect_ms = defaults->connect_ms;
	section->check_ms = defaults->check_ms;
	section->server_default = defaults->server_default;
	if (!defaults->backend)
		return 0;
	section->backend = strdup(defaults->backend);
	return section->backend ? 0 : -ENOMEM;
}

static int begin_section(struct reader *reader, enum section_kind kind)
{
	/* An own [defaults] inherits nothing unless it says so. */
	const bool inherits = kind != SECTION_DEFAULTS || is_word(reader, 2, "from");
	const struct section *defaults = inherits ? defaults_for(reader) : NULL;
	struct section made = {
		.kind = kind,
		.line = reader->line->number,
		.name = strdup(word(reader, 1)),
	};
	struct section *grown;
	int rc = made.name ? inherit(&made, defaults) : -ENOMEM;

	grown = rc == 0 ? reallocarray(reader->sections, reader->count + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		section_fini(&made);
		return -ENOMEM;
	}
	reader->sections = grown;
	reader->current = &grown[reader->count++];
	*reader->current = made;
	/* The old form has the address in the section's own line: listen smtp :25. */
	if ((kind == SECTION_LISTEN || kind == SECTION_FRONTEND) && reader->line->count > 2 &&
	    strchr(word(reader, 2), ':'))
		read_bind_at(reader, 2);
	return 0;
}

static int read_line(struct reader *reader)
{
	enum section_kind kind;

	if (find_section(word(reader, 0), &kind))
		return begin_section(reader, kind);
	if (word(reader, 0)[0] == '.') {
		import_notes_add(reader->model->notes, reader->line->number, 0,
				 "%s: not carried over: all lines are read, whatever it says",
				 word(reader, 0));
		return 0;
	}
	if (!reader->current)
		return refuse(reader, reader->line->words[0].column,
			      "expected a section: global, defaults, frontend, backend, listen");
	read_keyword(reader);
	return 0;
}

/* --- services out of sections */

static struct section *find_backend(const struct reader *reader, const char *name)
{
	for (uint32_t i = 0; i < reader->count; i++)
		if (reader->sections[i].kind == SECTION_BACKEND &&
		    strcmp(reader->sections[i].name, name) == 0)
			return &reader->sections[i];
	return NULL;
}

static void tell(struct reader *reader, struct section *section)
{
	for (uint32_t i = 0; i < section->notes.count; i++)
		import_notes_add(reader->model->notes, section->notes.list[i].line,
				 section->notes.list[i].column, "%s", section->notes.list[i].text);
	import_notes_fini(&section->notes);
}

static void pass_over(struct reader *reader, const struct section *section, const char *why)
{
	import_notes_add(reader->model->notes, section->line, 0, "%s: not carried over: %s",
			 section->name[0] ? section->name : "the section", why);
}

static bool name_says_smtp(const char *name)
{
	return strcasestr(name, "smtp") || strcasestr(name, "submission");
}

/* Where sessions of @frontend go: a listen is its own backend. NULL: nowhere. */
static struct section *backend_of(const struct reader *reader, struct section *frontend)
{
	if (frontend->kind == SECTION_LISTEN)
		return frontend;
	return frontend->backend ? find_backend(reader, frontend->backend) : NULL;
}

/* Borrows the servers of @backend. */
static struct import_virtual make_service(const struct section *frontend,
					  const struct section *backend)
{
	struct import_virtual service = {
		.line = frontend->line,
		.smtp = frontend->smtp_check || backend->smtp_check ||
			name_says_smtp(frontend->name),
		.servers = backend->service.servers,
		.server_count = backend->service.server_count,
		.health = backend->health,
	};

	service.health.timeout_ms = backend->check_ms ? backend->check_ms : backend->connect_ms;
	import_name(frontend->name, service.name);
	import_name(backend->name, service.pool_name);
	return service;
}

static void add_service(struct reader *reader, struct section *frontend)
{
	struct section *backend = backend_of(reader, frontend);
	const bool smtp = name_says_smtp(frontend->name) || (backend && backend->smtp_check) ||
			  import_endpoints_wanted(reader->model->options, &frontend->binds);
	struct import_virtual service;

	if (!frontend->tcp || !smtp) {
		pass_over(reader, frontend,
			  frontend->tcp ? "it is not SMTP (see --all and --port)" : "not mode tcp");
		return;
	}
	tell(reader, frontend);
	if (!backend) {
		pass_over(reader, frontend, "its default_backend is not there");
	} else if (frontend->binds.count == 0) {
		pass_over(reader, frontend, "nothing is left that it listens on");
	} else {
		tell(reader, backend);
		service = make_service(frontend, backend);
		import_model_add_each(reader->model, &service, &frontend->binds);
	}
}

static void add_services(struct reader *reader)
{
	for (uint32_t i = 0; i < reader->count; i++) {
		struct section *section = &reader->sections[i];

		if (section->kind == SECTION_FRONTEND || section->kind == SECTION_LISTEN)
			add_service(reader, section);
	}
	reader->model->servers_are_new = reader->model->service_count > 0;
}

int import_read_haproxy(struct import_model *model, const char *text, size_t size)
{
	struct import_source rest = {.next = text, .end = text + size};
	struct import_line line = {0};
	struct reader reader = {.model = model, .line = &line};
	char *raw;
	int rc = 0;

	while (rc == 0 && (raw = import_text_next(&rest)) != NULL) {
		uint32_t column;
		const char *wrong = import_line_split(raw, &syntax, &line, &column);

		line.number = rest.number;
		free(raw);
		if (wrong)
			rc = refuse(&reader, column, wrong);
		else if (line.count > 0)
			rc = read_line(&reader);
	}
	if (rc == 0 && errno == ENOMEM)
		rc = -ENOMEM;
	if (rc == 0)
		add_services(&reader);
	for (uint32_t i = 0; i < reader.count; i++)
		section_fini(&reader.sections[i]);
	free(reader.sections);
	import_line_fini(&line);
	return rc;
}
