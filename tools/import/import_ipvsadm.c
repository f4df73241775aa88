/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The output of ipvsadm -Sn (ipvsadm(8)), and scripts that consist of such lines:
 *
 *	-A -t 10.0.0.10:25 -s wlc -p 300
 *	-a -t 10.0.0.10:25 -r 10.0.0.11:25 -g -w 1
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address_text.h"
#include "import_model.h"
#include "import_words.h"

static const struct import_syntax syntax = {.comments = "#", .quotes = "", .escapes = false};

/* Options that take a value, and those that do not. */
static const struct {
	char letter;
	const char *name;
	bool value;
} known_options[] = {
	{'A', "add-service", false},  {'a', "add-server", false},  {'t', "tcp-service", true},
	{'u', "udp-service", true},   {'S', "sctp-service", true}, {'f', "fwmark-service", true},
	{'s', "scheduler", true},     {'p', "persistent", true},   {'M', "netmask", true},
	{'o', "ops", false},	      {'P', "pe", true},	   {'b', "sched-flags", true},
	{'r', "real-server", true},   {'g', "gatewaying", false},  {'i', "ipip", false},
	{'m', "masquerading", false}, {'w', "weight", true},	   {'x', "u-threshold", true},
	{'y', "l-threshold", true},   {'6', "ipv6", false},	   {'T', "tun-type", true},
	{'Q', "tun-port", true},      {'N', "tun-nocsum", false},  {'C', "tun-csum", false},
	{'R', "tun-remcsum", false},
};
#define OPTION_COUNT (sizeof(known_options) / sizeof(known_options[0]))

/* One line: the value of each option, "" when it has none, NULL when it was not given. */
struct rule {
	uint32_t line;
	const char *given[128]; /* by letter */
};

struct reader {
	struct import_model *model;
	struct import_virtual service;
	char endpoint[128]; /* of @service, as it was written */
	bool open;	    /* @service is one */
};

static int refuse(struct reader *reader, uint32_t line, uint32_t column, const char *what,
		  const char *word)
{
	import_notes_add(reader->model->notes, line, column, "%s: %s", word, what);
	return -EINVAL;
}

static void not_carried(struct reader *reader, uint32_t line, const char *what, const char *why)
{
	import_notes_add(reader->model->notes, line, 0, "%s: not carried over: %s", what, why);
}

static int find_option(const char *name)
{
	const size_t length = strcspn(name, "=");

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strlen(known_options[i].name) == length &&
		    strncmp(known_options[i].name, name, length) == 0)
			return (int)i;
	return -ENOENT;
}

static int find_letter(char letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		/* The long ones have letters only here, but --tun-... none of their own. */
		if (known_options[i].letter == letter && strchr("TQNCRS", letter) == NULL)
			return (int)i;
	return -ENOENT;
}

/* The value of an option: what stands behind it in its word, or the next word. */
static int take_value(struct reader *reader, const struct import_line *line, uint32_t *index,
		      const char *rest, int option, struct rule *rule)
{
	const struct import_word *word = &line->words[*index];
	const char *value = rest;

	/* -p alone means 300 s. */
	if (!*value && known_options[option].letter == 'p' &&
	    (*index + 1 >= line->count || line->words[*index + 1].text[0] == '-'))
		value = "300";
	else if (!*value && *index + 1 >= line->count)
		return refuse(reader, line->number, word->column, "its value is missing",
			      word->text);
	else if (!*value)
		value = line->words[++*index].text;
	rule->given[(int)known_options[option].letter] = value;
	return 0;
}

/* --NAME, --NAME=VALUE or --NAME VALUE. */
static int take_long(struct reader *reader, const struct import_line *line, uint32_t *index,
		     struct rule *rule)
{
	const struct import_word *word = &line->words[*index];
	const int option = find_option(word->text + 2);
	const char *equals = strchr(word->text, '=');

	if (option < 0)
		return refuse(reader, line->number, word->column,
			      "no option of ipvsadm -S (is this the output of ipvsadm -Sn?)",
			      word->text);
	if (known_options[option].value)
		return take_value(reader, line, index, equals ? equals + 1 : "", option, rule);
	rule->given[(int)known_options[option].letter] = "";
	return 0;
}

/* -t VALUE, -tVALUE, or several in a word: -At VALUE. */
static int take_short(struct reader *reader, const struct import_line *line, uint32_t *index,
		      struct rule *rule)
{
	const struct import_word *word = &line->words[*index];

	for (const char *letter = word->text + 1; *letter; letter++) {
		const int option = find_letter(*letter);

		if (option < 0)
			return refuse(
				reader, line->number, word->column,
				"no option of ipvsadm -S (is this the output of ipvsadm -Sn?)",
				word->text);
		if (known_options[option].value)
			return take_value(reader, line, index, letter + 1, option, rule);
		rule->given[(int)*letter] = "";
	}
	return 0;
}

