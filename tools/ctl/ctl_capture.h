/* SPDX-License-Identifier: BSD-3-Clause */
/* capture read: a file that lies on the node, piece by piece. */
#ifndef MAILRAIL_TOOLS_CTL_CAPTURE_H
#define MAILRAIL_TOOLS_CTL_CAPTURE_H

#include "ctl_commands.h"

ctl_run ctl_capture_read;

#endif
