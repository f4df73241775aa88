/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl_args.h"
#include "ctl_exit.h"
#include "rpc.h"
#include "rpc_client.h"

/* Places in a file that was sent as a parameter are shown as places in the file. */
static const char *own_pointer(const char *pointer, const char *file)
{
	if (file && strncmp(pointer, "/config", 7) == 0 && (pointer[7] == '/' || !pointer[7]))
		return pointer + 7;
	return pointer;
}

static int exit_status(json_int_t code)
{
	switch (code) {
	case RPC_STALE_GENERATION:
		return CTL_STALE;
	case RPC_FORBIDDEN:
		return CTL_FORBIDDEN;
	case RPC_NOT_FOUND:
	case RPC_METHOD_NOT_FOUND:
		return CTL_NOT_FOUND;
	default:
		return CTL_REFUSED;
	}
}

int ctl_call_error(const json_t *error, const char *file)
{
	const json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));
	size_t i;
	json_t *item;

	fprintf(stderr, "mailrailctl: %s%s%s\n", file ? file : "", file ? ": " : "",
		message ? message : "error without a message");
	json_array_foreach (data, i, item) {
		const char *pointer = json_string_value(json_object_get(item, "pointer"));
		const char *reason = json_string_value(json_object_get(item, "message"));

		pointer = own_pointer(pointer ? pointer : "", file);
		fprintf(stderr, "  %s%s%s\n", pointer, pointer[0] ? ": " : "",
			reason ? reason : "");
	}
	return exit_status(json_integer_value(json_object_get(error, "code")));
}

int ctl_call_show(const struct ctl_line *line, const json_t *result)
{
	const struct ctl_output output = {stdout, ctl_options_colour(line->options)};
	const bool json = ctl_option_given(line->options, CTL_OPTION_JSON);

	(json ? view_json : line->command->view)(result, &output);
	return fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;
}

/* What the parameter "config" is read from; NULL: there is none. */
static const char *document_of(const struct ctl_line *line)
{
	return line->command->positions[0].kind == CTL_POSITION_DOCUMENT ? line->args[0] : NULL;
}

int ctl_call(const struct ctl_line *line, const char *method, json_t *params, const char *file,
	     json_t **out_result)
{
	const struct rpc_target target = ctl_options_target(line->options);
	json_t *response;
	struct mr_error error;
	int status = CTL_DONE, rc;

	rc = rpc_client_call(&target, method, params, &response, &error);
	if (rc < 0) {
		fprintf(stderr, "mailrailctl: %s\n", error.text);
		return rc == -EACCES ? CTL_FORBIDDEN : CTL_UNREACHABLE;
	}
	*out_result = json_incref(json_object_get(response, "result"));
	if (!*out_result)
		status = ctl_call_error(json_object_get(response, "error"), file);
	json_decref(response);
	return status;
}

int ctl_call_run(const struct ctl_line *line)
{
	/* call METHOD names its method itself. */
	const char *method = line->command->method ? line->command->method : line->args[0];
	json_t *params, *result;
	int status = ctl_args_params(line, &params);

	if (status == CTL_DONE)
		status = ctl_call(line, method, params, document_of(line), &result);
	if (status != CTL_DONE)
		return status;
	status = ctl_call_show(line, result);
	json_decref(result);
	return status;
}
