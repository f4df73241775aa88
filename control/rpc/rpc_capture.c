/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures begin and end. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "balancer.h"
#include "captures.h"
#include "rpc_find.h"
#include "rpc_methods.h"

static const char *const verdicts[] = {
#define VERDICT_NAME(id, name, text) [MR_##id] = (name),
	MR_VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
		NULL,
};

static const char *const ends[] = {
	[MR_CAPTURE_RUNS] = "running",
	[MR_CAPTURE_STOPPED] = "stopped",
	[MR_CAPTURE_FULL] = "full",
	[MR_CAPTURE_FAILED] = "failed",
	NULL,
};

struct start_params {
	char *name;
	char *service;
	char *pool;
	char *backend;
	bool client_given;
	struct mr_prefix client;
	enum mr_verdict *reasons;
	uint32_t reason_count;
	bool sent;
	uint32_t frame_bytes;
	uint64_t file_bytes;
	uint32_t duration_ms;
};

static const struct field start_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct start_params, name),
	 .text = "Name of the file, without its suffix .pcapng; unless given, the time"},
	{"service", FIELD_NAME, FIELD_AT(struct start_params, service),
	 .text = "Packets of this service's sessions only"},
	{"pool", FIELD_NAME, FIELD_AT(struct start_params, pool),
	 .text = "Pool of the backend; with backend only"},
	{"backend", FIELD_NAME, FIELD_AT(struct start_params, backend),
	 .text = "Packets that this backend got only, health probes too"},
	{"client", FIELD_PREFIX, FIELD_AT(struct start_params, client),
	 FIELD_PRESENT(struct start_params, client_given),
	 .text = "Packets from, by nat also to, clients of this prefix only",
	 .example = "\"192.0.2.0/24\""},
	{"reasons", FIELD_ENUM, FIELD_LIST_AT(struct start_params, reasons, reason_count),
	 .unique = true, .list_max = MR_VERDICT_COUNT, .choices = verdicts,
	 .text = "Packets of which one of these became only; they are the names that stats.get "
		 "counts packets under",
	 .example = "[\"drop_no_backend\", \"reset_no_backend\"]"},
	{"sent", FIELD_BOOL, FIELD_AT(struct start_params, sent),
	 .text = "Packets as they leave too, not only as they came"},
	{"frame_size", FIELD_SIZE, FIELD_AT(struct start_params, frame_bytes), .min = 1,
	 .max = MR_CAPTURE_FRAME_BYTES_MAX, .fallback = MR_CAPTURE_FRAME_BYTES_MAX,
	 .text = "What is kept of each frame"},
	{"max_size", FIELD_SIZE, FIELD_AT(struct start_params, file_bytes), .min = 4096,
	 .max = UINT64_C(1) << 30, .fallback = 64 << 20,
	 .text = "The capture ends before its file is larger"},
	{"duration", FIELD_DURATION, FIELD_AT(struct start_params, duration_ms), .min = 100,
	 .max = 3600 * 1000, .fallback = 60 * 1000, .text = "The capture ends after this time"},
};
static const struct shape start_params =
	SHAPE("capture_start_params", struct start_params, start_fields, "What to capture");

struct capture_started {
	char *name;
	char *file;
};

static const struct field started_fields[] = {
	{"name", FIELD_STRING, FIELD_AT(struct capture_started, name), .required = true,
	 .text = "Name of the capture"},
	{"file", FIELD_STRING, FIELD_AT(struct capture_started, file), .required = true,
	 .text = "Its file on the node"},
};
static const struct shape started_result =
	SHAPE("capture_started", struct capture_started, started_fields, "A capture that runs");

static enum rpc_error find_service(struct rpc_call *call, struct mr_capture_filter *filter)
{
	const struct start_params *params = call->params;
	uint32_t index;

	if (params->service == NULL)
		return RPC_OK;
	if (rpc_find_service(call, params->service, &index) != RPC_OK)
		return RPC_NOT_FOUND;
	filter->service_given = true;
	filter->service = balancer_service_id(call->context->balancer, index);
	return RPC_OK;
}

static enum rpc_error find_backend(struct rpc_call *call, struct mr_capture_filter *filter)
{
	const struct balancer *balancer = call->context->balancer;
	const struct start_params *params = call->params;
	uint32_t pool, backend;

	if (params->backend == NULL && params->pool == NULL)
		return RPC_OK;
	if (params->backend == NULL || params->pool == NULL) {
		field_errors_add(&call->errors, NULL, "a backend is named by pool and backend");
		return RPC_INVALID_PARAMS;
	}
	if (rpc_find_backend(call, params->pool, params->backend, &pool, &backend) != RPC_OK)
		return RPC_NOT_FOUND;
	filter->backend_given = true;
	filter->backend = balancer_pool(balancer, pool)->members[backend].backend->id;
	return RPC_OK;
}

static enum rpc_error make_filter(struct rpc_call *call, struct mr_capture_filter *out)
{
	const struct start_params *params = call->params;
	enum rpc_error error = find_service(call, out);

	if (error == RPC_OK)
		error = find_backend(call, out);
	out->client_given = params->client_given;
	out->client = params->client;
	for (uint32_t i = 0; i < params->reason_count; i++)
		out->verdicts |= UINT64_C(1) << params->reasons[i];
	return error;
}

