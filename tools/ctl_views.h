/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of methods as people read them, on standard output. */
#ifndef MAILRAIL_TOOLS_CTL_VIEWS_H
#define MAILRAIL_TOOLS_CTL_VIEWS_H

#include <jansson.h>

typedef void ctl_view(const json_t *result);

ctl_view view_json; /* anything, indented */
ctl_view view_config;
ctl_view view_applied;
ctl_view view_services;
ctl_view view_pools;
ctl_view view_pool;
ctl_view view_fingerprint;
ctl_view view_backends;
ctl_view view_backend_set;
ctl_view view_commands;
ctl_view view_stats;
ctl_view view_node;
ctl_view view_plan;
ctl_view view_explanation;

#endif
