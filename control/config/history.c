/* SPDX-License-Identifier: BSD-3-Clause */
#define LOG_TOPIC LOG_TOPIC_CONFIG

#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config_complete.h"
#include "config_tables.h"
#include "durable_file.h"
#include "field_write.h"
#include "log.h"

/* Twenty times a configuration that is wholly replaced, twice. */
#define HISTORY_FILE_MAX (1u << 30)
#define HISTORY_FORMAT	 1

static const struct field entry_fields[] = {
	{"generation", FIELD_UINT, FIELD_AT(struct history_entry, generation), .required = true,
	 .min = 1, .text = "Number of the generation"},
	{"time_ms", FIELD_UINT, FIELD_AT(struct history_entry, time_ms), .required = true,
	 .text = "When it came into force, in milliseconds since 1970"},
	{"author", FIELD_STRING, FIELD_AT(struct history_entry, author), .required = true,
	 .text = "Who brought it: an RPC peer, file (edited by hand) or mailraild itself"},
	{"role", FIELD_STRING, FIELD_AT(struct history_entry, role),
	 .text = "The author's role; absent: no RPC peer"},
	{"reason", FIELD_STRING, FIELD_AT(struct history_entry, reason), .required = true,
	 .text = "The method that was called, or what else was the cause"},
	{"unconfirmed", FIELD_BOOL, FIELD_AT(struct history_entry, unconfirmed),
	 .text = "Whether it was to be confirmed, and has not been"},
	{"changes", FIELD_OBJECT, FIELD_LIST_AT(struct history_entry, diff.list, diff.count),
	 .required = true, .shape = &config_change_shape,
	 .text = "What it changed, against the generation before"},
};
const struct shape history_entry_shape =
	SHAPE("history_entry", struct history_entry, entry_fields, "A generation");

/* The file, when it is read; it is written piece by piece. */
struct history_file {
	uint32_t format;
	json_t *config; /* of the latest generation */
	struct history_entry *generations;
	uint32_t count;
};

static const struct field file_fields[] = {
	{"format", FIELD_UINT, FIELD_AT(struct history_file, format), .required = true,
	 .min = HISTORY_FORMAT, .max = HISTORY_FORMAT},
	{"config", FIELD_JSON, FIELD_AT(struct history_file, config), .required = true},
	{"generations", FIELD_OBJECT, FIELD_LIST_AT(struct history_file, generations, count),
	 .required = true, .shape = &history_entry_shape, .list_min = 1,
	 .list_max = HISTORY_GENERATIONS},
};
static const struct shape file_shape =
	SHAPE("history", struct history_file, file_fields, "The history of a configuration");

struct record {
	struct history_entry entry;
	char *text; /* encoded once: as it stands in the file */
};

struct history {
	char *path;				    /* NULL: in memory only */
	uint64_t generation;			    /* the one in force, recorded or not */
	struct record records[HISTORY_GENERATIONS]; /* newest first */
	uint32_t count;
};

static void record_fini(struct record *record)
{
	shape_fini(&history_entry_shape, &record->entry);
	free(record->text);
	*record = (struct record){.text = NULL};
}

/* False: no memory; the former text is still there. */
static bool record_encode(struct record *record)
{
	char *text = shape_write(&history_entry_shape, &record->entry, SHAPE_PLAIN, SHAPE_ONE_LINE);

	if (!text)
		return false;
	free(record->text);
	record->text = text;
	return true;
}

/* Makes room at the front, and takes what @record owns. */
static void push(struct history *history, const struct record *record)
{
	if (history->count == HISTORY_GENERATIONS)
		record_fini(&history->records[--history->count]);
	memmove(&history->records[1], &history->records[0],
		history->count * sizeof(history->records[0]));
	history->records[0] = *record;
	history->count++;
}

/* One generation a line. NULL: no memory. */
static char *compose(const struct history *history, const char *config, size_t *out_size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, out_size);

	if (!stream)
		return NULL;
	fprintf(stream, "{\"format\":%d,\n\"config\":%s,\n\"generations\":[", HISTORY_FORMAT,
		config);
	for (uint32_t i = 0; i < history->count; i++)
		fprintf(stream, "%s\n%s", i > 0 ? "," : "", history->records[i].text);
	fputs("\n]}\n", stream);
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

