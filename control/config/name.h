/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be called what. Pure functions. */
#ifndef MAILRAIL_CONTROL_NAME_H
#define MAILRAIL_CONTROL_NAME_H

#include <stdbool.h>

/* Same as MR_NAME_MAX without the NUL. */
#define NAME_PATTERN "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"

/* Objects of the configuration: NAME_PATTERN. */
bool name_is_valid(const char *name);

/*
 * A domain name as hosts have it (RFC 1123, section 2.1): labels of letters, digits and inner
 * hyphens, 1..63 bytes each, 253 in all, without the dot of the root; the last label is not
 * all digits, so that an IPv4 address is not one.
 */
#define FQDN_PATTERN                                         \
	"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*" \
	"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
bool fqdn_is_valid(const char *name);

/* A network interface: 1..15 bytes, no slash, colon or space, not "." or ".." (netdevice(7)). */
bool interface_name_is_valid(const char *name);

#endif
