/* SPDX-License-Identifier: BSD-3-Clause */
#include "rpc_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define PATH	   "/rpc"
#define TOKEN_MAX  512
#define HOST_MAX   256
#define READ_BYTES 65536

struct url {
	bool tls;
	char authority[HOST_MAX]; /* "lb1:8443", "[2001:db8::1]:8443" */
	char host[HOST_MAX];	  /* without port and brackets */
};

static int parse_url(const char *text, struct url *out, struct mr_error *error)
{
	const char *rest = strstr(text, "://");
	size_t length;

	out->tls = strncmp(text, "https://", 8) == 0;
	if (!rest || (!out->tls && strncmp(text, "http://", 7) != 0))
		return mr_error_set(error, -EINVAL, "%s: expected https://HOST:PORT", text);
	rest += 3;
	length = strcspn(rest, "/");
	if (length == 0 || length >= HOST_MAX || !strchr(rest, ':') ||
	    (rest[length] == '/' && rest[length + 1] != '\0'))
		return mr_error_set(error, -EINVAL, "%s: expected https://HOST:PORT", text);
	snprintf(out->authority, sizeof(out->authority), "%.*s", (int)length, rest);
	if (rest[0] == '[')
		snprintf(out->host, sizeof(out->host), "%.*s", (int)strcspn(rest + 1, "]"),
			 rest + 1);
	else
		snprintf(out->host, sizeof(out->host), "%.*s", (int)strcspn(rest, ":/"), rest);
	return 0;
}

static const char *library_error(void)
{
	const unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return code == 0 ? "the connection was closed" : reason ? reason : strerror(errno);
}

/* The certificates to trust, and one's own. */
static bool load_files(SSL_CTX *context, const struct rpc_target *target)
{
	const char *key = target->key ? target->key : target->certificate;
	const int trusted = target->ca ? SSL_CTX_load_verify_locations(context, target->ca, NULL)
				       : SSL_CTX_set_default_verify_paths(context);

	if (trusted != 1)
		return false;
	return !target->certificate ||
	       (SSL_CTX_use_certificate_chain_file(context, target->certificate) == 1 &&
		SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1);
}

/* The certificate has to be the host's; an address is looked for among its addresses. */
static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static BIO *make_connection(const struct url *url, SSL_CTX *context)
{
	SSL *ssl = NULL;
	BIO *bio;

	if (!url->tls)
		return BIO_new_connect(url->authority);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	bio = BIO_new_ssl_connect(context);
	if (bio && BIO_get_ssl(bio, &ssl) == 1 && expect_host(ssl, url->host) &&
	    BIO_set_conn_hostname(bio, url->authority) == 1)
		return bio;
	BIO_free_all(bio);
	return NULL;
}

static bool limit_patience(BIO *bio)
{
	const struct timeval patience = {.tv_sec = RPC_CLIENT_TIMEOUT_MS / 1000};
	int fd = -1;

	BIO_get_fd(bio, &fd);
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0;
}

/* The first word of the file; "" when there is none. */
static int read_token(const char *path, char *out, struct mr_error *error)
{
	FILE *file;

	out[0] = '\0';
	if (!path)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return mr_error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (!fgets(out, TOKEN_MAX, file))
		out[0] = '\0';
	fclose(file);
	out[strcspn(out, " \t\r\n")] = '\0';
	return 0;
}

static bool send_request(BIO *bio, const struct url *url, const char *token, const char *request)
{
	const size_t size = strlen(request);

	return BIO_printf(bio,
			  "POST " PATH " HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
			  "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n",
			  url->authority, size, token[0] ? "Authorization: Bearer " : "", token,
			  token[0] ? "\r\n" : "") > 0 &&
	       BIO_write(bio, request, (int)size) == (int)size && BIO_flush(bio) == 1;
}

/* Everything until the end, ended by NUL; NULL: no memory. */
static char *read_all(BIO *bio)
{
	char *text = NULL, *grown;
	size_t size = 0;
	int got;

	do {
		grown = realloc(text, size + READ_BYTES + 1);
		if (!grown) {
			free(text);
			return NULL;
		}
		text = grown;
		got = BIO_read(bio, text + size, READ_BYTES);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	text[size] = '\0';
	return text;
}

/* What @answer is: its body stays in it, moved to the front. */
static int take_body(const char *url, char *answer, struct mr_error *error)
{
	char *body = strstr(answer, "\r\n\r\n");
	const char *length = strcasestr(answer, "\r\ncontent-length:");
	unsigned int status = 0;

	if (!body || sscanf(answer, "HTTP/1.%*c %u", &status) != 1)
		return mr_error_set(error, -EPROTO, "%s: no answer in HTTP", url);
	if (length && length < body && strtoul(length + 17, NULL, 10) != strlen(body + 4))
		return mr_error_set(error, -EPROTO, "%s: the answer is not whole", url);
	memmove(answer, body + 4, strlen(body + 4) + 1);
	answer[strcspn(answer, "\n")] = '\0';
	if (status == 401 || status == 403)
		return mr_error_set(error, -EACCES, "%s: %s", url, answer);
	if (status != 200)
		return mr_error_set(error, -EPROTO, "%s: HTTP status %u: %s", url, status, answer);
	return 0;
}

static int exchange(BIO *bio, const struct url *url, const struct rpc_target *target,
		    const char *request, char **out_text, struct mr_error *error)
{
	char token[TOKEN_MAX], *answer;
	bool sent;
	int rc = read_token(target->token_file, token, error);

	if (rc < 0)
		return rc;
	if (BIO_do_connect(bio) != 1 || (url->tls && BIO_do_handshake(bio) != 1) ||
	    !limit_patience(bio))
		return mr_error_set(error, -ECONNREFUSED, "%s: %s", target->url, library_error());
	sent = send_request(bio, url, token, request);
	OPENSSL_cleanse(token, sizeof(token));
	answer = sent ? read_all(bio) : NULL;
	if (!answer)
		return mr_error_set(error, -ECONNRESET, "%s: %s", target->url, library_error());
	rc = take_body(target->url, answer, error);
	if (rc == 0)
		*out_text = answer;
	else
		free(answer);
	return rc;
}

int rpc_http_post(const struct rpc_target *target, const char *request, char **out_text,
		  struct mr_error *error)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct url url;
	BIO *bio = NULL;
	int rc = parse_url(target->url, &url, error);

	if (rc == 0 && (!context || !load_files(context, target)))
		rc = mr_error_set(error, -EINVAL, "%s: %s", target->url, library_error());
	if (rc == 0 && !(bio = make_connection(&url, context)))
		rc = mr_error_set(error, -ENOMEM, "%s: %s", target->url, library_error());
	if (rc == 0)
		rc = exchange(bio, &url, target, request, out_text, error);
	BIO_free_all(bio);
	SSL_CTX_free(context);
	return rc;
}
