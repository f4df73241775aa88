/* SPDX-License-Identifier: BSD-3-Clause */
#include "path_case.h"

#include <rte_common.h>

#define MILLION 1000000

/*
 * What a row leaves out is as usual: l2dsr, IPv4, steady slots, a million sessions, one service,
 * one pool of ten backends, no access list.
 */
static const struct path_case cases[] = {
	{.name = "sessions-1k", .axis = "sessions", .sessions = 1000, .has_textbook = true},
	{.name = "sessions-10k", .axis = "sessions", .sessions = 10000, .has_textbook = true},
	{.name = "sessions-100k",
	 .axis = "sessions",
	 .sessions = MILLION / 10,
	 .has_textbook = true},
	{.name = "sessions-1m", .axis = "sessions", .has_textbook = true},
	{.name = "sessions-10m",
	 .axis = "sessions",
	 .sessions = 10 * MILLION,
	 .has_textbook = true},
	{.name = "syn-flood", .axis = "sessions", .is_flood = true, .has_textbook = true},

	{.name = "l2dsr-6", .axis = "mode", .family = PATH_V6},
	{.name = "l2dsr-mixed", .axis = "mode", .family = PATH_MIXED},
	{.name = "ipip-4in4", .axis = "mode", .mode = MR_FORWARDING_IPIP},
	{.name = "ipip-6in6", .axis = "mode", .mode = MR_FORWARDING_IPIP, .family = PATH_V6},
	{.name = "ipip-mixed", .axis = "mode", .mode = MR_FORWARDING_IPIP, .family = PATH_MIXED},
	{.name = "gue-4in4", .axis = "mode", .mode = MR_FORWARDING_GUE},
	{.name = "gue-6in6", .axis = "mode", .mode = MR_FORWARDING_GUE, .family = PATH_V6},
	{.name = "gue-mixed", .axis = "mode", .mode = MR_FORWARDING_GUE, .family = PATH_MIXED},
	{.name = "nat-4", .axis = "mode", .mode = MR_FORWARDING_NAT},
	{.name = "nat-6", .axis = "mode", .mode = MR_FORWARDING_NAT, .family = PATH_V6},
	{.name = "nat-mixed", .axis = "mode", .mode = MR_FORWARDING_NAT, .family = PATH_MIXED},

	{.name = "moving-pinned", .axis = "moving", .slots = PATH_PINNED},
	{.name = "moving-refreshed", .axis = "moving", .slots = PATH_REFRESHED},
	{.name = "moving-adopted", .axis = "moving", .slots = PATH_ADOPTED},

	{.name = "services-10", .axis = "services", .services = 10},
	{.name = "services-100", .axis = "services", .services = 100},
	{.name = "services-1k", .axis = "services", .services = 1000},
	{.name = "services-10k", .axis = "services", .services = 10000},
	{.name = "pools-100", .axis = "services", .services = 100, .pools = 100},

	{.name = "backends-100", .axis = "backends", .backends = 100},
	{.name = "backends-1k", .axis = "backends", .backends = 1000},

	{.name = "excluded-10", .axis = "excluded", .excluded = 10},
	{.name = "excluded-1m", .axis = "excluded", .excluded = MILLION},
	{.name = "excluded-1m-6", .axis = "excluded", .excluded = MILLION, .family = PATH_V6},
};

uint32_t path_case_count(void)
{
	return RTE_DIM(cases);
}

struct path_case path_case_at(uint32_t index)
{
	struct path_case settings = cases[index];

	if (settings.sessions == 0)
		settings.sessions = settings.is_flood ? UINT32_MAX : MILLION;
	if (settings.services == 0)
		settings.services = 1;
	if (settings.pools == 0)
		settings.pools = 1;
	if (settings.backends == 0)
		settings.backends = 10;
	return settings;
}
