/* SPDX-License-Identifier: BSD-3-Clause */
/* What all methods that change the configuration, or plan to, do alike. */
#ifndef MAILRAIL_CONTROL_RPC_CHANGE_H
#define MAILRAIL_CONTROL_RPC_CHANGE_H

#include "config.h"
#include "ledger.h"
#include "rpc.h"

/* The parameter with which a change names the generation that it was made for. */
#define RPC_GENERATION_FIELD(type)                                                              \
	{                                                                                       \
		"generation", FIELD_UINT, FIELD_AT(type, generation),                           \
			FIELD_PRESENT(type, generation_given),                                  \
			.text = "Generation that the change was made for; when another one is " \
				"in force by now, the change is refused"                        \
	}

/* The result that tells which generation an answer is about. */
#define RPC_GENERATION_RESULT(type)                                                          \
	{                                                                                    \
		"generation", FIELD_UINT, FIELD_AT(type, generation),                        \
			.required = true, .text = "Generation of the configuration in force" \
	}

enum rpc_error rpc_check_generation(struct rpc_call *call, bool given, uint64_t generation);

/*
 * Decodes the parameter /config, @config, in which what the sender leaves to this node is filled
 * in. RPC_OK: *@out_next is the caller's.
 */
enum rpc_error rpc_decode_config(struct rpc_call *call, json_t *config, struct config **out_next);

/* What every change answers, beside what else it has to tell. */
struct rpc_changed {
	uint64_t generation;
	bool changed;
	char *edited;
};
/* Its rows in a table of fields; @member: "change." in a struct that holds one. */
#define RPC_CHANGED_RESULT(type, member)                                                         \
	{"generation", FIELD_UINT, FIELD_AT(type, member generation), .required = true,          \
	 .text = "Generation of the configuration in force"},                                    \
		{"edited", FIELD_STRING, FIELD_AT(type, member edited),                          \
		 .text = "Where the configuration's file is kept that somebody had edited, and " \
			 "that "                                                                 \
			 "was replaced; absent: nobody had"},                                    \
	{                                                                                        \
		"changed", FIELD_BOOL, FIELD_AT(type, member changed),                           \
			.required = true,                                                        \
			.text = "Whether the call has changed anything; false: it was so before" \
	}

/* Of methods that have nothing else to tell; for rpc_method.result. */
extern const struct shape rpc_changed_result;

/* The caller, as the history names it. */
struct author rpc_author(const struct rpc_call *call);

/* Says why the balancer has refused. */
enum rpc_error rpc_refuse(struct rpc_call *call, const struct mr_error *error);

/* Tells where a file that somebody had edited is kept. */
enum rpc_error rpc_tell_edited(const struct rpc_call *call, struct rpc_changed *out);

/* Takes @next. RPC_OK: it is in force, and @out is filled. */
enum rpc_error rpc_apply_change(struct rpc_call *call, struct config *next,
				const struct change *change, struct rpc_changed *out);
/* ... for good, as the caller's wish. */
enum rpc_error rpc_apply(struct rpc_call *call, struct config *next, struct rpc_changed *out);

#endif
