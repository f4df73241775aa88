/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ctl_exit.h"

int ctl_usage_error(const char *what, const char *why)
{
	fprintf(stderr, "mailrailctl: %s: %s; try --help\n", what, why);
	return CTL_USAGE;
}

/* Takes @value; NULL there: the word is not UTF-8. */
static int put(json_t *object, const char *name, json_t *value, const char *word)
{
	if (json_object_set_new(object, name, value) == 0)
		return CTL_DONE;
	return ctl_usage_error(word, "not valid UTF-8");
}

/* NULL: @word is no number. */
static json_t *number_of(const char *word)
{
	char *end;
	const long long value = strtoll(word, &end, 10);

	return end == word || *end != '\0' ? NULL : json_integer(value);
}

static int put_number(json_t *object, const char *name, const char *word)
{
	json_t *value = number_of(word);

	return value ? put(object, name, value, word) : ctl_usage_error(word, "expected a number");
}

/* POOL/BACKEND: the pool is put into @params, the backend into @where. */
static int put_backend(json_t *params, json_t *where, const char *name, const char *word)
{
	const char *slash = strchr(word, '/');
	int status;

	if (!slash)
		return ctl_usage_error(word, "expected POOL/BACKEND");
	status = put(params, "pool", json_stringn(word, (size_t)(slash - word)), word);
	return status == CTL_DONE ? put(where, name, json_string(slash + 1), word) : status;
}

/* ADDRESS:PORT or [ADDRESS]:PORT; the balancer knows which addresses are right. */
static int put_end(json_t *params, const char *name, const char *word)
{
	const char *colon = strrchr(word, ':');
	const bool bracketed = word[0] == '[' && colon && colon > word + 1 && colon[-1] == ']';
	const char *address = bracketed ? word + 1 : word;
	json_t *port = colon && colon[1] >= '0' && colon[1] <= '9' ? number_of(colon + 1) : NULL;
	char port_name[32];
	int status;

	if (!port || (!bracketed && strchr(word, ':') != colon)) {
		json_decref(port);
		return ctl_usage_error(word, "expected ADDRESS:PORT, or [ADDRESS]:PORT for IPv6");
	}
	snprintf(port_name, sizeof(port_name), "%s_port", name);
	json_object_set_new(params, port_name, port);
	status = put(params, name, json_stringn(address, (size_t)(colon - address) - bracketed),
		     word);
	return status;
}

/* "-" is standard input. CTL_DONE: *@out is the caller's. */
static int read_document(const char *path, json_t **out)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	json_error_t error;

	*out = is_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
			: json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (*out)
		return CTL_DONE;
	if (error.line > 0)
		fprintf(stderr, "mailrailctl: %s: line %d, column %d: %s\n", path, error.line,
			error.column, error.text);
	else
		fprintf(stderr, "mailrailctl: %s\n", error.text);
	return CTL_REFUSED;
}

static int put_document(json_t *params, const char *name, const char *path)
{
	json_t *document;
	int status = read_document(path, &document);

	return status == CTL_DONE ? put(params, name, document, path) : status;
}

static int put_list(json_t *params, const char *name, char **words)
{
	json_t *list = json_array();

	for (; *words; words++) {
		if (json_array_append_new(list, json_string(*words)) == 0)
			continue;
		json_decref(list);
		return ctl_usage_error(*words, "not valid UTF-8");
	}
	return put(params, name, list, "words");
}

/* An object, or an array of what has no names. */
static int replace_params(json_t **params, const char *word)
{
	json_error_t error;
	json_t *value = json_loads(word, JSON_REJECT_DUPLICATES, &error);

	if (!value)
		return ctl_usage_error("parameters", error.text);
	json_decref(*params);
	*params = value;
	return CTL_DONE;
}

static int put_source(json_t *params, const char *name, const char *word)
{
	json_t *number = number_of(word);

	return put(params, name, number ? number : json_string(word), word);
}

