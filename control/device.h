/* SPDX-License-Identifier: BSD-3-Clause */
/* The device strings of ports: "af_xdp:eth0", "af_packet:eth0", "net_ring0". */
#ifndef MAILRAIL_CONTROL_DEVICE_H
#define MAILRAIL_CONTROL_DEVICE_H

#include <mailrail/dataplane.h>

/*
 * NULL: @device is well formed; @out_kind and @out_arguments (into @device) are set. Else a
 * static sentence that says what is wrong, and both are untouched.
 */
const char *device_parse(const char *device, enum mr_device_kind *out_kind,
			 const char **out_arguments);

#endif
