/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of mailrail-decap. */
#ifndef MAILRAIL_DECAP_OPTIONS_H
#define MAILRAIL_DECAP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../dataplane/bpf/decap_keys.h"

/* Half of what the map takes, because a change adds before it deletes. */
#define DECAP_TO_MAX (DECAP_DESTINATIONS_MAX / 2)

enum decap_action {
	DECAP_RUN,
	DECAP_STATS,
	DECAP_EXIT, /* with exit_status: all is said */
};

struct decap_options {
	enum decap_action action;
	int exit_status;
	const char *interface;
	struct decap_source from[DECAP_SOURCES_MAX];
	uint32_t from_count;
	struct decap_address to[DECAP_TO_MAX];
	uint32_t to_count; /* 0: the interface's own addresses */
	uint16_t gue_port; /* host byte order */
	bool generic;
	bool json;
};

/* Complains on standard error, or prints what was asked for, when action is DECAP_EXIT. */
void decap_options_parse(int argc, char **argv, struct decap_options *out);

#endif
