/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "config_complete.h"
#include "config_tables.h"
#include "durable_file.h"
#include "field_write.h"
#include "json_duplicates.h"

/* Twice what the largest configuration that the limits allow takes when it is indented. */
#define CONFIG_FILE_MAX (64 << 20)

static_assert(sizeof(((struct config_digest *)NULL)->bytes) == 256 / 8, "SHA-256");

static void digest(const char *text, size_t size, struct config_digest *out)
{
	/* It fails for want of memory only; all zero is then no file's. */
	if (!EVP_Digest(text, size, out->bytes, NULL, EVP_sha256(), NULL))
		memset(out, 0, sizeof(*out));
}

/* Duplicate members are errors, but others are found nevertheless. */
static json_t *parse(const char *text, size_t size, struct field_errors *errors)
{
	json_error_t error;
	json_t *json;

	if (memchr(text, '\0', size)) { /* jansson passes over some */
		field_errors_add(errors, NULL, "has a NUL byte: this is no text");
		return NULL;
	}
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!json && json_error_code(&error) == json_error_duplicate_key) {
		json = json_loadb(text, size, 0, &error);
		if (json)
			json_duplicates_find(text, size, errors);
	}
	if (!json)
		field_errors_add(errors, NULL, "line %d, column %d: %s", error.line, error.column,
				 error.text);
	return json;
}

static struct config *decode(const char *text, size_t size, const struct config *running,
			     struct field_errors *errors)
{
	struct config *config = NULL;
	json_t *json = parse(text, size, errors);

	if (!json)
		return NULL;
	if (running && !config_complete_cores(json, running))
		field_errors_add(errors, NULL, "out of memory");
	else
		config = config_decode(json, errors);
	json_decref(json);
	if (config && field_errors_any(errors)) { /* duplicates */
		config_free(config);
		return NULL;
	}
	return config;
}

struct config *config_parse(const char *text, size_t size, struct field_errors *errors)
{
	return decode(text, size, NULL, errors);
}

/* A pipe was a file to start with, but has nothing to say any more: reading it might not end. */
static int check_is_regular(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -ESPIPE;
}

struct config *config_reload(const char *path, const struct config *running,
			     struct config_digest *out_digest, struct field_errors *errors)
{
	struct config *config;
	size_t size = 0;
	char *text;
	int rc;

	field_errors_fini(errors);
	errors->source = strdup(path);
	rc = running ? check_is_regular(path) : 0;
	if (rc == 0)
		rc = durable_file_read(path, CONFIG_FILE_MAX, &text, &size);
	if (rc < 0) {
		field_errors_add(errors, NULL, "%s", strerror(-rc));
		return NULL;
	}
	config = decode(text, size, running, errors);
	if (config && out_digest)
		digest(text, size, out_digest);
	free(text);
	return config;
}

struct config *config_load(const char *path, struct field_errors *errors)
{
	return config_reload(path, NULL, NULL, errors);
}

int config_file_digest(const char *path, struct config_digest *out)
{
	size_t size;
	char *text;
	int rc = check_is_regular(path);

	if (rc == 0)
		rc = durable_file_read(path, CONFIG_FILE_MAX, &text, &size);
	if (rc != 0)
		return rc;
	digest(text, size, out);
	free(text);
	return 0;
}

int config_file_stamp(const char *path, struct config_stamp *out)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*out = (struct config_stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.modified = st.st_mtim,
		.changed = st.st_ctim,
	};
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool config_stamp_equal(const struct config_stamp *a, const struct config_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* Made with mode 0600: it may hold secrets. */
int config_file_copy(const char *path, const char *to)
{
	size_t size;
	char *text;
	int rc = durable_file_read(path, CONFIG_FILE_MAX, &text, &size);

	if (rc < 0)
		return rc;
	rc = durable_file_replace(to, text, size);
	free(text);
	return rc;
}

int config_save_digest(const char *path, const struct config *config,
		       struct config_digest *out_digest, struct mr_error *error)
{
	char *text = shape_write(&config_shape, config, SHAPE_PLAIN, SHAPE_INDENTED);
	size_t size;
	int rc;

	if (!text)
		return mr_error_set(error, -ENOMEM, "%s: out of memory", path);
	size = strlen(text);
	text[size++] = '\n'; /* in place of the NUL */
	rc = durable_file_replace(path, text, size);
	if (rc == 0 && out_digest)
		digest(text, size, out_digest);
	free(text);
	if (rc < 0)
		return mr_error_set(error, rc, "%s: cannot save the configuration: %s", path,
				    strerror(-rc));
	return 0;
}

int config_save(const char *path, const struct config *config, struct mr_error *error)
{
	return config_save_digest(path, config, NULL, error);
}
