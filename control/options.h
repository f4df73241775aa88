/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of mailraild. */
#ifndef MAILRAIL_CONTROL_OPTIONS_H
#define MAILRAIL_CONTROL_OPTIONS_H

#include <stdbool.h>

enum options_action {
	OPTIONS_RUN,
	OPTIONS_CHECK,	 /* validate the file and exit */
	OPTIONS_SCHEMA,	 /* print the JSON Schema and exit */
	OPTIONS_OPENRPC, /* print the OpenRPC document and exit */
	OPTIONS_EXIT,	 /* all is said already; leave with @exit_status */
};

struct options {
	enum options_action action;
	const char *config_path; /* into argv */
	bool verbose;
	int exit_status;
};

/* Prints help, version and complaints itself. */
struct options options_parse(int argc, char **argv);

#endif
