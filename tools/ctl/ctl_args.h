/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of a command line as parameters of a method. */
#ifndef MAILRAIL_TOOLS_CTL_ARGS_H
#define MAILRAIL_TOOLS_CTL_ARGS_H

#include <jansson.h>

#include "ctl_commands.h"

/*
 * CTL_DONE: *@out_params, an object or what the caller wrote as JSON, is the caller's. Else the
 * status to exit with, after a message on standard error.
 */
int ctl_args_params(const struct ctl_line *line, json_t **out_params);

/* Says what is wrong with @what; returns CTL_USAGE. */
int ctl_usage_error(const char *what, const char *why);

/*
 * The schema of an object that @part of the configuration ("services", "pools/backends") lists,
 * borrowed from @schema; NULL: there is none.
 */
const json_t *ctl_args_part_schema(const json_t *schema, const char *part);

#endif
