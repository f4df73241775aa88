/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_methods.h"

const struct rpc_method *const rpc_methods[] = {
	rpc_config_methods,	  rpc_history_methods,	    rpc_plan_methods,
	rpc_service_methods,	  rpc_service_edit_methods, rpc_pool_methods,
	rpc_pool_show_methods,	  rpc_pool_edit_methods,    rpc_backend_methods,
	rpc_backend_edit_methods, rpc_prepare_methods,	    rpc_session_methods,
	rpc_session_list_methods, rpc_stats_methods,	    rpc_node_methods,
	rpc_capture_methods,	  rpc_capture_file_methods, rpc_log_methods,
	rpc_worker_methods,	  rpc_port_methods,	    rpc_health_methods,
	rpc_events_methods,	  rpc_discover_methods,	    NULL,
};
