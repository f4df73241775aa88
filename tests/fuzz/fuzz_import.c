/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer's target for the importers: each reads every input, a file's text, as tests/import has
 * some. What comes out is a configuration, or nothing and a reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "import.h"

/* libFuzzer calls it, and has no header that says so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_import: %s\n", what);
	abort();
}

static void check_config(const json_t *json)
{
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors);

	field_errors_print(&errors, stderr);
	check(config != NULL && errors.count == 0, "the result is no configuration");
	check(config->service_count > 0, "the result has no service");
	field_errors_fini(&errors);
	config_free(config);
}

static void import(enum import_format format, const struct import_options *options,
		   const char *text, size_t size)
{
	struct import_notes notes = {0};
	json_t *config = NULL;
	const int rc = import_text(format, text, size, options, &config, &notes);

	check((rc == 0) == (config != NULL), "a result and an error, or neither");
	check(rc == 0 || rc == -EINVAL || rc == -ENOENT, "an error that is none");
	check(rc != -EINVAL || notes.count > 0, "broken without a reason");
	if (config)
		check_config(config);
	json_decref(config);
	import_notes_fini(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* So that either is tried with every text in the end. */
	const struct import_options options = {.all = size % 2 == 1};

	for (enum import_format format = 0; format < IMPORT_FORMAT_COUNT; format++)
		import(format, &options, (const char *)data, size);
	return 0;
}
