/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct ctl_option_row ctl_options[CTL_OPTION_COUNT] = {
#define CTL_OPTION_ROW(id, name, letter, argument, text) [id] = {name, letter, argument, text},
	CTL_OPTIONS(CTL_OPTION_ROW)
#undef CTL_OPTION_ROW
};

struct getopt_tables {
	struct option long_options[CTL_OPTION_COUNT + 1];
	char letters[2 * CTL_OPTION_COUNT + 1];
};

static void fill_tables(struct getopt_tables *tables)
{
	char *letter = tables->letters;

	for (int i = 0; i < CTL_OPTION_COUNT; i++) {
		const struct ctl_option_row *row = &ctl_options[i];

		tables->long_options[i] =
			(struct option){row->name, row->argument ? required_argument : no_argument,
					NULL, row->letter};
		*letter++ = row->letter;
		if (row->argument)
			*letter++ = ':';
	}
}

static enum ctl_option option_of(int letter)
{
	int i = 0;

	while (ctl_options[i].letter != letter)
		i++;
	return (enum ctl_option)i;
}

static bool is_colour_word(const char *word)
{
	return !word || strcmp(word, "auto") == 0 || strcmp(word, "always") == 0 ||
	       strcmp(word, "never") == 0;
}

int ctl_options_parse(int argc, char **argv, struct ctl_options *out)
{
	struct getopt_tables tables = {.letters = ""};
	int letter;

	fill_tables(&tables);
	memset(out, 0, sizeof(*out));
	while ((letter = getopt_long(argc, argv, tables.letters, tables.long_options, NULL)) !=
	       -1) {
		if (letter == '?')
			return -EINVAL;
		out->value[option_of(letter)] = optarg ? optarg : "";
	}
	if (is_colour_word(out->value[CTL_OPTION_COLOR]))
		return optind;
	fprintf(stderr, "mailrailctl: --color: expected auto, always or never\n");
	return -EINVAL;
}

struct rpc_target ctl_options_target(const struct ctl_options *options)
{
	const char *socket = options->value[CTL_OPTION_SOCKET];

	return (struct rpc_target){
		.socket = socket ? socket : CTL_DEFAULT_SOCKET,
		.url = options->value[CTL_OPTION_URL],
		.token_file = options->value[CTL_OPTION_TOKEN],
		.ca = options->value[CTL_OPTION_CA],
		.certificate = options->value[CTL_OPTION_CERTIFICATE],
		.key = options->value[CTL_OPTION_KEY],
	};
}

bool ctl_options_colour(const struct ctl_options *options)
{
	const char *when = options->value[CTL_OPTION_COLOR];
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}
