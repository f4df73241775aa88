/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of methods as people read them. Each noun has a file, ctl_view_NOUN.c. */
#ifndef MAILRAIL_TOOLS_CTL_VIEWS_H
#define MAILRAIL_TOOLS_CTL_VIEWS_H

#include <jansson.h>

#include "ctl_output.h"

typedef void ctl_view(const json_t *result, const struct ctl_output *out);

ctl_view view_json;    /* anything, indented */
ctl_view view_members; /* anything, a line for each member */
ctl_view view_changed; /* what every change answers */

ctl_view view_config;
ctl_view view_plan;
ctl_view view_diff;
ctl_view view_history;
ctl_view view_services;
ctl_view view_pools;
ctl_view view_pool;
ctl_view view_fingerprint;
ctl_view view_backends;
ctl_view view_backend_set;
ctl_view view_commands;
ctl_view view_explanation;
ctl_view view_sessions;
ctl_view view_ports;
ctl_view view_workers;
ctl_view view_health_list;
ctl_view view_health;
ctl_view view_stats;
ctl_view view_captures;
ctl_view view_log;
ctl_view view_node;

#endif
