/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of mailrailctl: one table that parses, explains and completes them. */
#ifndef MAILRAIL_TOOLS_CTL_OPTIONS_H
#define MAILRAIL_TOOLS_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "rpc_client.h"

#define CTL_DEFAULT_SOCKET "/run/mailrail/control.sock"

/*
 * X(enumerator, name, letter, argument or NULL, sentence without its stop). The first ones go
 * with every command, those from CTL_OPTION_GENERATION on with commands that say so.
 */
#define CTL_OPTIONS(X)                                                                          \
	X(CTL_OPTION_SOCKET, "socket", 's', "PATH", "socket of the balancer")                   \
	X(CTL_OPTION_URL, "url", 'U', "URL", "of a balancer elsewhere: https://HOST:PORT")      \
	X(CTL_OPTION_TOKEN, "token-file", 'T', "FILE", "the token to show there")               \
	X(CTL_OPTION_CERTIFICATE, "cert", 'E', "FILE", "the certificate to show there, PEM")    \
	X(CTL_OPTION_KEY, "key", 'K', "FILE", "its key, unless it is in that file")             \
	X(CTL_OPTION_CA, "ca", 'R', "FILE", "who vouches for the balancer's certificate")       \
	X(CTL_OPTION_JSON, "json", 'j', NULL, "print JSON, for programs")                       \
	X(CTL_OPTION_COLOR, "color", 'C', "WHEN", "auto (on terminals), always or never")       \
	X(CTL_OPTION_VERSION, "version", 'V', NULL, "print the version and exit")               \
	X(CTL_OPTION_HELP, "help", 'h', NULL, "explain the command and exit")                   \
	X(CTL_OPTION_GENERATION, "generation", 'g', "N", "only while generation N is in force") \
	X(CTL_OPTION_CONFIRM, "confirm-within", 'c', "TIME",                                    \
	  "roll back after TIME, such as 60s, without config confirm")                          \
	X(CTL_OPTION_FILE, "file", 'f', "FILE",                                                 \
	  "JSON object with the settings (-: standard input)")                                  \
	X(CTL_OPTION_WAIT, "wait", 'w', NULL, "return when no session is left")                 \
	X(CTL_OPTION_OS, "os", 'o', "OS", "linux, freebsd or windows")                          \
	X(CTL_OPTION_ANONYMOUS, "anonymous", 'a', NULL,                                         \
	  "Exchange there takes mail without a login")                                          \
	X(CTL_OPTION_ASSUME_UP, "assume-up", 'u', NULL, "as if all backends were up")           \
	X(CTL_OPTION_SINCE, "since", 'S', "N", "first what happened after number N")            \
	X(CTL_OPTION_HOLD, "hold-sessions", 'H', NULL, "keep sessions for the next start")      \
	X(CTL_OPTION_ROOT, "root", 'r', "DIR", "look at the machine whose files are below DIR") \
	X(CTL_OPTION_ALL, "all", 'A', NULL, "every TCP service, not only those that are SMTP")  \
	X(CTL_OPTION_PORT, "port", 'p', "N", "services on this port too")                       \
	X(CTL_OPTION_ADDRESS, "address", 'd', "ADDRESS",                                        \
	  "the address of services that listen on every one")                                   \
	X(CTL_OPTION_INTERFACE, "interface", 'i', "IFNAME", "the interface that mailrail polls")

enum ctl_option {
#define CTL_OPTION_ENUM(id, name, letter, argument, text) id,
	CTL_OPTIONS(CTL_OPTION_ENUM)
#undef CTL_OPTION_ENUM
		CTL_OPTION_COUNT
};
#define CTL_OPTION_BIT(option) (1u << (option))
#define CTL_OPTIONS_COMMON     (CTL_OPTION_BIT(CTL_OPTION_GENERATION) - 1)

struct ctl_option_row {
	const char *name;
	char letter;
	const char *argument; /* as help shows it; NULL: takes none */
	const char *text;
};
extern const struct ctl_option_row ctl_options[CTL_OPTION_COUNT];

struct ctl_options {
	/* What was given with each, "" for those without argument; NULL: not given. */
	const char *value[CTL_OPTION_COUNT];
};

/*
 * Parses, from anywhere between the words of @argv, which it sorts to the end: they start at the
 * index returned. -EINVAL: the command line is wrong, and standard error says where.
 */
int ctl_options_parse(int argc, char **argv, struct ctl_options *out);

static inline bool ctl_option_given(const struct ctl_options *options, enum ctl_option option)
{
	return options->value[option];
}

/* The balancer to speak to; borrows from @options. */
struct rpc_target ctl_options_target(const struct ctl_options *options);

/* Whether output on standard output is coloured: --color, NO_COLOR, TERM and what it is. */
bool ctl_options_colour(const struct ctl_options *options);

#endif
