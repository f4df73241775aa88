/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
	"Usage: mailraild --config FILE [--verbose]\n"
	"       mailraild --check FILE\n"
	"       mailraild --schema | --openrpc\n"
	"\n"
	"A layer-4 load balancer for SMTP: takes the sessions that arrive at a service\n"
	"address and spreads them over mail servers, which answer the clients directly.\n"
	"\n"
	"  -c, --config FILE   run with this configuration\n"
	"      --check FILE    validate a configuration, say what is wrong with it, and exit\n"
	"      --schema        print the JSON Schema of configurations and exit\n"
	"      --openrpc       print the OpenRPC document of the JSON-RPC methods and exit\n"
	"  -v, --verbose       log what only the curious want, DPDK's messages too\n"
	"  -V, --version       print the version and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 when something is in the way (one line\n"
	"on standard error says what), 2 for a wrong command line. See mailraild(8).\n";

enum { OPTION_CHECK = 256, OPTION_SCHEMA, OPTION_OPENRPC };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", required_argument, NULL, OPTION_CHECK},
	{"schema", no_argument, NULL, OPTION_SCHEMA},
	{"openrpc", no_argument, NULL, OPTION_OPENRPC},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static struct options leave(int exit_status)
{
	return (struct options){.action = OPTIONS_EXIT, .exit_status = exit_status};
}

static struct options complain(const char *complaint)
{
	fprintf(stderr, "mailraild: %s; try --help\n", complaint);
	return leave(2);
}

struct options options_parse(int argc, char **argv)
{
	struct options options = {.action = OPTIONS_RUN};
	int option;

	while ((option = getopt_long(argc, argv, "c:vVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.config_path = optarg;
			break;
		case OPTION_CHECK:
			options.action = OPTIONS_CHECK;
			options.config_path = optarg;
			break;
		case OPTION_SCHEMA:
			options.action = OPTIONS_SCHEMA;
			break;
		case OPTION_OPENRPC:
			options.action = OPTIONS_OPENRPC;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'V':
			puts("mailraild " MAILRAIL_VERSION);
			return leave(0);
		case 'h':
			fputs(help, stdout);
			return leave(0);
		default:
			return leave(2); /* getopt_long has said why */
		}
	}
	if (optind < argc)
		return complain("takes options only");
	if (options.config_path == NULL && options.action != OPTIONS_SCHEMA &&
	    options.action != OPTIONS_OPENRPC)
		return complain("--config FILE is missing");
	return options;
}