static int take_options(struct reader *reader, const struct import_line *line, struct rule *rule)
{
	uint32_t index = strcmp(import_line_word(line, 0), "ipvsadm") == 0 ? 1 : 0;
	int rc = 0;

	rule->line = line->number;
	for (; index < line->count && rc == 0; index++) {
		const struct import_word *word = &line->words[index];

		if (word->text[0] != '-' || !word->text[1])
			return refuse(reader, line->number, word->column,
				      "expected an option (is this the output of ipvsadm -Sn?)",
				      word->text);
		rc = word->text[1] == '-' ? take_long(reader, line, &index, rule)
					  : take_short(reader, line, &index, rule);
	}
	return rc;
}

/* ADDRESS:PORT, [ADDRESS]:PORT, or an address alone, then *@out_port is 0. False: neither. */
static bool parse_endpoint(const char *text, struct mr_addr *out_address, uint16_t *out_port)
{
	const char *colon = strrchr(text, ':');
	const bool bracketed = text[0] == '[';
	const char *end = bracketed ? strchr(text, ']') : colon;
	char address[MR_ADDR_TEXT_MAX];
	size_t length;

	*out_port = 0;
	/* Without brackets an address of IPv6 has no port behind it. */
	if (!bracketed && (!colon || strchr(text, ':') != colon))
		return address_parse(text, out_address);
	if (!end)
		return false;
	length = (size_t)(end - text) - (bracketed ? 1 : 0);
	if (length >= sizeof(address))
		return false;
	memcpy(address, text + (bracketed ? 1 : 0), length);
	address[length] = '\0';
	if (bracketed && end[1] == '\0')
		return address_parse(address, out_address);
	if (bracketed && end[1] != ':')
		return false;
	*out_port = import_port(end + (bracketed ? 2 : 1));
	return *out_port != 0 && address_parse(address, out_address);
}

static void finish_service(struct reader *reader)
{
	if (reader->open)
		import_model_add(reader->model, &reader->service);
	import_virtual_fini(&reader->service);
	reader->open = false;
}

static void note_service_options(struct reader *reader, const struct rule *rule)
{
	const char *scheduler = rule->given['s'];

	if (scheduler && strcmp(scheduler, "mh") != 0 && strcmp(scheduler, "sh") != 0)
		import_notes_add(
			reader->model->notes, rule->line, 0,
			"scheduler %s: not carried over: sessions are spread by a hash, by "
			"weight",
			scheduler);
	if (rule->given['p'])
		import_notes_add(reader->model->notes, rule->line, 0,
				 "-p %s: not carried over: each session of a client is spread by "
				 "itself",
				 rule->given['p']);
	if (rule->given['M'])
		not_carried(reader, rule->line, "-M", "it belongs to persistence");
	if (rule->given['P'])
		not_carried(reader, rule->line, "--pe", "it is for SIP");
}

static void add_service(struct reader *reader, const struct rule *rule)
{
	struct mr_addr address;
	uint16_t port;

	finish_service(reader);
	reader->service.line = rule->line;
	snprintf(reader->endpoint, sizeof(reader->endpoint), "%s",
		 rule->given['t'] ? rule->given['t'] : "");
	if (rule->given['u'] || rule->given['S']) {
		not_carried(reader, rule->line,
			    rule->given['u'] ? rule->given['u'] : rule->given['S'], "not TCP");
	} else if (rule->given['f']) {
		not_carried(reader, rule->line, "-f",
			    "mailrail knows services by address and port, not by mark");
	} else if (!rule->given['t'] || !parse_endpoint(rule->given['t'], &address, &port) ||
		   port == 0) {
		not_carried(reader, rule->line, rule->given['t'] ? rule->given['t'] : "-A",
			    "expected ADDRESS:PORT behind -t");
	} else {
		reader->open = true;
		note_service_options(reader, rule);
		if (!import_virtual_add_address(&reader->service, &address) ||
		    !import_virtual_add_port(&reader->service, port))
			reader->model->no_memory = true;
	}
}

/* False: mailrail has no such mode. */
static bool read_forwarding(struct reader *reader, const struct rule *rule,
			    enum mr_forwarding *out_forwarding, uint16_t *out_port)
{
	const char *tunnel = rule->given['T'] ? rule->given['T'] : "ipip";
	uint64_t port;

