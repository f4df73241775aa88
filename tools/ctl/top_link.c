/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_link.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS   1000
#define SUBSCRIBE_ID TOP_PART_COUNT

void top_link_init(struct top_link *link, const char *socket)
{
	*link = (struct top_link){.socket = socket, .rpc = {.fd = -1}};
}

static void drop_coming(struct top_link *link)
{
	for (int i = 0; i < TOP_PART_COUNT; i++)
		json_decref(link->coming.parts[i]);
	link->coming = (struct top_sample){0};
	link->awaited = 0;
}

void top_link_fini(struct top_link *link)
{
	drop_coming(link);
	rpc_link_close(&link->rpc);
}

static void lose(struct top_link *link, int rc)
{
	mr_error_set(&link->error, rc, "%s: %s", link->socket, strerror(-rc));
	top_link_fini(link);
}

static int subscribe(struct top_link *link)
{
	/* Those that are kept come first. */
	return rpc_link_send(&link->rpc, "events.subscribe", json_pack("{s:i}", "since", 0),
			     SUBSCRIBE_ID);
}

static int send_parts(struct top_link *link)
{
	int rc = 0;

	for (int i = 0; i < TOP_PART_COUNT && rc == 0; i++) {
		rc = rpc_link_send(&link->rpc, top_part_methods[i], NULL, (uint64_t)i);
		link->awaited |= 1u << i;
	}
	return rc;
}

void top_link_ask(struct top_link *link, struct top_model *model)
{
	int rc = 0;

	if (!top_link_is_open(link)) {
		top_model_forget(model);
		if (rpc_link_open(&link->rpc, link->socket, TIMEOUT_MS, &link->error) < 0)
			return;
		rc = subscribe(link);
	}
	if (rc == 0 && link->awaited == 0)
		rc = send_parts(link);
	if (rc < 0)
		lose(link, rc);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* True: the sample is whole, and the model has it. */
static bool take_part(struct top_link *link, struct top_model *model, uint64_t part, json_t *result)
{
	if (part >= TOP_PART_COUNT || !(link->awaited & 1u << part))
		return false;
	json_decref(link->coming.parts[part]);
	link->coming.parts[part] = json_incref(result);
	link->awaited &= ~(1u << part);
	if (link->awaited != 0)
		return false;
	link->coming.at_ns = now_ns();
	top_model_take(model, &link->coming);
	return true;
}

static bool take_message(struct top_link *link, struct top_model *model, const json_t *message)
{
	const json_t *id = json_object_get(message, "id");
	const char *method = json_string_value(json_object_get(message, "method"));

	if (json_is_integer(id))
		return take_part(link, model, (uint64_t)json_integer_value(id),
				 json_object_get(message, "result"));
	if (!method || strcmp(method, "events.event") != 0)
		return false;
	top_model_hear(model, json_object_get(message, "params"));
	return true;
}

bool top_link_read(struct top_link *link, struct top_model *model)
{
	bool changed = false;
	json_t *message;
	int rc;

	while ((rc = rpc_link_take(&link->rpc, &message)) == 0) {
		changed |= take_message(link, model, message);
		json_decref(message);
	}
	if (rc == -EAGAIN)
		return changed;
	lose(link, rc);
	return true;
}
