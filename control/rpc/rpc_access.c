/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_access.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

bool rpc_access_token(const struct config_http *http, const char *token, size_t size,
		      struct rpc_holder *out)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint32_t found = http->token_count;

	static_assert(sizeof(hash) == CONFIG_TOKEN_HASH_BYTES, "");
	SHA256((const uint8_t *)token, size, hash);
	for (uint32_t i = 0; i < http->token_count; i++) {
		const bool same = CRYPTO_memcmp(hash, http->tokens[i].hash, sizeof(hash)) == 0;

		found = same ? i : found;
	}
	if (found == http->token_count)
		return false;
	*out = (struct rpc_holder){http->tokens[found].name, http->tokens[found].role};
	return true;
}

/* A name with a NUL in it would be cut there, and be somebody else's. */
static bool is_name(const ASN1_STRING *string, const char *name, bool any_case)
{
	uint8_t *text;
	const int size = ASN1_STRING_to_UTF8(&text, string);
	bool same;

	if (size < 0)
		return false;
	same = strlen(name) == (size_t)size &&
	       (any_case ? strncasecmp(name, (const char *)text, (size_t)size)
			 : memcmp(name, text, (size_t)size)) == 0;
	OPENSSL_free(text);
	return same;
}

static bool has_common_name(const X509 *certificate, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);

	for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
		if (is_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), name,
			    false))
			return true;
	return false;
}

static bool has_dns_name(const GENERAL_NAMES *names, const char *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *entry = sk_GENERAL_NAME_value(names, i);

		if (entry->type == GEN_DNS && is_name(entry->d.dNSName, name, true))
			return true;
	}
	return false;
}

bool rpc_access_certificate(const struct config_http *http, X509 *certificate,
			    struct rpc_holder *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (uint32_t i = 0; i < http->client_count && !found; i++) {
		const struct config_client *client = &http->clients[i];

		found = has_common_name(certificate, client->name) ||
			has_dns_name(names, client->name);
		if (found)
			*out = (struct rpc_holder){client->name, client->role};
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool rpc_access_anonymous(const struct config_http *http, struct rpc_holder *out)
{
	if (http->anonymous == CONFIG_ANONYMOUS_NONE)
		return false;
	*out = (struct rpc_holder){"anonymous",
				   (enum rpc_role)(http->anonymous - CONFIG_ANONYMOUS_READ)};
	return true;
}
