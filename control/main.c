/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mailraild: brings the parts up in order, runs the event loop, takes them down in reverse.
 * Whatever is in the way ends in one line on standard error and exit status 1, with nothing
 * left behind.
 */
#define LOG_TOPIC LOG_TOPIC_NODE

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include <mailrail/dataplane.h>

#include "balancer.h"
#include "captures.h"
#include "config.h"
#include "events.h"
#include "histogram.h"
#include "load.h"
#include "log.h"
#include "options.h"
#include "reload.h"
#include "rpc.h"
#include "rpc_methods.h"
#include "rpc_page.h"
#include "rpc_server.h"
#include "session_state.h"
#include "stats_samples.h"
#include "telemetry.h"

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

/* Takes @document; NULL: there was no memory for it. */
static int print_document(json_t *document)
{
	json_auto_t *owned = document;

	if (owned == NULL || json_dumpf(owned, stdout, JSON_INDENT(2)) < 0)
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
	struct histogram rpc_times;
	struct rpc_server *rpc_server;
	struct session_state *state;
	struct mr_dataplane *dp;
	struct captures *captures;
	struct balancer *balancer;
	struct telemetry *telemetry;
	struct stats_samples *samples;
	struct load *load;
	struct event *log_tick;
	struct event *stop_signals[STOP_SIGNALS];
	struct event *reload_signal;
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

/* For node.shutdown. */
static void stop_by_call(void *context, bool hold_sessions)
{
	static const struct timeval answers_first = {.tv_usec = 200 * 1000};
	struct program *program = context;

	if (hold_sessions)
		mr_dataplane_hold_sessions(program->dp);
	event_base_loopexit(program->base, &answers_first);
}

static void tick_log(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	log_tell_left_out(false);
}

/*
 * A file that is as it was changes nothing: a terminal that closes, and sends the same signal,
 * takes no balancer with it.
 */
static void read_again(evutil_socket_t signal_number, short what, void *context)
{
	static const struct author author = {.name = "file", .reason = "SIGHUP"};
	const struct program *program = context;
	struct field_errors errors = {0};
	struct mr_error error;

	(void)signal_number;
	(void)what;
	if (rpc_server_reload(program->rpc_server, &error) < 0)
		log_write(LOG_ERR, "%s; the former certificates stay", error.text);
	if (reload(&program->rpc, &author, &errors) < 0)
		reload_log_errors(&errors);
	field_errors_fini(&errors);
}

static int watch_signals(struct program *program, struct mr_error *error)
{
	signal(SIGPIPE, SIG_IGN);
	program->reload_signal = evsignal_new(program->base, SIGHUP, read_again, program);
	if (program->reload_signal == NULL || event_add(program->reload_signal, NULL) < 0)
		return mr_error_set(error, -ENOMEM, "cannot watch for signals");
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
		.telemetry = true,
	};

	for (uint32_t i = 0; i < config->port_count; i++)
		ports[i] = port_config(&config->ports[i]);
	for (uint32_t i = 0; i < config->workers.core_count; i++)
		cores[i] = (uint16_t)config->workers.cores[i];
	return mr_dataplane_create(&wanted, log_text, &program->dp, error);
}

static int prepare_rules(void *server, const struct config *next, struct mr_error *error)
{
	return rpc_server_prepare(server, &next->control, error);
}

static void settle_rules(void *server, bool in_force)
{
	rpc_server_settle(server, in_force);
}

/* Each connection takes a descriptor; nothing here looks through all numbers that it may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_write(LOG_WARNING, "cannot raise the limit of open files: %s", strerror(errno));
}

/* Nothing depends on it. */
static void open_telemetry(struct program *program)
{
	const int rc = telemetry_create(program->base, &program->rpc, &program->telemetry);

	if (rc < 0)
		log_write(LOG_WARNING, "no commands for dpdk-telemetry.py: %s", strerror(-rc));
}

