/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that mailrail offers over JSON-RPC: a table in each file. */
#ifndef MAILRAIL_CONTROL_RPC_METHODS_H
#define MAILRAIL_CONTROL_RPC_METHODS_H

#include "rpc.h"

extern const struct rpc_method rpc_config_methods[];
extern const struct rpc_method rpc_history_methods[];
extern const struct rpc_method rpc_plan_methods[];
extern const struct rpc_method rpc_service_methods[];
extern const struct rpc_method rpc_service_edit_methods[];
extern const struct rpc_method rpc_pool_methods[];
extern const struct rpc_method rpc_pool_show_methods[];
extern const struct rpc_method rpc_pool_edit_methods[];
extern const struct rpc_method rpc_backend_methods[];
extern const struct rpc_method rpc_backend_edit_methods[];
extern const struct rpc_method rpc_prepare_methods[];
extern const struct rpc_method rpc_session_methods[];
extern const struct rpc_method rpc_stats_methods[];
extern const struct rpc_method rpc_capture_methods[];
extern const struct rpc_method rpc_capture_file_methods[];
extern const struct rpc_method rpc_node_methods[];
extern const struct rpc_method rpc_log_methods[];
extern const struct rpc_method rpc_session_list_methods[];
extern const struct rpc_method rpc_port_methods[];
extern const struct rpc_method rpc_worker_methods[];
extern const struct rpc_method rpc_health_methods[];
extern const struct rpc_method rpc_events_methods[];
extern const struct rpc_method rpc_discover_methods[];

/* All of the above, for rpc_context.methods; ended by NULL. */
extern const struct rpc_method *const rpc_methods[];

/*
 * The OpenRPC document (https://spec.open-rpc.org) of @methods, whichever they are. New
 * reference; NULL: no memory.
 */
json_t *rpc_openrpc(const struct rpc_method *const *methods);

#endif
