/* SPDX-License-Identifier: BSD-3-Clause */
/* What results about backends have in common. */
#ifndef MAILRAIL_CONTROL_RPC_BACKEND_H
#define MAILRAIL_CONTROL_RPC_BACKEND_H

/* The words for enum health_verdict, ended by NULL. */
extern const char *const rpc_health_verdicts[];

#endif
