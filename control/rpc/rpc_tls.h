/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS as the configuration wants it: 1.2 or later, forward secret, no resumed sessions. */
#ifndef MAILRAIL_CONTROL_RPC_TLS_H
#define MAILRAIL_CONTROL_RPC_TLS_H

#include <openssl/ssl.h>

#include <mailrail/error.h>

#include "config_control.h"

/*
 * Reads the files of @http. The caller owns *@out; NULL there: HTTP is plain. On failure @error
 * begins with the place in the configuration.
 */
int rpc_tls_create(const struct config_http *http, SSL_CTX **out, struct mr_error *error);

#endif
