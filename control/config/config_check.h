/* SPDX-License-Identifier: BSD-3-Clause */
/* What ties the parts of a configuration together, beyond what each field may hold. */
#ifndef MAILRAIL_CONTROL_CONFIG_CHECK_H
#define MAILRAIL_CONTROL_CONFIG_CHECK_H

#include <stdbool.h>

#include "config.h"

/*
 * @config may be one whose fields were partly refused: what is missing is passed over, so that
 * the other errors are found in the same go. False: @errors has grown.
 */
bool config_check(const struct config *config, struct field_errors *errors);

#endif
