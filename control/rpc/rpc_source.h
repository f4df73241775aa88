/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations that a parameter names: the one in force, the file's, one of the history. */
#ifndef MAILRAIL_CONTROL_RPC_SOURCE_H
#define MAILRAIL_CONTROL_RPC_SOURCE_H

#include "config.h"
#include "rpc.h"

/* A field of 64 bits: the number of a generation, or a word. */
#define RPC_SOURCE_RUNNING FIELD_WORD(0)
#define RPC_SOURCE_FILE	   FIELD_WORD(1)
/* "running", "file"; ended by NULL. */
extern const char *const rpc_sources[];

/*
 * RPC_OK: config_free() *@out. RPC_NOT_FOUND: there is none, or it is none any more; the errors
 * name @parameter.
 */
enum rpc_error rpc_source_read(struct rpc_call *call, const char *parameter, uint64_t source,
			       struct config **out);

#endif
