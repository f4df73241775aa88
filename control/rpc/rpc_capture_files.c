/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of captures: what there is, what is in them, and their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "captures.h"
#include "rpc_methods.h"

struct file_row {
	char *name;
	uint64_t bytes;
	uint64_t changed_ms;
};

static const struct field file_fields[] = {
	{"name", FIELD_STRING, FIELD_AT(struct file_row, name), .required = true,
	 .text = "Name of the capture"},
	{"bytes", FIELD_UINT, FIELD_AT(struct file_row, bytes), .required = true,
	 .text = "Bytes of its file"},
	{"changed_ms", FIELD_UINT, FIELD_AT(struct file_row, changed_ms), .required = true,
	 .text = "When it was last written to, milliseconds since 1970"},
};
static const struct shape file_shape =
	SHAPE("capture_file", struct file_row, file_fields, "A file of packets");

struct list_result {
	uint32_t limit;
	struct file_row *files;
	uint32_t file_count;
};

enum { LIST_FILES = 1 };

static const struct field list_fields[] = {
	{"limit", FIELD_UINT, FIELD_AT(struct list_result, limit), .required = true,
	 .text = "How many there may be: with so many, no capture begins"},
	[LIST_FILES] = {"files", FIELD_OBJECT, FIELD_LIST_AT(struct list_result, files, file_count),
			.required = true, .shape = &file_shape, .text = "The files, oldest first"},
};
static const struct shape list_result =
	SHAPE("capture_list", struct list_result, list_fields, "The files of captures");

static enum rpc_error capture_list(struct rpc_call *call)
{
	struct capture_file files[CAPTURES_MAX];
	struct list_result *result = call->result;
	const int count = captures_list(call->context->captures, files, CAPTURES_MAX);

	result->limit = CAPTURES_MAX;
	if (count < 0 || !field_list_alloc(&list_fields[LIST_FILES], result, (uint32_t)count))
		return RPC_INTERNAL_ERROR;
	for (int i = 0; i < count; i++) {
		result->files[i] = (struct file_row){
			.name = strdup(files[i].name),
			.bytes = files[i].bytes,
			.changed_ms = files[i].changed_ms,
		};
		if (result->files[i].name == NULL)
			return RPC_INTERNAL_ERROR;
	}
	return RPC_OK;
}

struct name_params {
	char *name;
};

static const struct field name_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct name_params, name), .required = true,
	 .text = "Name of the capture"},
};
static const struct shape name_params =
	SHAPE("capture_params", struct name_params, name_fields, "Which capture");

/* @rc: negative errno, as captures.h has it. */
static enum rpc_error refuse(struct rpc_call *call, const char *name, int rc)
{
	if (rc == -ENOENT) {
		field_errors_add(&call->errors, &(struct field_path){NULL, "name", 0},
				 "there is no capture %s", name);
		return RPC_NOT_FOUND;
	}
	field_errors_add(&call->errors, NULL, "%s: %s", name,
			 rc == -EBUSY ? "is being written" : strerror(-rc));
	return RPC_REFUSED;
}

struct read_params {
	char *name;
	uint64_t offset;
};

static const struct field read_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct read_params, name), .required = true,
	 .text = "Name of the capture"},
	{"offset", FIELD_UINT, FIELD_AT(struct read_params, offset), .max = INT64_MAX,
	 .text = "Where to begin, in bytes"},
};
static const struct shape read_params =
	SHAPE("capture_read_params", struct read_params, read_fields, "What to read");

struct read_result {
	uint64_t offset;
	char *data;
};

static const struct field read_result_fields[] = {
	{"offset", FIELD_UINT, FIELD_AT(struct read_result, offset), .required = true,
	 .text = "Where to go on"},
	{"data", FIELD_STRING, FIELD_AT(struct read_result, data), .required = true,
	 .text = "At most a mebibyte of the file, base64 (RFC 4648, section 4); empty: its end"},
};
static const struct shape read_result =
	SHAPE("capture_piece", struct read_result, read_result_fields, "A piece of the file");

/* NULL: no memory. */
static char *encode_base64(const unsigned char *bytes, size_t size)
{
	char *text = malloc((size + 2) / 3 * 4 + 1);

	if (text != NULL)
		text[EVP_EncodeBlock((unsigned char *)text, bytes, (int)size)] = '\0';
	return text;
}

static enum rpc_error capture_read(struct rpc_call *call)
{
	const struct read_params *params = call->params;
	struct read_result *result = call->result;
	unsigned char *piece = malloc(CAPTURES_PIECE_BYTES_MAX);
	ssize_t got;

	if (piece == NULL)
		return RPC_INTERNAL_ERROR;
	got = captures_read(call->context->captures, params->name, params->offset, piece,
			    CAPTURES_PIECE_BYTES_MAX);
	if (got >= 0) {
		result->offset = params->offset + (uint64_t)got;
		result->data = encode_base64(piece, (size_t)got);
	}
	free(piece);
	if (got < 0)
		return refuse(call, params->name, (int)got);
	return result->data != NULL ? RPC_OK : RPC_INTERNAL_ERROR;
}

struct removed {
	bool changed;
};

static const struct field removed_fields[] = {
	{"changed", FIELD_BOOL, FIELD_AT(struct removed, changed), .required = true,
	 .text = "Whether there was one"},
};
static const struct shape removed_result =
	SHAPE("capture_removed", struct removed, removed_fields, "What the call has done");

static enum rpc_error capture_remove(struct rpc_call *call)
{
	const struct name_params *params = call->params;
	struct removed *result = call->result;
	const int rc = captures_remove(call->context->captures, params->name);

	result->changed = rc == 0;
	return rc == 0 || rc == -ENOENT ? RPC_OK : refuse(call, params->name, rc);
}

const struct rpc_method rpc_capture_file_methods[] = {
	{
		.name = "capture.list",
		.text = "Shows the files of captures",
		.handler = capture_list,
		.result = &list_result,
		.result_text = "The files",
		.example_params = "{}",
		.example_result = "{\"limit\": 16, \"files\": [{\"name\": \"drops\", \"bytes\": "
				  "2308, \"changed_ms\": 1767225600000}]}",
	},
	{
		.name = "capture.read",
		.text = "Reads a piece of a capture's file",
		.handler = capture_read,
		.role = RPC_ROLE_OPERATE,
		.params = &read_params,
		.result = &read_result,
		.result_text = "The piece, and where the next one begins",
		.example_params = "{\"name\": \"drops\", \"offset\": 0}",
		.example_result = "{\"offset\": 3, \"data\": \"Cg0N\"}",
	},
	{
		.name = "capture.remove",
		.text = "Removes the file of a capture",
		.handler = capture_remove,
		.role = RPC_ROLE_OPERATE,
		.changes_state = true,
		.params = &name_params,
		.result = &removed_result,
		.result_text = "Whether there was one",
		.example_params = "{\"name\": \"drops\"}",
		.example_result = "{\"changed\": true}",
	},
	{.name = NULL},
};
