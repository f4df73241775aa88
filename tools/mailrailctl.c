/* SPDX-License-Identifier: BSD-3-Clause */
/* mailrailctl COMMAND [ARGS]: calls one method of a running mailraild, see mailrailctl(1). */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "config.h"
#include "ctl_drain.h"
#include "ctl_views.h"
#include "rpc_client.h"

#define DEFAULT_SOCKET "/run/mailrail/control.sock"

enum exit_status {
	EXIT_REFUSED = 1,     /* the balancer, or the check of a file, said no */
	EXIT_USAGE = 2,	      /* the command line is wrong */
	EXIT_UNREACHABLE = 3, /* no balancer answers */
};

struct options {
	const char *socket;
	const char *generation; /* NULL: not given */
	const char *os;		/* NULL: not given */
	bool anonymous;
	bool wait;
	bool json;
};

/*
 * Makes the parameters of a call out of the arguments. EXIT_SUCCESS: *@out_params is the
 * caller's; else the status to exit with, after a message on standard error.
 */
typedef int make_params(char **args, const char *verb, json_t **out_params);

struct command {
	const char *noun, *verb; /* verb "": the noun alone is the command */
	const char *method;	 /* NULL: needs no balancer */
	const char *args;	 /* as --help shows them */
	int args_min, args_max;
	make_params *params;
	ctl_view *view;
	const char *text;
};

static int usage_error(const char *what, const char *message)
{
	fprintf(stderr, "mailrailctl: %s: %s\n", what, message);
	return EXIT_USAGE;
}

/* Takes @params. */
static int made(json_t *params, json_t **out_params)
{
	if (!params)
		return usage_error("parameters", "not valid UTF-8, or out of memory");
	*out_params = params;
	return EXIT_SUCCESS;
}

static int params_none(char **args, const char *verb, json_t **out_params)
{
	(void)args;
	(void)verb;
	return made(json_object(), out_params);
}

static int params_pool(char **args, const char *verb, json_t **out_params)
{
	(void)verb;
	return made(args[0] ? json_pack("{s:s}", "pool", args[0]) : json_object(), out_params);
}

static int params_apply(char **args, const char *verb, json_t **out_params)
{
	bool is_stdin = strcmp(args[0], "-") == 0;
	json_error_t error;
	json_t *config = is_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
				  : json_load_file(args[0], JSON_REJECT_DUPLICATES, &error);

	(void)verb;
	if (config)
		return made(json_pack("{s:o}", "config", config), out_params);
	if (error.line > 0)
		fprintf(stderr, "mailrailctl: %s: line %d, column %d: %s\n", args[0], error.line,
			error.column, error.text);
	else
		fprintf(stderr, "mailrailctl: %s\n", error.text);
	return EXIT_REFUSED;
}

static int params_call(char **args, json_t **out_params)
{
	json_error_t error;
	json_t *params;

	if (!args[0])
		return made(json_object(), out_params);
	params = json_loads(args[0], JSON_REJECT_DUPLICATES, &error);
	return params ? made(params, out_params) : usage_error("parameters", error.text);
}

/* POOL/BACKEND */
static int split_backend(const char *text, json_t **out_params)
{
	const char *slash = strchr(text, '/');

	if (!slash)
		return usage_error(text, "expected POOL/BACKEND");
	return made(
		json_pack("{s:s#, s:s}", "pool", text, (int)(slash - text), "backend", slash + 1),
		out_params);
}

static int params_backend(char **args, const char *verb, json_t **out_params)
{
	(void)verb;
	return split_backend(args[0], out_params);
}

/* weight=N or state=WORD; the balancer knows which values are right. */
static bool put_setting(json_t *params, const char *setting)
{
	char *end;
	long long weight;

	if (strncmp(setting, "state=", 6) == 0)
		return json_object_set_new(params, "state", json_string(setting + 6)) == 0;
	if (strncmp(setting, "weight=", 7) != 0)
		return false;
	weight = strtoll(setting + 7, &end, 10);
	return end != setting + 7 && *end == '\0' &&
	       json_object_set_new(params, "weight", json_integer(weight)) == 0;
}

static int params_backend_set(char **args, const char *verb, json_t **out_params)
{
	json_t *params;
	int status = split_backend(args[0], &params);

	(void)verb;
	if (status != EXIT_SUCCESS)
		return status;
	for (char **setting = args + 1; *setting; setting++) {
		if (put_setting(params, *setting))
			continue;
		json_decref(params);
		return usage_error(*setting, "expected weight=NUMBER or state=STATE");
	}
	*out_params = params;
	return EXIT_SUCCESS;
}

