/* SPDX-License-Identifier: BSD-3-Clause */
/* top: a live screen of what the balancer does, until q. */
#ifndef MAILRAIL_TOOLS_TOP_H
#define MAILRAIL_TOOLS_TOP_H

#include "ctl_commands.h"

ctl_run ctl_top;

#endif
