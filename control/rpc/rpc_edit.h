/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of one object of the configuration: a service, a pool or a backend of one pool. Each
 * is the transaction of config.apply, on a copy of the configuration in force. What the copy
 * would be refused for is told with pointers into the method's parameters where the object has
 * it, and with the configuration's own in the message where something else has.
 */
#ifndef MAILRAIL_CONTROL_RPC_EDIT_H
#define MAILRAIL_CONTROL_RPC_EDIT_H

#include <stdint.h>

#include <jansson.h>

#include "rpc_change.h"

enum rpc_noun {
	RPC_SERVICE,
	RPC_POOL,
	RPC_BACKEND,
};

struct rpc_edit {
	struct rpc_call *call;
	enum rpc_noun noun;
	uint32_t pool; /* of a backend: index of its pool in balancer_config() */
};

/* The parameter of methods that change an object: some of its members. */
#define RPC_SETTINGS_FIELD(type, of_shape)                                            \
	{                                                                             \
		"settings", FIELD_JSON, FIELD_AT(type, settings),                     \
			.required = true, .shape = (of_shape), .partial = true,       \
			.text = "What shall change; members that are absent stay as " \
				"they are, a list is replaced as a whole"             \
	}

/*
 * Adds @object, the decoded parameter that has the noun's name. One that is there already is no
 * change; one of the same name that differs is refused.
 */
enum rpc_error rpc_edit_add(const struct rpc_edit *edit, const void *object,
			    struct rpc_changed *out);

/* Merges @settings, the parameter of that name, into the object at @index of its list. */
enum rpc_error rpc_edit_set(const struct rpc_edit *edit, uint32_t index, const json_t *settings,
			    struct rpc_changed *out);

/* One that is not there is no change. */
enum rpc_error rpc_edit_remove(const struct rpc_edit *edit, const char *name,
			       struct rpc_changed *out);

/* The answer of a call that finds everything as it wants it. */
enum rpc_error rpc_edit_nothing(const struct rpc_call *call, struct rpc_changed *out);

#endif
