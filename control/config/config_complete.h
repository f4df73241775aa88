/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration may leave to the node that it is given to. Control thread. */
#ifndef MAILRAIL_CONTROL_CONFIG_COMPLETE_H
#define MAILRAIL_CONTROL_CONFIG_COMPLETE_H

#include <stdbool.h>

#include <jansson.h>

#include "config.h"

/*
 * Puts in the secrets in force where @json, which need not be a valid configuration, has
 * FIELD_UNCHANGED for them: the sender was shown no more. False: no memory.
 */
bool config_complete_secrets(json_t *json, const struct config *running);

/*
 * Puts in the cores that were chosen when the node came up, if @json names none. Asking again
 * would get another answer: the workers have cores of their own by now. False: no memory.
 */
bool config_complete_cores(json_t *json, const struct config *running);

#endif
