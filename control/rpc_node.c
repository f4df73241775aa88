/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <unistd.h>

#include "balancer.h"
#include "rpc_change.h"
#include "rpc_methods.h"

struct node_info {
	char *name;
	char *version;
	uint32_t pid;
	uint64_t generation;
	uint64_t uptime_s;
	uint64_t hugepage_bytes;
	uint32_t *cores;
	uint32_t core_count;
	char *config_path;
};

enum { INFO_CORES = 6 };

static const struct field info_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct node_info, name), .required = true,
	 .text = "Name of the node"},
	{"version", FIELD_STRING, FIELD_AT(struct node_info, version), .required = true,
	 .text = "Version of mailraild"},
	{"pid", FIELD_UINT, FIELD_AT(struct node_info, pid), .required = true,
	 .text = "Process id of mailraild"},
	RPC_GENERATION_RESULT(struct node_info),
	{"uptime_s", FIELD_UINT, FIELD_AT(struct node_info, uptime_s), .required = true,
	 .text = "Seconds since it came up"},
	{"hugepage_bytes", FIELD_UINT, FIELD_AT(struct node_info, hugepage_bytes), .required = true,
	 .text = "Memory on hugepages; 0: ordinary pages are used"},
	[INFO_CORES] = {"cores", FIELD_UINT, FIELD_LIST_AT(struct node_info, cores, core_count),
			.required = true, .text = "CPU cores of the workers"},
	{"config_path", FIELD_STRING, FIELD_AT(struct node_info, config_path),
	 .text = "File that changes are saved to; absent: nowhere"},
};
static const struct shape info_result =
	SHAPE("node_info", struct node_info, info_fields, "What this node is");

static enum rpc_error node_info(struct rpc_call *call)
{
	const struct balancer *balancer = call->context->balancer;
	const struct config *config = balancer_config(balancer);
	struct mr_dataplane *dp = balancer_dataplane(balancer);
	const char *path = call->context->config_path;
	struct node_info *info = call->result;

	info->name = strdup(config->node.name);
	info->version = strdup(MAILRAIL_VERSION);
	info->pid = (uint32_t)getpid();
	info->generation = balancer_generation(balancer);
	info->uptime_s = balancer_uptime_s(balancer);
	info->hugepage_bytes = mr_dataplane_hugepage_bytes(dp);
	info->config_path = path ? strdup(path) : NULL;
	if (!info->name || !info->version || (path && !info->config_path) ||
	    !field_list_alloc(&info_fields[INFO_CORES], info, config->workers.core_count))
		return RPC_INTERNAL_ERROR;
	memcpy(info->cores, config->workers.cores,
	       config->workers.core_count * sizeof(*info->cores));
	return RPC_OK;
}

const struct rpc_method rpc_node_methods[] = {
	{
		.name = "node.info",
		.text = "Shows what this node is and how long it has been up",
		.handler = node_info,
		.result = &info_result,
		.result_text = "What this node is",
		.example_params = "{}",
		.example_result =
			"{\"name\": \"lb1\", \"version\": \"" MAILRAIL_VERSION
			"\", \"pid\": 1234, \"generation\": 7, \"uptime_s\": 86400, "
			"\"hugepage_bytes\": 1073741824, \"cores\": [1], \"config_path\": "
			"\"/etc/mailrail/mailrail.json\"}",
	},
	{.name = NULL},
};
