/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

/* Frees @text. */
static json_t *load(char *text)
{
	json_error_t error;
	json_t *json;

	for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
		*quote = '"';
	json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		printf("line %d, column %d: %s\n", error.line, error.column, error.text);
	free(text);
	return json;
}

struct config *config_from_text(const char *format, ...)
{
	struct field_errors errors = {0};
	struct config *config;
	va_list arguments;
	json_t *json;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	CU_ASSERT_FATAL(length >= 0);
	json = load(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	config = config_decode(json, &errors);
	field_errors_print(&errors, stdout);
	field_errors_fini(&errors);
	json_decref(json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}
