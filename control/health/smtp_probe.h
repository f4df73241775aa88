/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One health probe: a short, correct SMTP dialogue (RFC 5321, section 3) with one server.
 *
 *   connect -> complete 220 greeting -> EHLO -> complete 250 -> QUIT -> any reply or EOF
 *
 * One command is in flight at a time, and none is sent before the server's last line. Each step
 * has a deadline that its bytes do not put off. The verdict falls before QUIT, which is a
 * courtesy: what becomes of it does not matter. Event loop only.
 */
#ifndef MAILRAIL_CONTROL_SMTP_PROBE_H
#define MAILRAIL_CONTROL_SMTP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "dialogue.h"

#define SMTP_PROBE_REASON_MAX 256

struct smtp_probe_result {
	bool good;
	uint32_t latency_ms;		    /* from the start to the verdict */
	char reason[SMTP_PROBE_REASON_MAX]; /* one line of printable ASCII */
};

/* Neither is called from within smtp_probe_start(). */
typedef void smtp_probe_verdict_fn(void *context, const struct smtp_probe_result *result);
/* After the verdict: the socket is closed, the probe freed. */
typedef void smtp_probe_closed_fn(void *context);

struct smtp_probe_config {
	const char *helo_name; /* an FQDN or address literal; copied */
	uint32_t timeout_ms;   /* of each step */
	smtp_probe_verdict_fn *verdict;
	smtp_probe_closed_fn *closed;
	void *context;
	struct dialogue *dialogue; /* what is said is written down there; borrowed; NULL: nowhere */
};

struct smtp_probe;

/*
 * @socket: non-blocking, its connect(2) under way. It belongs to the probe on success only.
 * Returns 0 or -ENOMEM.
 */
int smtp_probe_start(struct event_base *base, const struct smtp_probe_config *config, int socket,
		     struct smtp_probe **out);

/* Closes the socket at once; no callback follows. Not from within a callback of the probe. */
void smtp_probe_destroy(struct smtp_probe *probe);

#endif
