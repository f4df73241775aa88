/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "rpc_methods.h"

static int write_openrpc(const struct rpc_context *context, struct evbuffer *out)
{
	json_t *document = rpc_openrpc(context->methods);
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	const int rc = text ? evbuffer_add(out, text, strlen(text)) : -1;

	free(text);
	json_decref(document);
	return rc < 0 ? -ENOMEM : 0;
}

const struct rpc_page rpc_pages[] = {
	{"/metrics", METRICS_CONTENT_TYPE, RPC_ROLE_READ, metrics_write},
	{"/openrpc.json", "application/json", RPC_ROLE_READ, write_openrpc},
	{.path = NULL},
};
