/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that can be counted or measured, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Control thread.
 */
#ifndef MAILRAIL_CONTROL_METRICS_H
#define MAILRAIL_CONTROL_METRICS_H

#include <event2/buffer.h>

#include "metric_samples.h"
#include "rpc.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends to @out. -ENOMEM: what @out holds is not whole. Does no more than read and write memory.
 */
int metrics_write(const struct rpc_context *context, struct evbuffer *out);

/* The same for what was taken before. */
int metrics_write_samples(const struct metric_samples *samples, struct evbuffer *out);

#endif