/* backend drain|enable|disable */
static int params_backend_state(char **args, const char *verb, json_t **out_params)
{
	static const char *const states[][2] = {
		{"drain", "drain"}, {"enable", "enabled"}, {"disable", "disabled"}};
	int status = split_backend(args[0], out_params);

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (status == EXIT_SUCCESS && strcmp(verb, states[i][0]) == 0)
			json_object_set_new(*out_params, "state", json_string(states[i][1]));
	return status;
}

/* ADDRESS:PORT or [ADDRESS]:PORT; the balancer knows which addresses are right. */
static bool put_end(json_t *params, const char *end, const char *name, const char *port_name)
{
	const char *colon = strrchr(end, ':');
	const bool bracketed = end[0] == '[' && colon && colon > end + 1 && colon[-1] == ']';
	const char *address = bracketed ? end + 1 : end;
	unsigned long port;
	char *rest;

	if (!colon || (!bracketed && strchr(end, ':') != colon))
		return false;
	port = strtoul(colon + 1, &rest, 10);
	if (colon[1] < '0' || colon[1] > '9' || *rest != '\0' || port > UINT16_MAX)
		return false;
	return json_object_set_new(params, name,
				   json_stringn(address, (size_t)(colon - address) - bracketed)) ==
		       0 &&
	       json_object_set_new(params, port_name, json_integer((json_int_t)port)) == 0;
}

static int params_explain(char **args, const char *verb, json_t **out_params)
{
	static const char *const names[][2] = {{"client", "client_port"},
					       {"service", "service_port"}};
	json_t *params = json_object();

	(void)verb;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (put_end(params, args[i], names[i][0], names[i][1]))
			continue;
		json_decref(params);
		return usage_error(args[i], "expected ADDRESS:PORT, or [ADDRESS]:PORT for IPv6");
	}
	*out_params = params;
	return EXIT_SUCCESS;
}

