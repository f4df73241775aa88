/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is that came over HTTP, and what it may do. Keeps nothing. */
#ifndef MAILRAIL_CONTROL_RPC_ACCESS_H
#define MAILRAIL_CONTROL_RPC_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "config_control.h"

struct rpc_holder {
	const char *name; /* borrowed from the configuration */
	enum rpc_role role;
};

/*
 * Who holds the token. It is compared with every one that there is, each in the same time, so
 * that the time taken does not tell how near a guess was. False: nobody; @out is untouched.
 */
bool rpc_access_token(const struct config_http *http, const char *token, size_t size,
		      struct rpc_holder *out);

/*
 * Who the certificate, verified already, was issued to: the first client that is a common name
 * of its subject or one of its DNS names (RFC 5280, 4.1.2.6 and 4.2.1.6).
 */
bool rpc_access_certificate(const struct config_http *http, X509 *certificate,
			    struct rpc_holder *out);

/* What everybody may do. False: nothing. */
bool rpc_access_anonymous(const struct config_http *http, struct rpc_holder *out);

#endif
