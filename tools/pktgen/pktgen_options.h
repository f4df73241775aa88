/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of mailrail-pktgen, behind EAL's part. */
#ifndef MAILRAIL_PKTGEN_OPTIONS_H
#define MAILRAIL_PKTGEN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <rte_ether.h>

#include "receiver.h"
#include "roster.h"
#include "sender.h"

enum pktgen_action {
	PKTGEN_RUN,
	PKTGEN_SEARCH,
	PKTGEN_PCAP,
	PKTGEN_SCHEMA,
	PKTGEN_LIST, /* of the profiles that come along */
	PKTGEN_SHOW, /* the profile */
	PKTGEN_EXIT, /* all is said already; leave with @exit_status */
};

struct pktgen_options {
	enum pktgen_action action;
	int exit_status;
	const char *profile; /* strings point into argv */
	json_t *overrides;   /* owned: members that stand instead of the profile's */
	enum pace pace;
	double rate; /* sessions or packets per second */
	uint32_t open_max;
	double seconds;
	double drain_seconds;
	const char *tx; /* NULL: none */
	const char *rx[RECEIVER_NICS_MAX];
	uint32_t rx_count;
	struct rte_ether_addr to, from;
	bool has_from;
	enum roster_by backends_by;
	uint16_t gue_port;
	uint64_t seed;
	const char *json;
	const char *pcap;
	uint64_t packets;
	const char *sizes; /* of the search */
	double resolution;
	double loss; /* the part of all packets that a trial may lose and still pass */
};

void pktgen_options_parse(int argc, char **argv, struct pktgen_options *out);
void pktgen_options_fini(struct pktgen_options *options);

#endif