/* @settings: where the members of a new object are put. */
static int put_position(const struct ctl_position *position, char **words, json_t **out_params,
			json_t *settings)
{
	json_t *params = *out_params;
	const char *word = words[0];

	switch (position->kind) {
	case CTL_POSITION_TEXT:
		return put(params, position->name, json_string(word), word);
	case CTL_POSITION_NUMBER:
		return put_number(params, position->name, word);
	case CTL_POSITION_SOURCE:
		return put_source(params, position->name, word);
	case CTL_POSITION_POOL_OR_BACKEND:
		if (!strchr(word, '/'))
			return put(params, "pool", json_string(word), word);
		return put_backend(params, params, "backend", word);
	case CTL_POSITION_BACKEND:
		return put_backend(params, params, "backend", word);
	case CTL_POSITION_END:
		return put_end(params, position->name, word);
	case CTL_POSITION_DOCUMENT:
		return put_document(params, position->name, word);
	case CTL_POSITION_NEW:
		return put(settings, "name", json_string(word), word);
	case CTL_POSITION_NEW_BACKEND:
		return put_backend(params, settings, "name", word);
	case CTL_POSITION_PARAMS:
		return replace_params(out_params, word);
	case CTL_POSITION_LIST:
		return put_list(params, position->name, words);
	case CTL_POSITION_WORD:
	case CTL_POSITION_NONE:
		break;
	}
	return CTL_DONE;
}

const json_t *ctl_args_part_schema(const json_t *schema, const char *part)
{
	while (schema && *part) {
		const size_t length = strcspn(part, "/");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)length, part);
		schema = json_object_get(json_object_get(schema, "properties"), name);
		schema = json_object_get(schema, "items");
		part += length + (part[length] == '/');
	}
	return schema;
}

static bool has_type(const json_t *schema, const char *type)
{
	const char *own = json_string_value(json_object_get(schema, "type"));

	return own && strcmp(own, type) == 0;
}

static json_t *value_of(const char *word, size_t length, const json_t *schema);

/* A list of words between commas. */
static json_t *list_of(const char *word, size_t length, const json_t *item_schema)
{
	json_t *list = json_array();

	while (length > 0) {
		const char *comma = memchr(word, ',', length);
		const size_t item = comma ? (size_t)(comma - word) : length;

		json_array_append_new(list, value_of(word, item, item_schema));
		word += item + (comma != NULL);
		length -= item + (comma != NULL);
	}
	return list;
}

/*
 * What @word means where @schema wants a value. A value that is not of its type is sent as it is,
 * for the balancer to refuse with its own words.
 */
static json_t *value_of(const char *word, size_t length, const json_t *schema)
{
	json_t *value = NULL;

	if (length > 0 && (word[0] == '[' || word[0] == '{'))
		value = json_loadb(word, length, JSON_REJECT_DUPLICATES, NULL);
	else if (has_type(schema, "integer") || has_type(schema, "boolean"))
		value = json_loadb(word, length, JSON_DECODE_ANY, NULL);
	else if (has_type(schema, "array"))
		value = list_of(word, length, json_object_get(schema, "items"));
	return value ? value : json_stringn(word, length);
}

/* health.interval=2s: the member interval of the member health. */
static int put_by_schema(json_t *object, const json_t *schema, const char *name, const char *word)
{
	const char *equals = strchr(name, '=');
	const size_t length = strcspn(name, ".=");
	char member[64];
	json_t *inner;

	if (length == 0 || length >= sizeof(member))
		return ctl_usage_error(word, "expected NAME=VALUE");
	snprintf(member, sizeof(member), "%.*s", (int)length, name);
	schema = json_object_get(json_object_get(schema, "properties"), member);
	if (name[length] == '=')
		return put(object, member, value_of(equals + 1, strlen(equals + 1), schema), word);
	inner = json_object_get(object, member);
	if (!json_is_object(inner)) {
		json_object_set_new(object, member, json_object());
		inner = json_object_get(object, member);
	}
	return put_by_schema(inner, schema, name + length + 1, word);
}

static int put_boolean(json_t *object, const char *name, const char *word)
{
	if (strcmp(word, "true") != 0 && strcmp(word, "false") != 0)
		return ctl_usage_error(word, "expected true or false");
	return put(object, name, json_boolean(word[0] == 't'), word);
}