static const struct command commands[] = {
	{"config", "get", "config.get", "", 0, 0, params_none, view_config,
	 "show the configuration in force"},
	{"config", "apply", "config.apply", "FILE", 1, 1, params_apply, view_applied,
	 "make FILE (-: standard input) the configuration"},
	{"config", "check", NULL, "FILE", 1, 1, NULL, NULL, "validate FILE, without a balancer"},
	{"config", "schema", "config.schema", "", 0, 0, params_none, view_json,
	 "show the JSON Schema of configurations"},
	{"plan", "", "config.plan", "FILE", 1, 1, params_apply, view_plan,
	 "show what config apply FILE would do to sessions"},
	{"explain", "", "session.explain", "CLIENT:PORT SERVICE:PORT", 2, 2, params_explain,
	 view_explanation, "show where a session goes, step by step"},
	{"service", "list", "service.list", "", 0, 0, params_none, view_services,
	 "show services and their counters"},
	{"pool", "list", "pool.list", "", 0, 0, params_none, view_pools,
	 "show pools and the state of their tables"},
	{"pool", "show", "pool.show", "POOL", 1, 1, params_pool, view_pool,
	 "show a pool's table and who still has sessions"},
	{"pool", "fingerprint", "pool.fingerprint", "POOL", 1, 1, params_pool, view_fingerprint,
	 "show whether nodes agree"},
	{"backend", "list", "backend.list", "[POOL]", 0, 1, params_pool, view_backends,
	 "show backends, their health and share"},
	{"backend", "set", "backend.set", "POOL/BACKEND [weight=N] [state=STATE]", 2, 3,
	 params_backend_set, view_backend_set, "change a backend"},
	{"backend", "drain", "backend.set", "POOL/BACKEND [--wait]", 1, 1, params_backend_state,
	 view_backend_set, "no new sessions, open ones stay"},
	{"backend", "enable", "backend.set", "POOL/BACKEND", 1, 1, params_backend_state,
	 view_backend_set, "sessions as its weight says"},
	{"backend", "disable", "backend.set", "POOL/BACKEND", 1, 1, params_backend_state,
	 view_backend_set, "no sessions at all, open ones are lost"},
	{"backend", "prepare", "backend.prepare", "POOL/BACKEND --os OS", 1, 1, params_backend,
	 view_commands, "show the commands that make its server ready"},
	{"stats", "get", "stats.get", "", 0, 0, params_none, view_stats,
	 "show the counters of workers and ports"},
	{"node", "info", "node.info", "", 0, 0, params_none, view_node, "show what the node is"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	puts("Usage: mailrailctl [OPTIONS] COMMAND [ARGS]\n"
	     "       mailrailctl [OPTIONS] call METHOD [PARAMS]\n"
	     "\n"
	     "Manages a running mailraild over its JSON-RPC socket.\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = &commands[i];
		char left[64];

		snprintf(left, sizeof(left), "%s%s%s %s", command->noun,
			 command->verb[0] ? " " : "", command->verb, command->args);
		if (strlen(left) > 30)
			printf("  %s\n  %-30s %s\n", left, "", command->text);
		else
			printf("  %-30s %s\n", left, command->text);
	}
	printf("  %-30s %s\n", "call METHOD [PARAMS]", "call any method; PARAMS is JSON");
	puts("\n"
	     "  -s, --socket PATH     socket of the balancer (" DEFAULT_SOCKET ")\n"
	     "  -j, --json            print the result as JSON\n"
	     "  -g, --generation N    change only while generation N is in force\n"
	     "  -o, --os OS           of a server to prepare: linux, freebsd or windows\n"
	     "  -a, --anonymous       Exchange there takes mail without a login\n"
	     "  -w, --wait            return when a drained backend has no session left\n"
	     "  -V, --version         print the version and exit\n"
	     "  -h, --help            print this and exit\n"
	     "\n"
	     "Examples:\n"
	     "  mailrailctl backend drain hub-transport/hub1 --wait\n"
	     "  mailrailctl --json stats get\n"
	     "  mailrailctl backend prepare hub-transport/hub1 --os linux\n"
	     "  mailrailctl call backend.list '{\"pool\": \"hub-transport\"}'\n"
	     "\n"
	     "Exit status: 0 done, 1 refused, 2 wrong usage, 3 no balancer answers.\n"
	     "See mailrailctl(1).");
}

/* @verb: the word behind @noun, or NULL. */
static const struct command *find_command(const char *noun, const char *verb)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = &commands[i];

		if (strcmp(command->noun, noun) == 0 &&
		    (!command->verb[0] || (verb && strcmp(command->verb, verb) == 0)))
			return command;
	}
	return NULL;
}

static int check_file(const char *path)
{
	struct field_errors errors = {0};
	struct config *config = config_load(path, &errors);

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	if (!config)
		return EXIT_REFUSED;
	config_free(config);
	return EXIT_SUCCESS;
}

/* Places in a file that was sent as a parameter are shown as places in the file. */
static const char *own_pointer(const char *pointer, const char *file)
{
	if (file && strncmp(pointer, "/config", 7) == 0 && (pointer[7] == '/' || !pointer[7]))
		return pointer + 7;
	return pointer;
}

static void print_error(const json_t *error, const char *file)
{
	const json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));
	size_t i;
	json_t *item;

	fprintf(stderr, "mailrailctl: %s%s%s\n", file ? file : "", file ? ": " : "",
		message ? message : "error without a message");
	json_array_foreach (data, i, item) {
		const char *pointer = json_string_value(json_object_get(item, "pointer"));
		const char *reason = json_string_value(json_object_get(item, "message"));

		pointer = own_pointer(pointer ? pointer : "", file);
		fprintf(stderr, "  %s%s%s\n", pointer, pointer[0] ? ": " : "",
			reason ? reason : "");
	}
}

static bool put_generation(const struct options *options, json_t *params)
{
	char *end;
	long long generation;

	if (!options->generation)
		return true;
	generation = strtoll(options->generation, &end, 10);
	if (end == options->generation || *end != '\0') {
		fprintf(stderr, "mailrailctl: --generation: expected a number\n");
		return false;
	}
	if (json_object_set_new(params, "generation", json_integer(generation)) < 0) {
		fprintf(stderr, "mailrailctl: --generation: the parameters are not an object\n");
		return false;
	}
	return true;
}

/* The balancer refuses them where they mean nothing. */
static bool put_system(const struct options *options, json_t *params)
{
	if (options->os && json_object_set_new(params, "os", json_string(options->os)) < 0) {
		fprintf(stderr, "mailrailctl: --os: not valid UTF-8\n");
		return false;
	}
	return !options->anonymous || json_object_set_new(params, "anonymous", json_true()) == 0;
}

