/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_help.h"

#include <string.h>

#include <jansson.h>

#include "config.h"
#include "ctl_args.h"
#include "text_wrap.h"

#define LEFT_COLUMN 22

/* "backend drain POOL/BACKEND" */
static void words_of(const struct ctl_command *command, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s%s%s", command->noun, command->verb ? " " : "",
		 command->verb ? command->verb : "", command->args[0] ? " " : "", command->args);
}

static void print_row(FILE *stream, const char *left, const char *right)
{
	char line[512];

	if (strlen(left) > LEFT_COLUMN) {
		fprintf(stream, "  %s\n", left);
		left = "";
	}
	snprintf(line, sizeof(line), "  %-*s  %s", LEFT_COLUMN, left, right);
	text_wrap(stream, LEFT_COLUMN + 4, line);
}

static void print_option(FILE *stream, enum ctl_option option)
{
	const struct ctl_option_row *row = &ctl_options[option];
	char left[64];

	snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name,
		 row->argument ? " " : "", row->argument ? row->argument : "");
	print_row(stream, left, row->text);
}

static bool is_first_of_noun(uint32_t index)
{
	return index == 0 || strcmp(ctl_commands[index - 1].noun, ctl_commands[index].noun) != 0;
}

/* The verbs of the noun that begins at @index; one that has none says what it does. */
static void print_noun(FILE *stream, uint32_t index)
{
	const struct ctl_command *first = &ctl_commands[index];
	char verbs[256] = "";
	size_t used = 0;

	if (!first->verb) {
		print_row(stream, first->noun, first->text);
		return;
	}
	for (; index < ctl_command_count && strcmp(ctl_commands[index].noun, first->noun) == 0;
	     index++)
		used += (size_t)snprintf(verbs + used, sizeof(verbs) - used, "%s%s",
					 used > 0 ? ", " : "", ctl_commands[index].verb);
	print_row(stream, first->noun, verbs);
}

void ctl_help_all(FILE *stream)
{
	fputs("Usage: mailrailctl [OPTIONS] NOUN VERB [ARGS]\n\n"
	      "Manages a running mailraild over its JSON-RPC socket.\n\n",
	      stream);
	for (uint32_t i = 0; i < ctl_command_count; i++)
		if (is_first_of_noun(i) && !ctl_commands[i].hidden)
			print_noun(stream, i);
	fputs("\nOptions of every command:\n", stream);
	for (int i = 0; i < CTL_OPTION_GENERATION; i++)
		print_option(stream, (enum ctl_option)i);
	fputs("\nMore: mailrailctl NOUN --help, mailrailctl NOUN VERB --help, mailrailctl(1).\n",
	      stream);
}

void ctl_help_noun(FILE *stream, const char *noun)
{
	fprintf(stream, "Usage: mailrailctl [OPTIONS] %s VERB [ARGS]\n\n", noun);
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		char words[96];

		if (strcmp(ctl_commands[i].noun, noun) != 0)
			continue;
		words_of(&ctl_commands[i], words, sizeof(words));
		print_row(stream, words, ctl_commands[i].text);
	}
	fprintf(stream, "\nMore: mailrailctl %s VERB --help\n", noun);
}

/* "health.interval" and so on below @schema. */
static void print_setting_rows(FILE *stream, const char *prefix, const json_t *schema)
{
	const char *name;
	json_t *field;

	json_object_foreach (json_object_get(schema, "properties"), name, field) {
		const char *words = json_string_value(json_object_get(field, "description"));
		char path[96];

		if (!prefix[0] && strcmp(name, "name") == 0)
			continue;
		snprintf(path, sizeof(path), "%s%s", prefix, name);
		if (json_object_get(field, "properties")) {
			strncat(path, ".", sizeof(path) - strlen(path) - 1);
			print_setting_rows(stream, path, field);
		} else {
			print_row(stream, path, words ? words : "");
		}
	}
}

static void print_names(FILE *stream, const struct ctl_setting *list)
{
	char line[512];
	int used = snprintf(line, sizeof(line), "Names:");

	for (; list->name && used < (int)sizeof(line); list++)
		used += snprintf(line + used, sizeof(line) - (size_t)used, " %s", list->name);
	fputc('\n', stream);
	text_wrap(stream, 7, line);
}

static void print_settings(FILE *stream, const struct ctl_settings *settings)
{
	json_t *schema;

	if (settings->part) {
		schema = config_schema();
		fputs("\nSettings (lists with commas, or as JSON):\n", stream);
		print_setting_rows(stream, "", ctl_args_part_schema(schema, settings->part));
		json_decref(schema);
	}
	if (settings->list)
		print_names(stream, settings->list);
}

void ctl_help_command(FILE *stream, const struct ctl_command *command)
{
	char words[96], line[256];

	words_of(command, words, sizeof(words));
	fprintf(stream, "Usage: mailrailctl [OPTIONS] %s\n\n%s\n", words, command->text);
	if (command->options) {
		fputs("\nOptions, besides those of every command:\n", stream);
		for (int i = CTL_OPTION_GENERATION; i < CTL_OPTION_COUNT; i++)
			if (command->options & CTL_OPTION_BIT(i))
				print_option(stream, (enum ctl_option)i);
	}
	print_settings(stream, &command->settings);
	if (command->method)
		fprintf(stream, "\nCalls the method %s.\n", command->method);
	snprintf(line, sizeof(line), "  mailrailctl %s", command->example);
	fputs("\nExample:\n", stream);
	text_wrap(stream, 6, line);
}