void history_save(const struct history *history, const struct config *config)
{
	char *encoded, *text;
	size_t size = 0;
	int rc = -ENOMEM;

	if (!history->path)
		return;
	encoded = shape_write(&config_shape, config, SHAPE_REDACT, SHAPE_ONE_LINE);
	text = encoded ? compose(history, encoded, &size) : NULL;
	if (text)
		rc = durable_file_replace(history->path, text, size);
	free(encoded);
	free(text);
	if (rc < 0)
		log_write(LOG_ERR, "%s: cannot save the history: %s", history->path, strerror(-rc));
}

/* A copy that can stand in a file of JSON, whatever a peer calls itself. NULL: no memory. */
static char *clean_copy(const char *text)
{
	char *copy = strdup(text);
	json_t *valid = json_string(text); /* NULL: no UTF-8 */

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || (!valid && (unsigned char)*c > 0x7f))
			*c = '?';
	json_decref(valid);
	return copy;
}

static bool record_make(struct record *record, const struct author *author)
{
	struct history_entry *entry = &record->entry;

	entry->time_ms = clock_wall_ms();
	entry->author = clean_copy(author->name);
	entry->role = author->role ? clean_copy(author->role) : NULL;
	entry->reason = clean_copy(author->reason);
	return entry->author && entry->reason && (entry->role || !author->role) &&
	       record_encode(record);
}

/* @after is the next generation. */
static void add(struct history *history, const struct config *before, const struct config *after,
		const struct author *author, bool unconfirmed)
{
	struct record record = {
		.entry = {.generation = ++history->generation, .unconfirmed = unconfirmed}};

	if ((before && config_diff(before, after, &record.entry.diff) < 0) ||
	    !record_make(&record, author)) {
		log_write(LOG_ERR, "history: no memory for generation %" PRIu64 ": it begins anew",
			  history->generation);
		record_fini(&record);
		while (history->count > 0) /* what came before can no longer be told */
			record_fini(&history->records[--history->count]);
		return;
	}
	push(history, &record);
}

void history_add(struct history *history, const struct config *before, const struct config *after,
		 const struct author *author, bool unconfirmed)
{
	add(history, before, after, author, unconfirmed);
	history_save(history, after);
}

void history_confirm(struct history *history, const struct config *config)
{
	struct record *record = &history->records[0];

	if (history->count == 0 || record->entry.generation != history->generation)
		return;
	record->entry.unconfirmed = false;
	if (record_encode(record))
		history_save(history, config);
	else
		log_write(LOG_ERR, "history: out of memory: the confirmation is not recorded");
}

/* Each of the file's generations follows the one behind it, and has changed something. */
static bool is_in_order(const struct history_file *file)
{
	for (uint32_t i = 1; i < file->count; i++)
		if (file->generations[i].generation + 1 != file->generations[i - 1].generation)
			return false;
	return true;
}

/* Takes the entries out of @file. */
static int take_entries(struct history *history, struct history_file *file)
{
	for (uint32_t i = 0; i < file->count; i++) {
		struct record *record = &history->records[history->count];

		record->entry = file->generations[i];
		memset(&file->generations[i], 0, sizeof(file->generations[i]));
		history->count++;
		if (!record_encode(record))
			return -ENOMEM;
	}
	history->generation = history->records[0].entry.generation;
	return 0;
}

static void set_aside(const struct history *history, const char *why)
{
	char *refused;

	if (asprintf(&refused, "%s.refused", history->path) < 0)
		return;
	if (rename(history->path, refused) == 0)
		log_write(LOG_WARNING,
			  "%s: %s: it is now %s, and generations are counted from 1 again",
			  history->path, why, refused);
	else
		log_write(LOG_ERR, "%s: %s, and cannot be set aside: %s", history->path, why,
			  strerror(errno));
	free(refused);
}

