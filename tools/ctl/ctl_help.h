/* SPDX-License-Identifier: BSD-3-Clause */
/* What --help prints, from the table of commands. */
#ifndef MAILRAIL_TOOLS_CTL_HELP_H
#define MAILRAIL_TOOLS_CTL_HELP_H

#include <stdio.h>

#include "ctl_commands.h"

/* One screen: every noun with its verbs. */
void ctl_help_all(FILE *stream);
void ctl_help_noun(FILE *stream, const char *noun);
void ctl_help_command(FILE *stream, const struct ctl_command *command);

#endif
