/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions that mailrail may lose because the budget of pins is used up, or was of late. Control
 * thread.
 */
#ifndef MAILRAIL_CONTROL_RISK_H
#define MAILRAIL_CONTROL_RISK_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "config.h"

struct risk;

/* Borrows the rest. NULL: no memory. */
struct risk *risk_create(struct event_base *base, const struct mr_dataplane *dp);
void risk_destroy(struct risk *risk);

/* @config is in force: "of late" is its longest session_idle. -errno: it stays as it was. */
int risk_follow(struct risk *risk, const struct config *config);

/* New sessions of late that found no room, or lost theirs to an older one. */
uint64_t risk_sessions(const struct risk *risk);
/* False: of late some session was not remembered, so that pins are not all there is. */
bool risk_knows_all(const struct risk *risk);

#endif
