/* SPDX-License-Identifier: BSD-3-Clause */
/* The device strings of ports: "af_xdp:eth0", "af_packet:eth0", "pci:0000:03:00.0", "net_ring0". */
#ifndef MAILRAIL_CONTROL_DEVICE_H
#define MAILRAIL_CONTROL_DEVICE_H

#include <stdbool.h>

#include <mailrail/dataplane.h>

/*
 * NULL: @device is well formed; @out_kind and @out_arguments (into @device) are set. Else a
 * static sentence that says what is wrong, and both are untouched.
 */
const char *device_parse(const char *device, enum mr_device_kind *out_kind,
			 const char **out_arguments);

/* A kernel interface, which has its own MTU and keeps what is not for a service. */
bool device_is_interface(enum mr_device_kind kind);

/* Whether two devices' arguments, of device_parse(), are about the same piece of hardware. */
bool device_is_same(enum mr_device_kind a_kind, const char *a_arguments, enum mr_device_kind b_kind,
		    const char *b_arguments);

#endif
