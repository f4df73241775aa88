/* SPDX-License-Identifier: BSD-3-Clause */
/* What an interface has for an XDP program, and the counters of ours, whoever runs it. */
#ifndef MAILRAIL_DECAP_ATTACHED_H
#define MAILRAIL_DECAP_ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "../dataplane/bpf/decap_keys.h"

/* The function of decap.bpf.c, by which our program is known. */
#define DECAP_PROGRAM_NAME "mailrail_decap"

/* The longest list of maps that is looked at: ours has four. */
#define DECAP_MAPS_MAX 16

/* A program on an interface; id 0: none. */
struct decap_attached {
	uint32_t id;
	const char *mode; /* static string */
	char name[BPF_OBJ_NAME_LEN];
	bool is_ours;
	uint32_t maps[DECAP_MAPS_MAX]; /* ids */
	uint32_t map_count;
};

/* 0 or a negative errno. */
int decap_attached_read(int ifindex, struct decap_attached *out);

/*
 * The counters of a program of ours, summed over CPUs. 0 or a negative errno; -ENOENT when it
 * has none of this form: it is of another version.
 */
int decap_attached_counts(const struct decap_attached *attached,
			  struct decap_count out[DECAP_VERDICT_COUNT]);

#endif