static bool decode_file(const json_t *json, struct history_file *file, char *out_why)
{
	struct field_errors errors = {0};
	const bool ok = shape_decode(&file_shape, json, NULL, file, &errors);

	if (!ok)
		field_errors_line(&errors, 0, out_why, FIELD_ERROR_LINE_MAX);
	else if (!is_in_order(file))
		strcpy(out_why, "/generations: not one after the other");
	field_errors_fini(&errors);
	return ok && is_in_order(file);
}

/* *@out_config: what the latest generation was; NULL: there is none. */
static int load(struct history *history, json_t **out_config)
{
	char why[FIELD_ERROR_LINE_MAX];
	struct history_file file = {0};
	json_error_t error;
	json_t *json;
	char *text;
	size_t size;
	int rc = durable_file_read(history->path, HISTORY_FILE_MAX, &text, &size);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0) {
		set_aside(history, strerror(-rc));
		return 0;
	}
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!json) {
		snprintf(why, sizeof(why), "line %d: %s", error.line, error.text);
		set_aside(history, why);
		return 0;
	}
	if (decode_file(json, &file, why)) {
		rc = take_entries(history, &file);
		*out_config = json_incref(file.config);
	} else {
		set_aside(history, why);
	}
	shape_fini(&file_shape, &file);
	json_decref(json);
	return rc;
}

/* NULL: this version of mailrail does not take it any more. */
static struct config *decode_config(json_t *json, const struct config *running)
{
	struct field_errors errors = {0};
	struct config *config = NULL;

	if (config_complete_secrets(json, running))
		config = config_decode(json, &errors);
	field_errors_fini(&errors);
	return config;
}

/* @former: what the latest generation was, if there is one. */
static void go_on(struct history *history, const struct config *config, json_t *former)
{
	const bool tested = history->count > 0 && history->records[0].entry.unconfirmed;
	const struct author author = {
		.name = "file",
		.reason = tested ? "start before confirmation" : "start",
	};
	struct config *before = former ? decode_config(former, config) : NULL;

	if (!before && history->count > 0)
		log_write(LOG_WARNING, "%s: what it describes is no configuration any more",
			  history->path);
	if (!before) {
		while (history->count > 0)
			record_fini(&history->records[--history->count]);
		add(history, NULL, config, &author, false);
	} else if (!config_equal(before, config)) {
		add(history, before, config, &author, false);
	} else if (tested) { /* and confirmed: it is in the file */
		history->records[0].entry.unconfirmed = false;
		(void)record_encode(&history->records[0]);
	}
	config_free(before);
}

static char *path_beside(const char *config_path)
{
	char *path;

	return asprintf(&path, "%s.history", config_path) < 0 ? NULL : path;
}

int history_create(const char *path, const struct config *config, struct history **out)
{
	struct history *history = calloc(1, sizeof(*history));
	json_t *former = NULL;
	int rc = 0;

	if (!history)
		return -ENOMEM;
	if (path) {
		history->path = path_beside(path);
		rc = history->path ? load(history, &former) : -ENOMEM;
	}
	if (rc == 0)
		go_on(history, config, former);
	json_decref(former);
	if (rc < 0) {
		history_destroy(history);
		return rc;
	}
	*out = history;
	return 0;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	while (history->count > 0)
		record_fini(&history->records[--history->count]);
	free(history->path);
	free(history);
}

uint64_t history_generation(const struct history *history)
{
	return history->generation;
}

uint32_t history_count(const struct history *history)
{
	return history->count;
}

const struct history_entry *history_get(const struct history *history, uint32_t index)
{
	return &history->records[index].entry;
}

int history_config(const struct history *history, uint64_t generation, const struct config *running,
		   json_t **out)
{
	json_t *config;
	int rc = 0;

	if (generation > history->generation || history->generation - generation >= history->count)
		return -ENOENT;
	config = shape_encode(&config_shape, running, SHAPE_REDACT);
	if (!config)
		return -ENOMEM;
	for (uint32_t i = 0; i < history->generation - generation && rc == 0; i++)
		rc = config_diff_undo(config, &history->records[i].entry.diff);
	if (rc < 0) {
		json_decref(config);
		return rc;
	}
	*out = config;
	return 0;
}
