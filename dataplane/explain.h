/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers <mailrail/explain.h> from what workers read. */
#ifndef MAILRAIL_DATAPLANE_EXPLAIN_H
#define MAILRAIL_DATAPLANE_EXPLAIN_H

#include <mailrail/explain.h>

/* Control thread. Only reads. */
void explain_session(const struct mr_snapshot *snapshot, const struct mr_pin_table *pins,
		     uint32_t now_s, const struct mr_tuple *tuple, struct mr_explanation *out);

#endif
