/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailraild: brings the parts up in order, runs the event loop, takes them down in reverse.
 * Whatever is in the way ends in one line on standard error and exit status 1, with nothing
 * left behind.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "balancer.h"
#include "config.h"
#include "events.h"
#include "log.h"
#include "options.h"
#include "rpc.h"
#include "rpc_methods.h"
#include "rpc_server.h"
#include "session_state.h"

static int check(const char *path)
{
	struct field_errors errors = {0};
	struct config *config = config_load(path, &errors);
	const bool fine = config != NULL;

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	config_free(config);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_schema(void)
{
	json_auto_t *schema = config_schema();

	if (schema == NULL || json_dumpf(schema, stdout, JSON_INDENT(2)) < 0)
		return EXIT_FAILURE;
	putchar('\n');
	return EXIT_SUCCESS;
}

/* SIGQUIT stops for a successor: until it runs, the kernel gets nothing of what is steered. */
static const int stop_signals[] = {SIGTERM, SIGINT, SIGQUIT};
#define STOP_SIGNALS (sizeof(stop_signals) / sizeof(stop_signals[0]))

/* What main() brings up, in this order. */
struct program {
	struct event_base *base;
	struct events *events;
	struct rpc_context rpc;
	struct rpc_server *rpc_server;
	struct session_state *state;
	struct mr_dataplane *dp;
	struct balancer *balancer;
	struct event *stop_signals[STOP_SIGNALS];
};

static void stop(evutil_socket_t signal_number, short events, void *context)
{
	struct program *program = context;

	(void)events;
	log_write(LOG_NOTICE, "stopping: %s", strsignal((int)signal_number));
	if (signal_number == SIGQUIT)
		mr_dataplane_hold_sessions(program->dp);
	event_base_loopbreak(program->base);
}

static int watch_signals(struct program *program, struct mr_error *error)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* a terminal that closes takes no balancer with it */
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		program->stop_signals[i] =
			evsignal_new(program->base, stop_signals[i], stop, program);
		if (program->stop_signals[i] == NULL ||
		    event_add(program->stop_signals[i], NULL) < 0)
			return mr_error_set(error, -ENOMEM, "cannot watch for signals");
	}
	return 0;
}

static struct mr_port_config port_config(const struct config_port *port)
{
	struct mr_port_config wanted = {
		.name = port->name,
		.device = port->device_arguments,
		.kind = port->device_kind,
		.tag_count = (uint8_t)port->vlan_count,
		.mtu_bytes = port->mtu_bytes,
		.twin = port->twin,
	};

	for (uint32_t i = 0; i < port->vlan_count; i++)
		wanted.tags[i] = port->vlan[i];
	return wanted;
}

static int bring_up_dataplane(struct program *program, const struct config *config, bool verbose,
			      struct mr_error *error)
{
	struct mr_port_config ports[MR_PORTS_MAX];
	uint16_t cores[MR_WORKERS_MAX];
	const struct mr_dataplane_config wanted = {
		.ports = ports,
		.port_count = config->port_count,
		.cores = cores,
		.worker_count = config->workers.core_count,
		.poll = config->workers.poll,
		.pins = session_state_pins(program->state),
		.verbose = verbose,
	};

	for (uint32_t i = 0; i < config->port_count; i++)
		ports[i] = port_config(&config->ports[i]);
	for (uint32_t i = 0; i < config->workers.core_count; i++)
		cores[i] = (uint16_t)config->workers.cores[i];
	return mr_dataplane_create(&wanted, log_text, &program->dp, error);
}

/* Takes ownership of @config. The socket comes first: it is the cheapest to find taken. */
static int bring_up(struct program *program, const struct options *options, struct config *config,
		    struct mr_error *error)
{
	int rc;

	program->base = event_base_new();
	if (program->base == NULL) {
		rc = mr_error_set(error, -ENOMEM, "cannot create an event loop");
		goto err_free_config;
	}
	rc = watch_signals(program, error);
	if (rc < 0)
		goto err_free_config;
	rc = events_create(&program->events);
	if (rc < 0) {
		mr_error_set(error, rc, "out of memory");
		goto err_free_config;
	}
	program->rpc = (struct rpc_context){
		.methods = rpc_methods,
		.events = program->events,
		.config_path = options->config_path,
	};
	rc = rpc_server_create(program->base, config->control.socket, &program->rpc,
			       &program->rpc_server, error);
	if (rc < 0)
		goto err_free_config;
	rc = session_state_open(config, &program->state, error);
	if (rc < 0)
		goto err_free_config;
	rc = bring_up_dataplane(program, config, options->verbose, error);
	if (rc < 0)
		goto err_free_config;
	rc = balancer_create(
		&(struct balancer_setup){
			.base = program->base,
			.dp = program->dp,
			.config = config,
			.state = program->state,
			.path = options->config_path,
			.events = program->events,
		},
		&program->balancer, error);
	if (rc < 0)
		return rc;
	/* Requests wait in the socket until now: the event loop has not begun to run. */
	program->rpc.balancer = program->balancer;
	return 0;

err_free_config:
	config_free(config);
	return rc;
}

static void take_down(struct program *program)
{
	rpc_server_destroy(program->rpc_server);
	balancer_destroy(program->balancer);
	mr_dataplane_destroy(program->dp);
	session_state_close(program->state);
	events_destroy(program->events);
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		if (program->stop_signals[i] != NULL)
			event_free(program->stop_signals[i]);
	}
	if (program->base != NULL)
		event_base_free(program->base);
}

static int run(const struct options *options)
{
	struct program program = {0};
	struct field_errors errors = {0};
	struct config *config = config_load(options->config_path, &errors);
	struct mr_error error;
	int status = EXIT_FAILURE;

	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	if (config == NULL)
		return EXIT_FAILURE;
	if (options->verbose)
		log_set_level(LOG_DEBUG);
	if (bring_up(&program, options, config, &error) < 0) {
		fprintf(stderr, "mailraild: %s\n", error.text);
	} else {
		const struct config *running = balancer_config(program.balancer);

		log_write(LOG_NOTICE, "ready: %" PRIu32 " services, %" PRIu32 " workers, RPC on %s",
			  running->service_count, running->workers.core_count,
			  running->control.socket);
		event_base_dispatch(program.base);
		status = EXIT_SUCCESS;
	}
	take_down(&program);
	return status;
}

int main(int argc, char **argv)
{
	const struct options options = options_parse(argc, argv);

	switch (options.action) {
	case OPTIONS_RUN:
		return run(&options);
	case OPTIONS_CHECK:
		return check(options.config_path);
	case OPTIONS_SCHEMA:
		return print_schema();
	case OPTIONS_EXIT:
		break;
	}
	return options.exit_status;
}