static int put_listed(json_t *object, const struct ctl_setting *setting, const char *word)
{
	const size_t length = strcspn(word, "=");
	const char *value = word + length + 1;

	for (; setting->name; setting++) {
		if (strlen(setting->name) != length || strncmp(word, setting->name, length) != 0)
			continue;
		switch (setting->kind) {
		case CTL_SETTING_TEXT:
			return put(object, setting->name, json_string(value), word);
		case CTL_SETTING_NUMBER:
			return put_number(object, setting->name, value);
		case CTL_SETTING_BOOL:
			return put_boolean(object, setting->name, value);
		case CTL_SETTING_LIST:
			return put(object, setting->name, list_of(value, strlen(value), NULL),
				   word);
		}
	}
	return ctl_usage_error(word, "not one of the names that go here");
}

static int put_settings(const struct ctl_settings *settings, char **words, json_t *object)
{
	json_t *schema = settings->part ? config_schema() : NULL;
	const json_t *part = schema ? ctl_args_part_schema(schema, settings->part) : NULL;
	int status = CTL_DONE;

	for (; *words && status == CTL_DONE; words++) {
		if (!strchr(*words, '='))
			status = ctl_usage_error(*words, "expected NAME=VALUE");
		else if (settings->list)
			status = put_listed(object, settings->list, *words);
		else
			status = put_by_schema(object, part, *words, *words);
	}
	json_decref(schema);
	return status;
}

/* What stands in --file, below what the words say. */
static int put_file(const struct ctl_line *line, json_t *object)
{
	const char *path = line->options->value[CTL_OPTION_FILE];
	json_t *document;
	int status = path ? read_document(path, &document) : CTL_DONE;

	if (!path || status != CTL_DONE)
		return status;
	if (json_is_object(document))
		json_object_update_missing(object, document);
	else
		status = ctl_usage_error(path, "expected a JSON object");
	json_decref(document);
	return status;
}

static int put_options(const struct ctl_line *line, json_t *params)
{
	const struct ctl_options *options = line->options;
	static const struct {
		enum ctl_option option;
		const char *name;
	} texts[] = {{CTL_OPTION_CONFIRM, "confirm_within"}, {CTL_OPTION_OS, "os"}},
	  numbers[] = {{CTL_OPTION_GENERATION, "generation"}, {CTL_OPTION_SINCE, "since"}},
	  flags[] = {{CTL_OPTION_ANONYMOUS, "anonymous"},
		     {CTL_OPTION_ASSUME_UP, "assume_up"},
		     {CTL_OPTION_HOLD, "hold_sessions"}};
	int status = CTL_DONE;

	for (size_t i = 0; i < 2 && status == CTL_DONE; i++) {
		const char *text = options->value[texts[i].option];
		const char *number = options->value[numbers[i].option];

		if (text)
			status = put(params, texts[i].name, json_string(text), text);
		if (number && status == CTL_DONE)
			status = put_number(params, numbers[i].name, number);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (options->value[flags[i].option])
			json_object_set_new(params, flags[i].name, json_true());
	return status;
}

static int put_words(const struct ctl_line *line, json_t **params, json_t *settings)
{
	const struct ctl_command *command = line->command;
	int status = CTL_DONE, used = 0;

	for (; used < line->arg_count && command->positions[used].kind != CTL_POSITION_NONE;
	     used++) {
		/* An optional position that was left out: settings follow. */
		if (used >= command->required && ctl_command_has_settings(command) &&
		    strchr(line->args[used], '='))
			break;
		status = put_position(&command->positions[used], line->args + used, params,
				      settings);
		if (status != CTL_DONE || command->positions[used].kind == CTL_POSITION_LIST)
			return status;
	}
	if (ctl_command_has_settings(command))
		return put_settings(&command->settings, line->args + used, settings);
	return CTL_DONE;
}

int ctl_args_params(const struct ctl_line *line, json_t **out_params)
{
	const struct ctl_command *command = line->command;
	json_t *params = command->constant ? json_loads(command->constant, 0, NULL) : json_object();
	json_t *settings = command->settings.into ? json_object() : json_incref(params);
	int status = put_words(line, &params, settings);

	if (status == CTL_DONE)
		status = put_file(line, settings);
	if (status == CTL_DONE)
		status = put_options(line, params);
	if (status == CTL_DONE && command->settings.into)
		json_object_set(params, command->settings.into, settings);
	json_decref(settings);
	if (status == CTL_DONE)
		*out_params = params;
	else
		json_decref(params);
	return status;
}
