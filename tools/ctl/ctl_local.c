/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_local.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "config.h"
#include "ctl_args.h"
#include "ctl_exit.h"

#define TOKEN_BYTES 32

int ctl_config_check(const struct ctl_line *line)
{
	struct field_errors errors = {0};
	struct config *config = config_load(line->args[0], &errors);

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	if (!config)
		return CTL_REFUSED;
	config_free(config);
	return CTL_DONE;
}

static void hexadecimal(const unsigned char *bytes, size_t size, char *out)
{
	for (size_t i = 0; i < size; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void print_token(const struct ctl_line *line, const char *token, const json_t *row)
{
	if (ctl_option_given(line->options, CTL_OPTION_JSON)) {
		json_t *both = json_pack("{s:s, s:O}", "token", token, "entry", row);

		json_dumpf(both, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(both);
		return;
	}
	printf("%s\n\nThe token is shown only now. In control.http.tokens of mailrail.json:\n",
	       token);
	json_dumpf(row, stdout, JSON_COMPACT);
	putchar('\n');
}

int ctl_token_new(const struct ctl_line *line)
{
	const char *role = line->args[1] ? line->args[1] : "read";
	unsigned char secret[TOKEN_BYTES], hash[SHA256_DIGEST_LENGTH];
	char token[2 * TOKEN_BYTES + 1], hash_text[2 * SHA256_DIGEST_LENGTH + 1];
	json_t *row;

	if (strcmp(role, "read") != 0 && strcmp(role, "operate") != 0 && strcmp(role, "admin") != 0)
		return ctl_usage_error(role, "expected read, operate or admin");
	if (RAND_bytes(secret, sizeof(secret)) != 1) {
		fprintf(stderr, "mailrailctl: no random numbers\n");
		return CTL_REFUSED;
	}
	hexadecimal(secret, sizeof(secret), token);
	SHA256((const unsigned char *)token, strlen(token), hash);
	hexadecimal(hash, sizeof(hash), hash_text);
	row = json_pack("{s:s, s:s, s:s}", "name", line->args[0], "role", role, "hash", hash_text);
	if (!row)
		return ctl_usage_error(line->args[0], "not valid UTF-8");
	print_token(line, token, row);
	json_decref(row);
	OPENSSL_cleanse(token, sizeof(token));
	return CTL_DONE;
}
