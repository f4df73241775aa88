/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_CONFIG

#include "reload.h"

#include <errno.h>
#include <inttypes.h>

#include "balancer.h"
#include "config_diff.h"
#include "config_file.h"
#include "log.h"
#include "rpc_server.h"

/* The history has the rest. */
#define LINES_MAX 15

static void log_diff(const struct config_diff *diff)
{
	char line[CONFIG_CHANGE_LINE_MAX];

	for (uint32_t i = 0; i < diff->count && i < LINES_MAX; i++) {
		config_change_format(&diff->list[i], line);
		log_write(LOG_NOTICE, "reload: %s", line);
	}
	if (diff->count > LINES_MAX)
		log_write(LOG_NOTICE, "reload: %" PRIu32 " more differences: see config.history",
			  diff->count - LINES_MAX);
	if (diff->count == 0)
		log_write(LOG_NOTICE, "reload: the file has nothing new");
}

void reload_log_errors(const struct field_errors *errors)
{
	char line[FIELD_ERROR_LINE_MAX];

	for (uint32_t i = 0; i < errors->count && i < LINES_MAX; i++) {
		field_errors_line(errors, i, line, sizeof(line));
		log_write(LOG_ERR, "reload: %s", line);
	}
	if (errors->count + errors->omitted > LINES_MAX)
		log_write(LOG_ERR, "reload: %" PRIu32 " more errors: see mailraild --check",
			  errors->count - LINES_MAX + errors->omitted);
	log_write(LOG_ERR, "reload: nothing has changed");
}

static int apply(struct balancer *balancer, struct config *next, const struct change *change,
		 struct field_errors *errors)
{
	struct config_diff diff;
	struct mr_error error;
	int rc = config_diff(balancer_config(balancer), next, &diff);

	if (rc < 0) {
		config_free(next);
		field_errors_add(errors, NULL, "out of memory");
		return rc;
	}
	rc = balancer_apply(balancer, next, change, &error);
	if (rc < 0)
		field_errors_add(errors, NULL, "%s", error.text);
	else
		log_diff(&diff);
	config_diff_fini(&diff);
	return rc;
}

static void read_certificates(const struct rpc_context *context)
{
	struct mr_error error;

	if (context->server != NULL && rpc_server_reload(context->server, &error) < 0)
		log_write(LOG_ERR, "reload: %s: the old certificates stay", error.text);
}

int reload(const struct rpc_context *context, const struct author *author,
	   struct field_errors *errors)
{
	struct config_digest digest;
	const struct change change = {
		.author = *author,
		.kind = CHANGE_RELOAD,
		.digest = &digest,
	};
	struct config *next;

	read_certificates(context);
	if (context->config_path == NULL) {
		field_errors_add(errors, NULL, "there is no file to read");
		return -ENOENT;
	}
	next = config_reload(context->config_path, balancer_config(context->balancer), &digest,
			     errors);
	return next ? apply(context->balancer, next, &change, errors) : -EINVAL;
}