/* 20260101T120000Z */
static void name_by_time(char out[MR_NAME_MAX])
{
	const time_t now = time(NULL);
	struct tm utc;

	strftime(out, MR_NAME_MAX, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
}

static enum rpc_error capture_start(struct rpc_call *call)
{
	struct captures *captures = call->context->captures;
	const struct start_params *params = call->params;
	struct capture_started *result = call->result;
	char by_time[MR_NAME_MAX], path[PATH_MAX];
	struct capture_request request = {
		.name = params->name != NULL ? params->name : by_time,
		.sent = params->sent,
		.frame_bytes = params->frame_bytes,
		.file_bytes = params->file_bytes,
		.duration_ms = params->duration_ms,
	};
	struct mr_error reason;
	enum rpc_error error;

	name_by_time(by_time);
	error = make_filter(call, &request.filter);
	if (error != RPC_OK)
		return error;
	if (captures_start(captures, call->context->balancer, &request, &reason) < 0) {
		field_errors_add(&call->errors, NULL, "%s", reason.text);
		return RPC_REFUSED;
	}
	result->name = strdup(request.name);
	result->file = strdup(captures_path(captures, request.name, path, sizeof(path)));
	return result->name != NULL && result->file != NULL ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct capture_stopped {
	bool changed;
};

static const struct field stopped_fields[] = {
	{"changed", FIELD_BOOL, FIELD_AT(struct capture_stopped, changed), .required = true,
	 .text = "Whether there was a capture to stop; its file is complete a moment later"},
};
static const struct shape stopped_result =
	SHAPE("capture_stopped", struct capture_stopped, stopped_fields, "What the call has done");

static enum rpc_error capture_stop(struct rpc_call *call)
{
	struct capture_stopped *result = call->result;

	result->changed = captures_stop(call->context->captures);
	return RPC_OK;
}

struct capture_status {
	bool known;
	char *name;
	char *file;
	enum mr_capture_end end;
	char *error;
	uint64_t packets;
	uint64_t bytes;
	uint64_t missed;
};

static const struct field status_fields[] = {
	{"known", FIELD_BOOL, FIELD_AT(struct capture_status, known), .required = true,
	 .text = "Whether a capture was begun since the process began; else nothing else is told"},
	{"name", FIELD_STRING, FIELD_AT(struct capture_status, name),
	 .text = "Name of the last one"},
	{"file", FIELD_STRING, FIELD_AT(struct capture_status, file),
	 .text = "Its file on the node"},
	{"end", FIELD_ENUM, FIELD_AT(struct capture_status, end), .required = true, .choices = ends,
	 .text = "running; stopped: as asked, or after its time; full: its file has the size that "
		 "was allowed; failed: the file could not be written"},
	{"error", FIELD_STRING, FIELD_AT(struct capture_status, error), .text = "Why it failed"},
	{"packets", FIELD_UINT, FIELD_AT(struct capture_status, packets), .required = true,
	 .text = "Packets in the file"},
	{"bytes", FIELD_UINT, FIELD_AT(struct capture_status, bytes), .required = true,
	 .text = "Bytes of the file"},
	{"missed", FIELD_UINT, FIELD_AT(struct capture_status, missed), .required = true,
	 .text = "Packets that came faster than they could be written, and are not in the file"},
};
static const struct shape status_result =
	SHAPE("capture_status", struct capture_status, status_fields, "The last capture");

static enum rpc_error capture_show(struct rpc_call *call)
{
	const struct captures *captures = call->context->captures;
	struct capture_status *result = call->result;
	struct mr_capture_status status;
	const char *name = captures_last(captures, &status);
	char path[PATH_MAX];

	if (name == NULL) {
		result->end = MR_CAPTURE_STOPPED;
		return RPC_OK;
	}
	*result = (struct capture_status){
		.known = true,
		.name = strdup(name),
		.file = strdup(captures_path(captures, name, path, sizeof(path))),
		.end = status.end,
		.error = status.end == MR_CAPTURE_FAILED ? strdup(strerror(status.error)) : NULL,
		.packets = status.packets,
		.bytes = status.bytes,
		.missed = status.missed,
	};
	return result->name != NULL && result->file != NULL ? RPC_OK : RPC_INTERNAL_ERROR;
}

const struct rpc_method rpc_capture_methods[] = {
	{
		.name = "capture.start",
		.text = "Begins to write packets to a pcapng file on the node, with what became of "
			"each as its comment; forwarding takes longer meanwhile",
		.handler = capture_start,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.params = &start_params,
		.result = &started_result,
		.result_text = "The capture that runs",
		.example_params = "{\"name\": \"drops\", \"service\": \"smtp\", \"reasons\": "
				  "[\"drop_no_backend\"], \"duration\": \"10s\"}",
		.example_result = "{\"name\": \"drops\", \"file\": "
				  "\"/var/lib/mailrail/captures/drops.pcapng\"}",
	},
	{
		.name = "capture.stop",
		.text = "Ends the capture under way",
		.handler = capture_stop,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.result = &stopped_result,
		.result_text = "Whether there was one",
		.example_params = "{}",
		.example_result = "{\"changed\": true}",
	},
	{
		.name = "capture.show",
		.text = "Shows the capture under way, or the last one",
		.handler = capture_show,
		.result = &status_result,
		.result_text = "The capture",
		.example_params = "{}",
		.example_result = "{\"known\": true, \"name\": \"drops\", \"file\": "
				  "\"/var/lib/mailrail/captures/drops.pcapng\", \"end\": "
				  "\"running\", \"packets\": 12, \"bytes\": 2308, \"missed\": 0}",
	},
	{.name = NULL},
};
