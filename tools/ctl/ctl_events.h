/* SPDX-License-Identifier: BSD-3-Clause */
/* events follow: what happens, a line each, until it is interrupted. */
#ifndef MAILRAIL_TOOLS_CTL_EVENTS_H
#define MAILRAIL_TOOLS_CTL_EVENTS_H

#include <stddef.h>

#include <jansson.h>

#include "ctl_commands.h"

ctl_run ctl_events_follow;

/* "backend.down hub/hub1: connect: refused", without the time. @out has EVENT_TEXT_MAX bytes. */
#define EVENT_TEXT_MAX 256
void ctl_event_format(const json_t *event, char *out);

#endif
