/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tells one configuration from another. Objects of a list that have names (pools, their
 * backends, services, ports) are matched by these: their order has no meaning, and another order
 * is no difference. Lists of plain values are compared as a whole, with their order: the first
 * address of a service is the one that probes use. Control thread.
 */
#ifndef MAILRAIL_CONTROL_CONFIG_DIFF_H
#define MAILRAIL_CONTROL_CONFIG_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "config.h"

/* One difference: a value, or a whole object that is only on one side. */
struct config_change {
	/* JSON Pointer (RFC 6901) into the later configuration; into the earlier one if it has
	 * been removed. */
	char *pointer;
	/* The same with names in place of indices: "/pools/hub/backends/mx1/weight". */
	char *path;
	json_t *from, *to; /* NULL: absent there. Secrets are FIELD_UNCHANGED on both sides. */
};

struct config_diff {
	struct config_change *list;
	uint32_t count;
};

/* For tables of fields that show or read differences. */
extern const struct shape config_change_shape;

/* config_diff_fini() frees @out. -ENOMEM. */
int config_diff(const struct config *from, const struct config *to, struct config_diff *out);
void config_diff_fini(struct config_diff *diff);

/* Whether there is no difference. Fast: nothing is encoded. */
bool config_equal(const struct config *a, const struct config *b);
/* The same for one part of them: "node", "pools"... */
bool config_part_equal(const struct config *a, const struct config *b, const char *part);

/* Brings the ports of @config in the order that they have in @like, which has the same ones. */
void config_order_ports(struct config *config, const struct config *like);

/*
 * Takes @diff back in the encoded configuration that it has led to. Objects that return come
 * last in their list. -EINVAL: @config is not what @diff has led to; -ENOMEM.
 */
int config_diff_undo(json_t *config, const struct config_diff *diff);

/* `/pools/hub/table_size: 251, was 65537`; long values are cut. @out: CONFIG_CHANGE_LINE_MAX. */
#define CONFIG_CHANGE_LINE_MAX 1024
void config_change_format(const struct config_change *change, char *out);

#endif
