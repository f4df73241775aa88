/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of a plan (plan.h) that names what would break sessions. Control thread. */
#ifndef MAILRAIL_CONTROL_PLAN_BREAKS_H
#define MAILRAIL_CONTROL_PLAN_BREAKS_H

#include "plan.h"

/* Sets breaks and sessions_broken of @plan. @after: a rehearsal's. -ENOMEM. */
int plan_find_breaks(const struct fleet *running, const struct fleet *after, struct plan *plan);

/* About as many sessions are open on @backend, pinned ones and others; see plan.h. */
uint64_t plan_backend_sessions(const struct fleet *fleet, const struct backend *backend);
/* Of these, SYNs of the last session_idle. */
uint64_t plan_recent_sessions(const struct fleet *fleet, const struct backend *backend);

#endif
