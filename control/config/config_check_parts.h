/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checks that config_check() is made of, beyond its own. Each adds what it finds to @errors
 * and passes over what was refused as a field already.
 */
#ifndef MAILRAIL_CONTROL_CONFIG_CHECK_PARTS_H
#define MAILRAIL_CONTROL_CONFIG_CHECK_PARTS_H

#include <stdbool.h>

#include "config.h"

/* Who may manage the node, and from where. */
void config_check_control(const struct config *config, struct field_errors *errors);

/* Each port by itself, and ports that share a device. */
void config_check_ports(const struct config *config, struct field_errors *errors);

/* Outer headers of tunnels. False: no memory. */
bool config_check_tunnels(const struct config *config, struct field_errors *errors);

/*
 * nat keeps no state, so that a backend's address and port must say under which service's
 * address its answers go on. False: no memory.
 */
bool config_check_nat(const struct config *config, struct field_errors *errors);

#endif
