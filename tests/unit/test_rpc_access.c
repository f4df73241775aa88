/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "../lib/unit.h"
#include "rpc_access.h"

#define TOKENS 5

static struct config_token tokens[TOKENS];
static char names[TOKENS][8];
static struct config_http http = {.tokens = tokens, .token_count = TOKENS};

static unsigned int comparisons;

/* Takes the place of libcrypto's, which mailrail compares with. */
int CRYPTO_memcmp(const void *in_a, const void *in_b, size_t len)
{
	comparisons++;
	CU_ASSERT_EQUAL(len, SHA256_DIGEST_LENGTH);
	return memcmp(in_a, in_b, len);
}

static void make_tokens(void)
{
	for (uint32_t i = 0; i < TOKENS; i++) {
		char token[16];

		snprintf(names[i], sizeof(names[i]), "name%u", i);
		snprintf(token, sizeof(token), "token%u", i);
		tokens[i].name = names[i];
		tokens[i].role = (enum rpc_role)(i % 3);
		SHA256((const uint8_t *)token, strlen(token), tokens[i].hash);
	}
}

static void test_every_token_finds_its_holder(void)
{
	for (uint32_t i = 0; i < TOKENS; i++) {
		struct rpc_holder holder = {NULL, RPC_ROLE_READ};
		char token[16];

		snprintf(token, sizeof(token), "token%u and more", i);
		CU_ASSERT_FATAL(rpc_access_token(&http, token, 6, &holder));
		CU_ASSERT_STRING_EQUAL(holder.name, names[i]);
		CU_ASSERT_EQUAL(holder.role, i % 3);
	}
}

static void test_other_tokens_find_nobody(void)
{
	static const char *const rows[] = {"", "token", "token5", "Token0", "token00", " token0"};
	struct rpc_holder holder = {"untouched", RPC_ROLE_OPERATE};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_FALSE(rpc_access_token(&http, rows[i], strlen(rows[i]), &holder));
	/* The hash itself, which is in the file, opens nothing. */
	CU_ASSERT_FALSE(rpc_access_token(&http, (const char *)tokens[0].hash, SHA256_DIGEST_LENGTH,
					 &holder));
	CU_ASSERT_STRING_EQUAL(holder.name, "untouched");
	CU_ASSERT_FALSE(rpc_access_token(&(struct config_http){.token_count = 0}, "", 0, &holder));
}

/* Wherever the token stands, and wherever it begins to differ, as much is compared. */
static void test_all_tokens_are_compared(void)
{
	static const char *const rows[] = {"token0", "token2", "token4", "nothing", ""};
	struct rpc_holder holder;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		comparisons = 0;
		rpc_access_token(&http, rows[i], strlen(rows[i]), &holder);
		CU_ASSERT_EQUAL(comparisons, TOKENS);
	}
}

/* A certificate with this subject and these DNS names, "DNS:a,DNS:b"; not signed. */
static X509 *make_certificate(const char *common_name, int common_name_size, const char *dns_names)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);

	if (common_name)
		X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
					   (const uint8_t *)common_name, common_name_size, -1, 0);
	if (dns_names) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, dns_names);

		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	return certificate;
}

static void test_certificates(void)
{
	static const struct {
		const char *common_name;
		int size; /* -1: all of it */
		const char *dns_names;
		const char *holder; /* NULL: nobody */
	} rows[] = {
		{"deploy", -1, NULL, "deploy"},
		{"Night Shift", -1, NULL, "Night Shift"},
		{"whoever", -1, "DNS:other.example.com,DNS:mon.example.com", "mon.example.com"},
		{NULL, 0, "DNS:MON.example.com", "mon.example.com"},
		{"Deploy", -1, NULL, NULL}, /* names of people have a case */
		{"deploy ", -1, NULL, NULL},
		{"deplo", -1, NULL, NULL},
		{"deploy\0.evil", 12, NULL, NULL},
		{"whoever", -1, "DNS:*.example.com", NULL},
		{"whoever", -1, "email:mon.example.com", NULL},
		{"whoever", -1, NULL, NULL},
		{NULL, 0, NULL, NULL},
	};
	char deploy[] = "deploy", mon[] = "mon.example.com", night[] = "Night Shift";
	struct config_client clients[] = {
		{deploy, RPC_ROLE_ADMIN}, {mon, RPC_ROLE_READ}, {night, RPC_ROLE_OPERATE}};
	const struct config_http rules = {.clients = clients, .client_count = 3};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *certificate =
			make_certificate(rows[i].common_name, rows[i].size, rows[i].dns_names);
		struct rpc_holder holder;
		const bool found = rpc_access_certificate(&rules, certificate, &holder);

		CU_ASSERT_EQUAL(found, rows[i].holder != NULL);
		if (found && rows[i].holder)
			CU_ASSERT_STRING_EQUAL(holder.name, rows[i].holder);
		X509_free(certificate);
	}
}

static void test_anonymous(void)
{
	static const struct {
		enum config_anonymous anonymous;
		enum rpc_role role;
	} rows[] = {
		{CONFIG_ANONYMOUS_READ, RPC_ROLE_READ},
		{CONFIG_ANONYMOUS_OPERATE, RPC_ROLE_OPERATE},
		{CONFIG_ANONYMOUS_ADMIN, RPC_ROLE_ADMIN},
	};
	struct rpc_holder holder;

	CU_ASSERT_FALSE(rpc_access_anonymous(&http, &holder));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT(rpc_access_anonymous(
			&(struct config_http){.anonymous = rows[i].anonymous}, &holder));
		CU_ASSERT_EQUAL(holder.role, rows[i].role);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_every_token_finds_its_holder),
		UNIT_TEST(test_other_tokens_find_nobody),
		UNIT_TEST(test_all_tokens_are_compared),
		UNIT_TEST(test_certificates),
		UNIT_TEST(test_anonymous),
		CU_TEST_INFO_NULL,
	};

	make_tokens();
	return unit_run("rpc_access", tests);
}