/* Takes @params. @file: what the parameters were read from, or NULL. */
static int call(const struct options *options, const char *method, json_t *params, ctl_view *view,
		const char *file)
{
	struct mr_error error;
	json_t *response, *result;
	int status = EXIT_SUCCESS;

	if (!put_generation(options, params) || !put_system(options, params)) {
		json_decref(params);
		return EXIT_USAGE;
	}
	if (rpc_client_call(options->socket, method, params, &response, &error) < 0) {
		fprintf(stderr, "mailrailctl: %s\n", error.text);
		return EXIT_UNREACHABLE;
	}
	result = json_object_get(response, "result");
	if (result) {
		(options->json ? view_json : view)(result);
	} else {
		print_error(json_object_get(response, "error"), file);
		status = EXIT_REFUSED;
	}
	json_decref(response);
	return fflush(stdout) == 0 ? status : EXIT_REFUSED;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "mailrailctl: %s: %s; try --help\n", what, why);
	return EXIT_USAGE;
}

/* @arg: POOL/BACKEND, drained just now. */
static int wait_for_drain(const struct options *options, const char *arg)
{
	json_t *names;
	int status = split_backend(arg, &names);
	enum drain_end end;

	if (status != EXIT_SUCCESS)
		return status;
	end = drain_wait(&(struct drain){
		.socket = options->socket,
		.pool = json_string_value(json_object_get(names, "pool")),
		.backend = json_string_value(json_object_get(names, "backend")),
		.json = options->json,
	});
	json_decref(names);
	switch (end) {
	case DRAIN_DONE:
		return EXIT_SUCCESS;
	case DRAIN_CALLED_OFF:
		return EXIT_REFUSED;
	case DRAIN_UNREACHABLE:
		return EXIT_UNREACHABLE;
	}
	return EXIT_REFUSED;
}

static int run_command(const struct options *options, const struct command *command, char **args,
		       int arg_count)
{
	bool from_file = command->params == params_apply;
	json_t *params;
	int status;

	if (arg_count < command->args_min || arg_count > command->args_max)
		return complain(command->verb[0] ? command->verb : command->noun,
				"wrong number of arguments");
	if (options->wait && strcmp(command->verb, "drain") != 0)
		return complain("--wait", "only with backend drain");
	if (!command->method)
		return check_file(args[0]);
	status = command->params(args, command->verb, &params);
	if (status != EXIT_SUCCESS)
		return status;
	status = call(options, command->method, params, command->view, from_file ? args[0] : NULL);
	if (status != EXIT_SUCCESS || !options->wait)
		return status;
	return wait_for_drain(options, args[0]);
}

static int run_call(const struct options *options, char **args, int arg_count)
{
	json_t *params;
	int status;

	if (arg_count < 1 || arg_count > 2)
		return complain("call", "wrong number of arguments");
	if (options->wait)
		return complain("--wait", "only with backend drain");
	status = params_call(args + 1, &params);
	return status == EXIT_SUCCESS ? call(options, args[0], params, view_json, NULL) : status;
}

static int run(const struct options *options, char **args, int arg_count)
{
	const struct command *command;
	int words;

	if (arg_count == 0)
		return complain("COMMAND", "missing");
	if (strcmp(args[0], "call") == 0)
		return run_call(options, args + 1, arg_count - 1);
	command = find_command(args[0], args[1]);
	if (!command)
		return complain(args[0], "no such command");
	words = command->verb[0] ? 2 : 1;
	return run_command(options, command, args + words, arg_count - words);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"generation", required_argument, NULL, 'g'},
		{"os", required_argument, NULL, 'o'},
		{"anonymous", no_argument, NULL, 'a'},
		{"wait", no_argument, NULL, 'w'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {.socket = DEFAULT_SOCKET};
	int option;

	while ((option = getopt_long(argc, argv, "s:jg:o:awVh", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'g':
			options.generation = optarg;
			break;
		case 'o':
			options.os = optarg;
			break;
		case 'a':
			options.anonymous = true;
			break;
		case 'w':
			options.wait = true;
			break;
		case 'V':
			puts("mailrailctl " MAILRAIL_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	return run(&options, argv + optind, argc - optind);
}