	*out_port = 0;
	if (rule->given['m']) {
		*out_forwarding = MR_FORWARDING_NAT;
	} else if (!rule->given['i']) {
		*out_forwarding = MR_FORWARDING_L2DSR; /* -g, and ipvsadm's default */
	} else if (strcmp(tunnel, "ipip") == 0) {
		*out_forwarding = MR_FORWARDING_IPIP;
	} else if (strcmp(tunnel, "gue") == 0) {
		*out_forwarding = MR_FORWARDING_GUE;
		if (rule->given['Q'] && import_number(rule->given['Q'], UINT16_MAX, &port))
			*out_port = (uint16_t)port;
	} else {
		import_notes_add(reader->model->notes, rule->line, 0,
				 "--tun-type %s: not carried over: mailrail has ipip and gue",
				 tunnel);
		return false;
	}
	return true;
}

static void note_server_options(struct reader *reader, const struct rule *rule)
{
	if (rule->given['x'] && strcmp(rule->given['x'], "0") != 0)
		not_carried(reader, rule->line, "-x", "servers limit their own sessions");
	if (rule->given['y'] && strcmp(rule->given['y'], "0") != 0)
		not_carried(reader, rule->line, "-y", "servers limit their own sessions");
	if (rule->given['C'] || rule->given['R'])
		not_carried(reader, rule->line, "--tun-csum, --tun-remcsum",
			    "mailrail's gue has its own choice of checksums");
}

/* All servers of a pool are reached alike: the first one decides. */
static bool agrees(struct reader *reader, const struct rule *rule, enum mr_forwarding forwarding,
		   uint16_t tunnel_port)
{
	struct import_virtual *service = &reader->service;

	if (service->server_count == 0) {
		service->forwarding = forwarding;
		service->tunnel_port = tunnel_port;
		return true;
	}
	if (service->forwarding == forwarding && service->tunnel_port == tunnel_port)
		return true;
	import_notes_add(reader->model->notes, rule->line, 0,
			 "server %s: not carried over: it is reached by another mode than the "
			 "service's first one",
			 rule->given['r']);
	return false;
}

static void add_server(struct reader *reader, const struct rule *rule)
{
	struct import_server server = {.line = rule->line, .weight = 1};
	enum mr_forwarding forwarding;
	uint16_t tunnel_port;
	uint64_t weight;

	if (!reader->open)
		return; /* of a service that is not carried over */
	if (!rule->given['r'] || !parse_endpoint(rule->given['r'], &server.address, &server.port)) {
		not_carried(reader, rule->line, rule->given['r'] ? rule->given['r'] : "-a",
			    "expected ADDRESS:PORT behind -r");
		return;
	}
	if (rule->given['w'] && import_number(rule->given['w'], UINT32_MAX, &weight))
		server.weight = (uint32_t)weight;
	if (!read_forwarding(reader, rule, &forwarding, &tunnel_port) ||
	    !agrees(reader, rule, forwarding, tunnel_port))
		return;
	/* Only nat changes ports in IPVS. */
	if (forwarding != MR_FORWARDING_NAT)
		server.port = 0;
	note_server_options(reader, rule);
	import_server_name(&server);
	if (!import_virtual_add_server(&reader->service, &server))
		reader->model->no_memory = true;
}

static int read_rule(struct reader *reader, const struct import_line *line)
{
	struct rule rule = {0};
	const int rc = take_options(reader, line, &rule);

	if (rc < 0)
		return rc;
	if (rule.given['A']) {
		add_service(reader, &rule);
	} else if (rule.given['a']) {
		/* Lines of a service stand together; a script may have them otherwise. */
		if (reader->open && rule.given['t'] &&
		    strcmp(rule.given['t'], reader->endpoint) != 0)
			not_carried(reader, rule.line, rule.given['t'],
				    "it belongs to another service than the lines above");
		else
			add_server(reader, &rule);
	} else {
		return refuse(reader, line->number, line->words[0].column,
			      "expected -A or -a (is this the output of ipvsadm -Sn?)",
			      line->words[0].text);
	}
	return 0;
}

int import_read_ipvsadm(struct import_model *model, const char *text, size_t size)
{
	struct import_source rest = {.next = text, .end = text + size};
	struct reader reader = {.model = model};
	struct import_line line = {0};
	char *raw;
	int rc = 0;

	while (rc == 0 && (raw = import_text_next(&rest)) != NULL) {
		uint32_t column;
		const char *wrong = import_line_split(raw, &syntax, &line, &column);

		line.number = rest.number;
		free(raw);
		if (wrong)
			rc = refuse(&reader, line.number, column, wrong, "line");
		else if (line.count > 0)
			rc = read_rule(&reader, &line);
	}
	if (rc == 0 && errno == ENOMEM)
		rc = -ENOMEM;
	finish_service(&reader);
	import_line_fini(&line);
	if (rc == 0 && model->service_count > 0)
		import_notes_add(
			model->notes, 0, 0,
			"health checks: IPVS has none; mailrail probes every server by SMTP");
	return rc;
}
