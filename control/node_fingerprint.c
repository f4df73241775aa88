/* SPDX-License-Identifier: BSD-3-Clause */
#include "node_fingerprint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char configuration_label[] = "mailrail configuration 1";
static const char node_label[] = "mailrail node 1";

/* Bytes, one behind the other. */
struct text {
	uint8_t *bytes;
	size_t size;
	bool failed; /* no memory */
};

static void put(struct text *text, const void *bytes, size_t size)
{
	uint8_t *grown = text->failed ? NULL : realloc(text->bytes, text->size + size + 1);

	if (grown == NULL) {
		text->failed = true;
		return;
	}
	memcpy(grown + text->size, bytes, size);
	text->bytes = grown;
	text->size += size;
}

/* Frees @text. */
static int digest(struct text *text, const uint8_t key[CONFIG_KEY_BYTES],
		  uint8_t out[FINGERPRINT_BYTES])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	unsigned int size;
	const bool ok = !text->failed && HMAC(EVP_sha256(), key, CONFIG_KEY_BYTES, text->bytes,
					      text->size, whole, &size) != NULL;

	free(text->bytes);
	if (!ok)
		return -ENOMEM;
	memcpy(out, whole, FINGERPRINT_BYTES);
	return 0;
}

/* An element of a list, with what it is sorted by. */
struct element {
	json_t *json;
	char *text;
};

static int compare_elements(const void *left, const void *right)
{
	const struct element *a = left, *b = right;

	return strcmp(a->text, b->text);
}

/* What tells elements apart: their name, or all of them. */
static char *text_of(const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	return name != NULL ? strdup(name)
			    : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static void free_elements(struct element *elements, size_t count)
{
	for (size_t i = 0; elements != NULL && i < count; i++) {
		json_decref(elements[i].json);
		free(elements[i].text);
	}
	free(elements);
}

static bool sort_list(json_t *list)
{
	const size_t count = json_array_size(list);
	struct element *elements = calloc(count + 1, sizeof(*elements));
	bool ok = elements != NULL;

	for (size_t i = 0; ok && i < count; i++) {
		elements[i].json = json_incref(json_array_get(list, i));
		elements[i].text = text_of(elements[i].json);
		ok = elements[i].text != NULL;
	}
	if (ok) {
		qsort(elements, count, sizeof(*elements), compare_elements);
		for (size_t i = 0; i < count; i++)
			json_array_set(list, i, elements[i].json);
	}
	free_elements(elements, count);
	return ok;
}

/* The lists in @json first, so that those that have no name are sorted by a sorted text. */
static bool sort_lists(json_t *json)
{
	const char *name;
	json_t *member;
	size_t index;
	bool ok = true;

	json_object_foreach (json, name, member) {
		ok = ok && sort_lists(member);
	}
	json_array_foreach (json, index, member) {
		ok = ok && sort_lists(member);
	}
	return ok && (!json_is_array(json) || sort_list(json));
}

static void forget_sources(json_t *pools)
{
	json_t *pool;
	size_t index;

	json_array_foreach (pools, index, pool)
		json_object_del(json_object_get(pool, "tunnel"), "source");
}

static int digest_configuration(const struct config *config, uint8_t out[FINGERPRINT_BYTES])
{
	json_auto_t *whole = config_encode(config);
	json_t *pools = json_object_get(whole, "pools");
	json_auto_t *part = json_pack("{s:O, s:O}", "pools", pools, "services",
				      json_object_get(whole, "services"));
	struct text text = {NULL};
	char *json;

	forget_sources(pools);
	if (part == NULL || !sort_lists(part))
		return -ENOMEM;
	json = json_dumps(part, JSON_COMPACT | JSON_SORT_KEYS);
	if (json == NULL)
		return -ENOMEM;
	put(&text, configuration_label, sizeof(configuration_label));
	put(&text, json, strlen(json));
	free(json);
	return digest(&text, config->node.key, out);
}

struct named {
	const char *name;
	const uint8_t *fingerprint;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return strcmp(a->name, b->name);
}

int node_fingerprint_make(const struct config *config, const uint8_t (*pools)[FINGERPRINT_BYTES],
			  struct node_fingerprint *out)
{
	struct named *named = calloc(config->pool_count + 1, sizeof(*named));
	struct text text = {NULL};
	int rc = named != NULL ? digest_configuration(config, out->configuration) : -ENOMEM;

	if (rc < 0) {
		free(named);
		return rc;
	}
	for (uint32_t i = 0; i < config->pool_count; i++)
		named[i] = (struct named){config->pools[i].name, pools[i]};
	qsort(named, config->pool_count, sizeof(*named), compare_named);
	put(&text, node_label, sizeof(node_label));
	put(&text, out->configuration, sizeof(out->configuration));
	for (uint32_t i = 0; i < config->pool_count; i++) {
		put(&text, named[i].name, strlen(named[i].name) + 1);
		put(&text, named[i].fingerprint, FINGERPRINT_BYTES);
	}
	free(named);
	return digest(&text, config->node.key, out->node);
}
