/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow counters of services and backends as members of results. */
#ifndef MAILRAIL_CONTROL_RPC_COUNTERS_H
#define MAILRAIL_CONTROL_RPC_COUNTERS_H

#include <mailrail/counters.h>

#include "field.h"

/* Rows for a struct @type with a struct mr_flow_counters counters. */
#define RPC_FLOW_FIELDS(type)                                                           \
	{"packets", FIELD_UINT, FIELD_AT(type, counters.packets), .required = true,     \
	 .text = "Packets received for it"},                                            \
		{"bytes", FIELD_UINT, FIELD_AT(type, counters.bytes), .required = true, \
		 .text = "Bytes of their frames, without the frame check sequence"},    \
	{                                                                               \
		"sessions", FIELD_UINT, FIELD_AT(type, counters.sessions),              \
			.required = true, .text = "SYNs; a repeated one counts again"   \
	}

#endif
