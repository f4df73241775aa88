/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of the configuration that parameters name, or an error that names the nearest. */
#ifndef MAILRAIL_CONTROL_RPC_FIND_H
#define MAILRAIL_CONTROL_RPC_FIND_H

#include "rpc.h"

/* RPC_OK: *@out_pool is the index in balancer_config(); else RPC_NOT_FOUND about /pool. */
enum rpc_error rpc_find_pool(struct rpc_call *call, const char *name, uint32_t *out_pool);
/* The same of services, about /service. */
enum rpc_error rpc_find_service(struct rpc_call *call, const char *name, uint32_t *out_service);
/* The same about /pool or /backend. */
enum rpc_error rpc_find_backend(struct rpc_call *call, const char *pool, const char *backend,
				uint32_t *out_pool, uint32_t *out_backend);

#endif
