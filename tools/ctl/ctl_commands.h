/* SPDX-License-Identifier: BSD-3-Clause */
/* Every command of mailrailctl: one table that runs, explains and completes them. */
#ifndef MAILRAIL_TOOLS_CTL_COMMANDS_H
#define MAILRAIL_TOOLS_CTL_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl_options.h"
#include "ctl_views.h"

/* What a word behind noun and verb becomes in the parameters of the method. */
enum ctl_position_kind {
	CTL_POSITION_NONE,	      /* ends a list of positions */
	CTL_POSITION_TEXT,	      /* the member @name */
	CTL_POSITION_NUMBER,	      /* the member @name */
	CTL_POSITION_SOURCE,	      /* the member @name: a number, or a word */
	CTL_POSITION_BACKEND,	      /* POOL/BACKEND: the members pool and backend */
	CTL_POSITION_POOL_OR_BACKEND, /* POOL or POOL/BACKEND */
	CTL_POSITION_END,	      /* ADDRESS:PORT: the members @name and @name_port */
	CTL_POSITION_DOCUMENT,	      /* a file with JSON: the member @name */
	CTL_POSITION_NEW,	      /* the name in the settings of a new object */
	CTL_POSITION_NEW_BACKEND,     /* POOL/BACKEND: pool, and the name in the settings */
	CTL_POSITION_PARAMS,	      /* JSON text: all parameters */
	CTL_POSITION_LIST,	      /* this word and all behind it: the member @name */
	CTL_POSITION_WORD,	      /* the command's own business */
};

/* Which names a word can be completed to. */
enum ctl_names {
	CTL_NAMES_NONE,
	CTL_NAMES_FILES,
	CTL_NAMES_SERVICES,
	CTL_NAMES_POOLS,
	CTL_NAMES_BACKENDS, /* POOL/BACKEND */
	CTL_NAMES_PORTS,
	CTL_NAMES_CAPTURES,
	CTL_NAMES_METHODS,
	CTL_NAMES_EVENTS,
};

struct ctl_position {
	enum ctl_position_kind kind;
	const char *name;
	enum ctl_names names;
};
#define CTL_POSITIONS_MAX 3

enum ctl_setting_kind {
	CTL_SETTING_TEXT,
	CTL_SETTING_NUMBER,
	CTL_SETTING_BOOL,
	CTL_SETTING_LIST, /* of words, between commas */
};

struct ctl_setting {
	const char *name; /* NULL ends a list */
	enum ctl_setting_kind kind;
};

/* Words NAME=VALUE behind the positions. */
struct ctl_settings {
	const char *into; /* member of the parameters that holds them; NULL: themselves */
	const char *part; /* of the configuration, whose fields they are: "pools/backends" */
	const struct ctl_setting *list; /* else these */
};

struct ctl_command;

struct ctl_line {
	const struct ctl_command *command;
	const struct ctl_options *options;
	char **args; /* behind noun and verb, ended by NULL */
	int arg_count;
};

/* Returns the exit status. */
typedef int ctl_run(const struct ctl_line *line);

/* A row; nouns stand together. */
struct ctl_command {
	const char *noun;
	const char *verb;   /* NULL: the noun alone is the command */
	const char *args;   /* as help shows them */
	const char *method; /* called with the parameters; NULL: @run does everything */
	ctl_view *view;	    /* of its result */
	ctl_run *run;	    /* NULL: calls the method and shows the result, nothing else */
	struct ctl_position positions[CTL_POSITIONS_MAX + 1];
	int required; /* that many positions have to be there */
	struct ctl_settings settings;
	const char *constant; /* JSON object, part of the parameters */
	uint32_t options;     /* bits of those that it takes besides the common ones */
	bool hidden;	      /* for scripts of ours */
	const char *text;     /* a phrase without its stop */
	const char *example;  /* what follows "mailrailctl " */
};

extern const struct ctl_command ctl_commands[];
extern const uint32_t ctl_command_count;

/* @verb: the word behind @noun, or NULL. NULL: there is no such command. */
const struct ctl_command *ctl_command_find(const char *noun, const char *verb);

bool ctl_noun_exists(const char *noun);

/* Whether words NAME=VALUE may follow. */
static inline bool ctl_command_has_settings(const struct ctl_command *command)
{
	return command->settings.part || command->settings.list;
}

static inline int ctl_command_position_count(const struct ctl_command *command)
{
	int count = 0;

	while (command->positions[count].kind != CTL_POSITION_NONE)
		count++;
	return count;
}

#endif
