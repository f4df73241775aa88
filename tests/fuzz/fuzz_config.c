/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer's target for the configuration's file: a text, read as config_load() reads it. Besides
 * what the sanitizers find, it fails when a text is refused without a reason, and when one that is
 * taken is not the same again after it was written and read.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_diff.h"
#include "config_file.h"
#include "config_tables.h"
#include "field_write.h"

/* libFuzzer calls it, and has no header that says so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_config: %s\n", what);
	abort();
}

static struct config *parse(const char *text, size_t size)
{
	struct field_errors errors = {0};
	struct config *config = config_parse(text, size, &errors);

	check((config == NULL) == field_errors_any(&errors),
	      "refused without a reason, or taken with one");
	field_errors_fini(&errors);
	return config;
}

static void check_same(const struct config *a, const struct config *b)
{
	struct config_diff diff;

	check(b != NULL, "its own text is refused");
	check(config_equal(a, b), "not the same any more");
	check(config_diff(a, b, &diff) == 0 && diff.count == 0, "a difference to itself");
}

static void check_text(const struct config *config)
{
	char *text = shape_write(&config_shape, config, SHAPE_PLAIN, SHAPE_INDENTED);
	json_t *json = config_encode(config);
	char *dumped = json_dumps(json, JSON_INDENT(2));
	struct config *again = parse(text, strlen(text));

	check(strcmp(text, dumped) == 0, "written otherwise than by jansson");
	check_same(config, again);
	config_free(again);
	json_decref(json);
	free(dumped);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = parse((const char *)data, size);
	struct config *copy;

	if (config == NULL)
		return 0;
	copy = config_copy(config);
	check_same(config, copy);
	check_text(config);
	config_free(copy);
	config_free(config);
	return 0;
}
