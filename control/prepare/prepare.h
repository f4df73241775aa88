/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands that make a mail server ready for its pool, in the words of its operating
 * system: service addresses, silence about them, the end of the tunnel, segment size, routes,
 * and on Windows Exchange's Receive connector. Pure function. Names and addresses are written
 * as they are: the configuration lets no character in that a shell would take for its own.
 */
#ifndef MAILRAIL_CONTROL_PREPARE_H
#define MAILRAIL_CONTROL_PREPARE_H

#include <mailrail/error.h>

#include "config.h"
#include "prepare_script.h"

enum prepare_os {
	PREPARE_LINUX,
	PREPARE_FREEBSD,
	PREPARE_WINDOWS,
};

struct prepare_request {
	enum prepare_os os;
	bool anonymous; /* Windows: the Receive connector takes mail without a login */
	const struct config *config;
	uint32_t pool, backend; /* indices */
	/*
	 * Tunnels: where they come from; nat: the balancer's address towards the server. Not
	 * known: the script asks for it.
	 */
	bool from_known;
	struct mr_prefix from;
	uint16_t gue_port; /* UDP, host byte order */
	/* Largest IP packet that gets there inside the tunnel; 0: not known, Ethernet assumed. */
	uint16_t packet_max_bytes;
};

/*
 * Adds the commands to @script, whose memory is the caller's to free, even on failure.
 * -EOPNOTSUPP: that system cannot do it, and @error says what to do instead. -ENOMEM.
 */
int prepare_write(const struct prepare_request *request, struct prepare_script *script,
		  struct mr_error *error);

#endif
