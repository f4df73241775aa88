/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that need no balancer. */
#ifndef MAILRAIL_TOOLS_CTL_LOCAL_H
#define MAILRAIL_TOOLS_CTL_LOCAL_H

#include "ctl_commands.h"

ctl_run ctl_config_check;
ctl_run ctl_token_new;

#endif
