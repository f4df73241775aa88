/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion in shells: scripts made of the table of commands, and the names that live. */
#ifndef MAILRAIL_TOOLS_CTL_COMPLETE_H
#define MAILRAIL_TOOLS_CTL_COMPLETE_H

#include "ctl_commands.h"

ctl_run ctl_completion_bash;
ctl_run ctl_completion_zsh;
/* Silent, and soon back, when no balancer answers. */
ctl_run ctl_complete;

#endif