/* What answers questions about the past. */
static int begin_to_observe(struct program *program, struct mr_error *error)
{
	static const struct timeval second = {.tv_sec = 1};

	program->samples = stats_samples_create();
	program->load = load_create(program->base, program->dp);
	program->log_tick = event_new(program->base, -1, EV_PERSIST, tick_log, NULL);
	if (program->samples == NULL || program->load == NULL || program->log_tick == NULL ||
	    event_add(program->log_tick, &second) < 0)
		return mr_error_set(error, -ENOMEM, "out of memory");
	program->rpc.samples = program->samples;
	program->rpc.load = program->load;
	return 0;
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
	raise_descriptor_limit();
	rc = watch_signals(program, error);
	if (rc < 0)
		goto err_free_config;
	rc = events_create(program->base, &program->events);
	if (rc < 0) {
		mr_error_set(error, rc, "out of memory");
		goto err_free_config;
	}
	program->rpc = (struct rpc_context){
		.methods = rpc_methods,
		.events = program->events,
		.config_path = options->config_path,
		.times = &program->rpc_times,
		.stop = stop_by_call,
		.stop_context = program,
	};
	rc = rpc_server_create(
		&(struct rpc_server_setup){
			.base = program->base,
			.control = &config->control,
			.context = &program->rpc,
			.pages = rpc_pages,
		},
		&program->rpc_server, error);
	if (rc < 0)
		goto err_free_config;
	rc = session_state_open(config, &program->state, error);
	if (rc < 0)
		goto err_free_config;
	rc = bring_up_dataplane(program, config, options->verbose, error);
	if (rc < 0)
		goto err_free_config;
	rc = captures_create(program->base, program->dp, config->control.captures,
			     &program->captures);
	if (rc < 0) {
		mr_error_set(error, rc, "out of memory");
		goto err_free_config;
	}
	program->rpc.captures = program->captures;
	rc = begin_to_observe(program, error);
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
			.follower = {prepare_rules, settle_rules, program->rpc_server},
		},
		&program->balancer, error);
	if (rc < 0)
		return rc;
	/* Requests wait in the socket until now: the event loop has not begun to run. */
	program->rpc.balancer = program->balancer;
	open_telemetry(program);
	program->rpc.server = program->rpc_server;
	return 0;

err_free_config:
	config_free(config);
	return rc;
}

static void take_down(struct program *program)
{
	telemetry_destroy(program->telemetry);
	rpc_server_destroy(program->rpc_server);
	balancer_destroy(program->balancer);
	load_destroy(program->load);
	stats_samples_destroy(program->samples);
	captures_destroy(program->captures);
	mr_dataplane_destroy(program->dp);
	session_state_close(program->state);
	events_destroy(program->events);
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		if (program->stop_signals[i] != NULL)
			event_free(program->stop_signals[i]);
	}
	if (program->reload_signal != NULL)
		event_free(program->reload_signal);
	if (program->log_tick != NULL)
		event_free(program->log_tick);
	if (program->base != NULL)
		event_base_free(program->base);
}

/*
 * Tables of slots, which come and go by the thousand, have pages of their own, as malloc(3) gives
 * them until it has learned otherwise: in between small blocks they would leave holes that nothing
 * fits into again.
 */
static void keep_blocks_apart(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	/* What one change has used is kept for the next. */
	mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

static int run(const struct options *options)
{
	struct program program = {0};
	struct field_errors errors = {0};
	struct config *config = config_load(options->config_path, &errors);
	struct mr_error error;
	int status = EXIT_FAILURE;

	keep_blocks_apart();
	field_errors_print(&errors, stderr);
	field_errors_fini(&errors);
	if (config == NULL)
		return EXIT_FAILURE;
	log_follow(&config->log);
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
	log_tell_left_out(true);
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
		return print_document(config_schema());
	case OPTIONS_OPENRPC:
		return print_document(rpc_openrpc(rpc_methods));
	case OPTIONS_EXIT:
		break;
	}
	return options.exit_status;
}
