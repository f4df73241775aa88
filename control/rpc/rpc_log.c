/* SPDX-License-Identifier: BSD-3-Clause */
/* The log's levels, to be looked at and changed while mailraild runs. */
#define LOG_TOPIC LOG_TOPIC_RPC

#include "log.h"

#include <string.h>

#include "rpc_methods.h"

struct topic_row {
	enum log_topic topic;
	enum log_level level;
	char *text;
};

static const struct field topic_fields[] = {
	{"topic", FIELD_ENUM, FIELD_AT(struct topic_row, topic), .required = true,
	 .choices = log_topics, .text = "What messages are about, as a word"},
	{"level", FIELD_ENUM, FIELD_AT(struct topic_row, level), .required = true,
	 .choices = log_levels, .text = "The least urgent messages that are written"},
	{"text", FIELD_STRING, FIELD_AT(struct topic_row, text), .required = true,
	 .text = "What they are about"},
};
static const struct shape topic_shape =
	SHAPE("log_topic", struct topic_row, topic_fields, "A topic and its level");

struct log_result {
	enum log_format format;
	struct topic_row *topics;
	uint32_t topic_count;
};

enum { LOG_RESULT_TOPICS = 1 };

static const struct field result_fields[] = {
	{"format", FIELD_ENUM, FIELD_AT(struct log_result, format), .required = true,
	 .choices = log_formats,
	 .text = "How messages are written; log.format of the configuration"},
	[LOG_RESULT_TOPICS] = {"topics", FIELD_OBJECT,
			       FIELD_LIST_AT(struct log_result, topics, topic_count),
			       .required = true, .shape = &topic_shape, .text = "Each topic"},
};
static const struct shape log_result =
	SHAPE("log_result", struct log_result, result_fields, "How the log is set");

static const char *const topic_texts[] = {
#define TOPIC_TEXT(id, name, text) [id] = (text),
	LOG_TOPICS(TOPIC_TEXT)
#undef TOPIC_TEXT
};

static enum rpc_error log_get(struct rpc_call *call)
{
	struct log_result *result = call->result;

	result->format = log_get_format();
	if (!field_list_alloc(&result_fields[LOG_RESULT_TOPICS], result, LOG_TOPIC_COUNT))
		return RPC_INTERNAL_ERROR;
	for (int i = 0; i < LOG_TOPIC_COUNT; i++) {
		struct topic_row *row = &result->topics[i];

		row->topic = (enum log_topic)i;
		row->level = (enum log_level)(log_get_topic_level(row->topic) - LOG_ERR);
		row->text = strdup(topic_texts[i]);
		if (!row->text)
			return RPC_INTERNAL_ERROR;
	}
	return RPC_OK;
}

struct log_set_params {
	bool topic_given;
	enum log_topic topic;
	enum log_level level;
};

static const struct field set_fields[] = {
	{"topic", FIELD_ENUM, FIELD_AT(struct log_set_params, topic),
	 FIELD_PRESENT(struct log_set_params, topic_given), .choices = log_topics,
	 .text = "Which topic; absent: all of them"},
	{"level", FIELD_ENUM, FIELD_AT(struct log_set_params, level), .required = true,
	 .choices = log_levels, .text = "The least urgent messages to be written from now on"},
};
static const struct shape set_params =
	SHAPE("log_set_params", struct log_set_params, set_fields, "A topic and its level");

static enum rpc_error log_set(struct rpc_call *call)
{
	const struct log_set_params *params = call->params;
	const int priority = LOG_ERR + (int)params->level;

	if (params->topic_given)
		log_set_topic_level(params->topic, priority);
	else
		log_set_level(priority);
	log_write(LOG_NOTICE, "log: %s from %s on, by %s",
		  params->topic_given ? log_topics[params->topic] : "all topics",
		  log_levels[params->level], call->peer->name);
	return log_get(call);
}

#define EXAMPLE_RESULT                                                                       \
	"{\"format\": \"auto\", \"topics\": [{\"topic\": \"health\", \"level\": \"debug\", " \
	"\"text\": \"Verdicts about backends, and their probes\"}]}"

const struct rpc_method rpc_log_methods[] = {
	{
		.name = "log.get",
		.text = "Shows which messages are written to the log",
		.handler = log_get,
		.role = RPC_ROLE_READ,
		.result = &log_result,
		.result_text = "How the log is set",
		.example_params = "{}",
		.example_result = EXAMPLE_RESULT,
	},
	{
		.name = "log.set",
		.text = "Changes which messages are written to the log, until mailraild ends or "
			"the configuration's log.level changes",
		.handler = log_set,
		.role = RPC_ROLE_ADMIN,
		.params = &set_params,
		.result = &log_result,
		.result_text = "How the log is set now",
		.example_params = "{\"topic\": \"health\", \"level\": \"debug\"}",
		.example_result = EXAMPLE_RESULT,
	},
	{.name = NULL},
};
