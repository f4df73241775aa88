/* SPDX-License-Identifier: BSD-3-Clause */
/* mailrailctl import FORMAT FILE. */
#ifndef MAILRAIL_TOOLS_CTL_IMPORT_H
#define MAILRAIL_TOOLS_CTL_IMPORT_H

#include "ctl_commands.h"

/* The verb is the format. */
ctl_run ctl_import;

#endif
