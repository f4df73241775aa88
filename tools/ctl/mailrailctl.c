/* SPDX-License-Identifier: BSD-3-Clause */
/* mailrailctl NOUN VERB [ARGS]: mailraild's methods with comfort, see mailrailctl(1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_args.h"
#include "ctl_call.h"
#include "ctl_commands.h"
#include "ctl_exit.h"
#include "ctl_help.h"

static int help(char **words)
{
	const struct ctl_command *command;

	if (!words[0]) {
		ctl_help_all(stdout);
		return CTL_DONE;
	}
	command = ctl_command_find(words[0], words[1]);
	if (command)
		ctl_help_command(stdout, command);
	else if (ctl_noun_exists(words[0]) && !words[1])
		ctl_help_noun(stdout, words[0]);
	else
		return ctl_usage_error(words[1] ? words[1] : words[0], "no such command");
	return CTL_DONE;
}

/* CTL_DONE, or what is wrong with the words behind noun and verb. */
static int check_line(const struct ctl_line *line)
{
	const struct ctl_command *command = line->command;
	const int positions = ctl_command_position_count(command);
	const bool endless =
		ctl_command_has_settings(command) ||
		(positions > 0 && command->positions[positions - 1].kind == CTL_POSITION_LIST);

	if (line->arg_count < command->required)
		return ctl_usage_error(command->args, "missing");
	if (!endless && line->arg_count > positions)
		return ctl_usage_error(line->args[positions], "too many arguments");
	for (int i = CTL_OPTION_GENERATION; i < CTL_OPTION_COUNT; i++) {
		char name[40];

		if (!line->options->value[i] || (command->options & CTL_OPTION_BIT(i)))
			continue;
		snprintf(name, sizeof(name), "--%s", ctl_options[i].name);
		return ctl_usage_error(name, "not with this command");
	}
	return CTL_DONE;
}

static int run(const struct ctl_options *options, char **words, int word_count)
{
	struct ctl_line line = {.options = options};
	int own, status;

	if (word_count == 0)
		return ctl_usage_error("NOUN", "missing");
	line.command = ctl_command_find(words[0], words[1]);
	if (!line.command && ctl_noun_exists(words[0]))
		return ctl_usage_error(words[1] ? words[1] : words[0],
				       words[1] ? "no such verb" : "VERB is missing");
	if (!line.command)
		return ctl_usage_error(words[0], "no such noun");
	own = line.command->verb ? 2 : 1;
	line.args = words + own;
	line.arg_count = word_count - own;
	status = check_line(&line);
	if (status != CTL_DONE)
		return status;
	return line.command->run ? line.command->run(&line) : ctl_call_run(&line);
}

int main(int argc, char **argv)
{
	struct ctl_options options;
	const int first = ctl_options_parse(argc, argv, &options);

	if (first < 0)
		return CTL_USAGE;
	if (ctl_option_given(&options, CTL_OPTION_VERSION)) {
		puts("mailrailctl " MAILRAIL_VERSION);
		return CTL_DONE;
	}
	if (ctl_option_given(&options, CTL_OPTION_HELP))
		return help(argv + first);
	return run(&options, argv + first, argc - first);
}
