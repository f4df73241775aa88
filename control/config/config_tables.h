/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration's tables of fields, for those that show or describe parts of it. */
#ifndef MAILRAIL_CONTROL_CONFIG_TABLES_H
#define MAILRAIL_CONTROL_CONFIG_TABLES_H

#include "config.h"
#include "field.h"

extern const struct shape config_shape;
extern const struct shape config_service_shape;
extern const struct shape config_pool_shape;
extern const struct shape config_backend_shape;
extern const struct shape config_health_shape;

/* The words for enum config_backend_state, ended by NULL. */
extern const char *const config_backend_states[];
/* ... for enum config_health_type, enum mr_forwarding, enum mr_exclude_action, enum mr_poll. */
extern const char *const config_health_types[];
extern const char *const config_forwardings[];
extern const char *const config_exclude_actions[];
extern const char *const config_polls[];

#endif
