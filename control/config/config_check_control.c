/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "config_check_parts.h"

static const struct field_path control_path = {.key = "control"};
static const struct field_path http_path = {&control_path, "http", 0};

static bool is_loopback(const struct mr_addr *address)
{
	static const struct mr_addr loopback6 = {.bytes = {[15] = 1}};

	if (mr_addr_is_v4(address))
		return address->bytes[12] == 127;
	return mr_addr_equal(address, &loopback6);
}

static void check_mode(const char *mode, struct field_errors *errors)
{
	const struct field_path path = {&control_path, "socket_mode", 0};
	const size_t length = strlen(mode);

	if (strspn(mode, "01234567") < length || (length == 4 && mode[0] != '0')) {
		field_errors_add(errors, &path, "\"%s\" is not a mode like \"0660\"", mode);
		return;
	}
	/* Connecting takes the permission to write. */
	if ((mode[length - 1] - '0') & 2)
		field_errors_add(errors, &path,
				 "\"%s\" would let everybody on this host do everything; let a "
				 "group in by socket_group",
				 mode);
}

static void want_file(const char *file, const char *name, const char *why,
		      struct field_errors *errors)
{
	const struct field_path path = {&http_path, name, 0};

	if (!file)
		field_errors_add(errors, &path, "missing: %s", why);
}

static void check_tls(const struct config_http *http, struct field_errors *errors)
{
	static const char *const why = "TLS wants certificate and key, unless plain is true";
	const struct field_path clients = {&http_path, "clients", 0};
	const struct field_path plain = {&http_path, "plain", 0};

	if (http->plain) {
		if (http->certificate || http->key || http->client_ca)
			field_errors_add(errors, &plain,
					 "true, but certificate, key and client_ca are for TLS");
	} else {
		want_file(http->certificate, "certificate", why, errors);
		want_file(http->key, "key", why, errors);
	}
	if (http->client_count > 0 && !http->client_ca)
		field_errors_add(errors, &clients,
				 "nobody vouches for their certificates: client_ca is missing");
	if (http->client_count == 0 && http->client_ca)
		field_errors_add(errors, &clients,
				 "missing: client_ca alone does not say who may do what");
}

/* What may be reached from elsewhere lets nobody in without knowing who it is. */
static void check_reach(const struct config_http *http, struct field_errors *errors)
{
	const struct field_path plain = {&http_path, "plain", 0};
	const struct field_path anonymous = {&http_path, "anonymous", 0};

	if (http->plain)
		field_errors_add(errors, &plain, "HTTP without TLS is for loopback addresses only");
	if (http->anonymous != CONFIG_ANONYMOUS_NONE)
		field_errors_add(errors, &anonymous,
				 "a role without authentication is for loopback addresses only");
}

static void check_doors(const struct config_http *http, struct field_errors *errors)
{
	if (http->token_count > 0 || http->client_count > 0 ||
	    http->anonymous != CONFIG_ANONYMOUS_NONE)
		return;
	field_errors_add(errors, &http_path,
			 "nobody could do anything: give tokens, or client_ca and clients%s",
			 is_loopback(&http->address) ? ", or anonymous" : "");
}

/* Whoever has either token has both. */
static void check_token_hashes(const struct config_http *http, struct field_errors *errors)
{
	static const uint8_t refused[CONFIG_TOKEN_HASH_BYTES];
	const struct field_path tokens = {&http_path, "tokens", 0};

	for (uint32_t i = 0; i < http->token_count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			const struct field_path token = {&tokens, NULL, i};
			const struct field_path hash = {&token, "hash", 0};

			if (memcmp(http->tokens[i].hash, http->tokens[j].hash, sizeof(refused)) !=
				    0 ||
			    memcmp(http->tokens[i].hash, refused, sizeof(refused)) == 0)
				continue;
			field_errors_add(errors, &hash, "is that of /control/http/tokens/%u too",
					 j);
			break;
		}
	}
}

void config_check_control(const struct config *config, struct field_errors *errors)
{
	const struct config_control *control = &config->control;

	if (control->socket_mode)
		check_mode(control->socket_mode, errors);
	if (!control->http_given)
		return;
	check_tls(&control->http, errors);
	if (!is_loopback(&control->http.address))
		check_reach(&control->http, errors);
	check_doors(&control->http, errors);
	check_token_hashes(&control->http, errors);
}
