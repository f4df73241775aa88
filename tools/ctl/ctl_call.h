/* SPDX-License-Identifier: BSD-3-Clause */
/* A method's call as a command: answers become output, errors exit statuses. */
#ifndef MAILRAIL_TOOLS_CTL_CALL_H
#define MAILRAIL_TOOLS_CTL_CALL_H

#include <jansson.h>

#include "ctl_commands.h"

/* What a command does that needs nothing but its method: parameters, call, view. */
int ctl_call_run(const struct ctl_line *line);

/* Shows @result as --json or @view has it. Returns CTL_REFUSED when it cannot be written. */
int ctl_call_show(const struct ctl_line *line, const json_t *result);

/*
 * Prints an error that a method has answered, and returns the status to exit with. @file: what
 * its parameter "config" was read from; NULL: none was.
 */
int ctl_call_error(const json_t *error, const char *file);

/*
 * Calls the line's balancer; takes @params. CTL_DONE: *@out_result is the caller's, and its
 * method's result; else the status to exit with, after a message. @file as above.
 */
int ctl_call(const struct ctl_line *line, const char *method, json_t *params, const char *file,
	     json_t **out_result);

#endif
