/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_tls.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

static int refuse(struct mr_error *error, const char *field, const char *file)
{
	const unsigned long code = ERR_peek_error(); /* the cause; the others follow from it */
	const char *reason = ERR_reason_error_string(code);

	if (ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	mr_error_set(error, -EINVAL, "/control/http/%s: %s: %s", field, file,
		     reason ? reason : "cannot be used");
	ERR_clear_error();
	return -EINVAL;
}

static int load_identity(SSL_CTX *tls, const struct config_http *http, struct mr_error *error)
{
	/* A key that wants another passphrase is refused: nobody is there to type it. */
	static char no_passphrase[] = "";

	SSL_CTX_set_default_passwd_cb_userdata(tls, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(tls, http->certificate) != 1)
		return refuse(error, "certificate", http->certificate);
	if (SSL_CTX_use_PrivateKey_file(tls, http->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1)
		return refuse(error, "key", http->key);
	return 0;
}

static int load_client_authorities(SSL_CTX *tls, const struct config_http *http,
				   struct mr_error *error)
{
	STACK_OF(X509_NAME) * names;
	int mode = SSL_VERIFY_PEER;

	if (!http->client_ca)
		return 0;
	names = SSL_load_client_CA_file(http->client_ca);
	if (!names || SSL_CTX_load_verify_file(tls, http->client_ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return refuse(error, "client_ca", http->client_ca);
	}
	SSL_CTX_set_client_CA_list(tls, names);
	/* Without other doors, who has no certificate need not come in at all. */
	if (http->token_count == 0 && http->anonymous == CONFIG_ANONYMOUS_NONE)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(tls, mode, NULL);
	return 0;
}

int rpc_tls_create(const struct config_http *http, SSL_CTX **out, struct mr_error *error)
{
	SSL_CTX *tls;
	int rc;

	*out = NULL;
	if (http->plain)
		return 0;
	ERR_clear_error();
	tls = SSL_CTX_new(TLS_server_method());
	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		SSL_CTX_free(tls);
		return mr_error_set(error, -ENOMEM, "/control/http: cannot set up TLS");
	}
	/* Each connection shows who it is anew. */
	SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, 0);
	rc = load_identity(tls, http, error);
	if (rc == 0)
		rc = load_client_authorities(tls, http, error);
	if (rc < 0) {
		SSL_CTX_free(tls);
		return rc;
	}
	*out = tls;
	return 0;
}
