/* SPDX-License-Identifier: BSD-3-Clause */
#include "decap_options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: mailrail-decap IFNAME --from PREFIX... [--to ADDRESS...] [--gue-port PORT]\n"
	"       mailrail-decap --stats IFNAME [--json]\n"
	"\n"
	"Takes what mailrail sends by IP in IP or GUE out of its tunnel, on a mail server\n"
	"without the kernel's tunnel modules: an XDP program on IFNAME, as long as this runs.\n"
	"\n"
	"  -f, --from PREFIX    tunnels may come from here: the balancers; repeatable.\n"
	"                       \"any\": from everywhere, past all packet filters\n"
	"  -t, --to ADDRESS     tunnels may end here; repeatable. Default: all addresses of\n"
	"                       IFNAME, read at start and on SIGHUP\n"
	"  -p, --gue-port PORT  UDP port of GUE (default 6080)\n"
	"  -g, --generic        do not use the driver's native mode\n"
	"  -s, --stats          print the counters of the one that runs on IFNAME\n"
	"  -j, --json           print them as JSON\n"
	"  -V, --version        print the version and exit\n"
	"  -h, --help           print this and exit\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 when something is in the way (one line\n"
	"on standard error says what), 2 for a wrong command line. See mailrail-decap(8).\n";

static const struct option long_options[] = {
	{"from", required_argument, NULL, 'f'},
	{"to", required_argument, NULL, 't'},
	{"gue-port", required_argument, NULL, 'p'},
	{"generic", no_argument, NULL, 'g'},
	{"stats", no_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void leave(struct decap_options *options, int exit_status)
{
	options->action = DECAP_EXIT;
	options->exit_status = exit_status;
}

static void complain(struct decap_options *options, const char *what, const char *complaint)
{
	fprintf(stderr, "mailrail-decap: %s%s; try --help\n", what, complaint);
	leave(options, 2);
}

/* Decimal digits only. */
static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
	const size_t digits = strspn(text, "0123456789");
	unsigned long number;

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return false;
	number = strtoul(text, NULL, 10);
	if (number > max)
		return false;
	*out = number;
	return true;
}

static bool parse_address(const char *text, struct decap_address *out)
{
	struct decap_address address = {.family = AF_INET};

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return false;
	}
	*out = address;
	return true;
}

static bool is_clear_beyond(const struct decap_address *address, unsigned long bits)
{
	for (unsigned long bit = bits; bit < sizeof(address->bytes) * 8; bit++)
		if (address->bytes[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

/* NULL, or what is wrong. */
static const char *parse_prefix(const char *text, struct decap_source *out)
{
	char address[INET6_ADDRSTRLEN];
	const size_t address_length = strcspn(text, "/");
	struct decap_source source;
	unsigned long max, bits;

	if (address_length >= sizeof(address))
		return ": not an address or prefix (CIDR)";
	memcpy(address, text, address_length);
	address[address_length] = '\0';
	if (!parse_address(address, &source.address))
		return ": not an address or prefix (CIDR)";
	max = source.address.family == AF_INET ? 32 : 128;
	bits = max;
	if (text[address_length] == '/' && !parse_number(&text[address_length + 1], max, &bits))
		return ": the prefix's length is wrong";
	if (!is_clear_beyond(&source.address, bits))
		return ": has bits set beyond its prefix";
	source.prefix_bits = DECAP_FAMILY_BITS + (uint32_t)bits;
	*out = source;
	return NULL;
}

static void add_prefix(struct decap_options *options, const char *text)
{
	struct decap_source source;
	const char *complaint = parse_prefix(text, &source);

	if (complaint == NULL && options->from_count == DECAP_SOURCES_MAX)
		complaint = ": too many --from";
	if (complaint != NULL)
		complain(options, text, complaint);
	else
		options->from[options->from_count++] = source;
}

static void add_from(struct decap_options *options, const char *text)
{
	if (strcmp(text, "any") != 0) {
		add_prefix(options, text);
		return;
	}
	add_prefix(options, "0.0.0.0/0");
	add_prefix(options, "::/0");
}

static void add_to(struct decap_options *options, const char *text)
{
	struct decap_address address;

	if (!parse_address(text, &address))
		complain(options, text, ": not an address");
	else if (options->to_count == DECAP_TO_MAX)
		complain(options, text, ": too many --to");
	else
		options->to[options->to_count++] = address;
}

static void set_gue_port(struct decap_options *options, const char *text)
{
	unsigned long port;

	if (!parse_number(text, UINT16_MAX, &port) || port == 0)
		complain(options, text, ": not a port (1..65535)");
	else
		options->gue_port = (uint16_t)port;
}

static void set(struct decap_options *options, int option)
{
	switch (option) {
	case 'f':
		add_from(options, optarg);
		break;
	case 't':
		add_to(options, optarg);
		break;
	case 'p':
		set_gue_port(options, optarg);
		break;
	case 'g':
		options->generic = true;
		break;
	case 's':
		options->action = DECAP_STATS;
		break;
	case 'j':
		options->json = true;
		break;
	case 'V':
		puts("mailrail-decap " MAILRAIL_VERSION);
		leave(options, 0);
		break;
	case 'h':
		fputs(help, stdout);
		leave(options, 0);
		break;
	default:
		leave(options, 2); /* getopt_long has said why */
		break;
	}
}

static void check_whole(struct decap_options *options, int words)
{
	const bool has_run_options = options->from_count > 0 || options->to_count > 0 ||
				     options->gue_port != 0 || options->generic;

	if (words != 1)
		complain(options, "", words == 0 ? "IFNAME is missing" : "takes one IFNAME");
	else if (options->action == DECAP_STATS && has_run_options)
		complain(options, "", "--stats takes no option but --json");
	else if (options->action == DECAP_RUN && options->json)
		complain(options, "", "--json is for --stats");
	else if (options->action == DECAP_RUN && options->from_count == 0)
		complain(options, "",
			 "--from PREFIX is missing: name the balancers' addresses (\"any\" would "
			 "let everybody send packets past all filters)");
}

void decap_options_parse(int argc, char **argv, struct decap_options *out)
{
	int option;

	memset(out, 0, sizeof(*out));
	while (out->action != DECAP_EXIT &&
	       (option = getopt_long(argc, argv, "f:t:p:gsjVh", long_options, NULL)) != -1)
		set(out, option);
	if (out->action == DECAP_EXIT)
		return;
	check_whole(out, argc - optind);
	out->interface = argv[optind];
	if (out->gue_port == 0)
		out->gue_port = DECAP_GUE_PORT;
}
