/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_commands.h"

#include <stddef.h>
#include <string.h>

#include "ctl_capture.h"
#include "ctl_complete.h"
#include "ctl_doctor.h"
#include "ctl_drain.h"
#include "ctl_events.h"
#include "ctl_import.h"
#include "ctl_local.h"
#include "top.h"

#define GENERATION CTL_OPTION_BIT(CTL_OPTION_GENERATION)
#define CONFIRM	   CTL_OPTION_BIT(CTL_OPTION_CONFIRM)
#define WITH_FILE  CTL_OPTION_BIT(CTL_OPTION_FILE)
#define WAIT	   CTL_OPTION_BIT(CTL_OPTION_WAIT)
#define OS	   (CTL_OPTION_BIT(CTL_OPTION_OS) | CTL_OPTION_BIT(CTL_OPTION_ANONYMOUS))
#define ASSUME_UP  CTL_OPTION_BIT(CTL_OPTION_ASSUME_UP)
#define SINCE	   CTL_OPTION_BIT(CTL_OPTION_SINCE)
#define HOLD	   CTL_OPTION_BIT(CTL_OPTION_HOLD)
#define ROOT	   CTL_OPTION_BIT(CTL_OPTION_ROOT)
#define IMPORT                                                              \
	(CTL_OPTION_BIT(CTL_OPTION_ALL) | CTL_OPTION_BIT(CTL_OPTION_PORT) | \
	 CTL_OPTION_BIT(CTL_OPTION_ADDRESS) | CTL_OPTION_BIT(CTL_OPTION_INTERFACE))

#define CONFIG_FILE                                              \
	{                                                        \
		CTL_POSITION_DOCUMENT, "config", CTL_NAMES_FILES \
	}
#define FILE_WORD                                        \
	{                                                \
		CTL_POSITION_WORD, NULL, CTL_NAMES_FILES \
	}
#define SERVICE                                                  \
	{                                                        \
		CTL_POSITION_TEXT, "service", CTL_NAMES_SERVICES \
	}
#define POOL                                               \
	{                                                  \
		CTL_POSITION_TEXT, "pool", CTL_NAMES_POOLS \
	}
#define PORT                                               \
	{                                                  \
		CTL_POSITION_TEXT, "port", CTL_NAMES_PORTS \
	}
#define CAPTURE                                               \
	{                                                     \
		CTL_POSITION_TEXT, "name", CTL_NAMES_CAPTURES \
	}
#define BACKEND                                                \
	{                                                      \
		CTL_POSITION_BACKEND, NULL, CTL_NAMES_BACKENDS \
	}

static const struct ctl_setting session_filters[] = {
	{"service", CTL_SETTING_TEXT},	{"pool", CTL_SETTING_TEXT},
	{"backend", CTL_SETTING_TEXT},	{"client", CTL_SETTING_TEXT},
	{"limit", CTL_SETTING_NUMBER},	{"client_port", CTL_SETTING_NUMBER},
	{"cursor", CTL_SETTING_NUMBER}, {NULL, CTL_SETTING_TEXT},
};
static const struct ctl_setting health_filters[] = {
	{"pool", CTL_SETTING_TEXT}, {"verdict", CTL_SETTING_TEXT}, {NULL, CTL_SETTING_TEXT}};
static const struct ctl_setting capture_settings[] = {
	{"name", CTL_SETTING_TEXT},	{"service", CTL_SETTING_TEXT},
	{"pool", CTL_SETTING_TEXT},	{"backend", CTL_SETTING_TEXT},
	{"client", CTL_SETTING_TEXT},	{"reasons", CTL_SETTING_LIST},
	{"sent", CTL_SETTING_BOOL},	{"frame_size", CTL_SETTING_TEXT},
	{"max_size", CTL_SETTING_TEXT}, {"duration", CTL_SETTING_TEXT},
	{NULL, CTL_SETTING_TEXT},
};
static const struct ctl_setting backend_settings[] = {
	{"weight", CTL_SETTING_NUMBER}, {"state", CTL_SETTING_TEXT}, {NULL, CTL_SETTING_TEXT}};

const struct ctl_command ctl_commands[] = {
	{
		.noun = "config",
		.verb = "get",
		.args = "[running|file]",
		.method = "config.get",
		.view = view_config,
		.positions = {{CTL_POSITION_TEXT, "source", CTL_NAMES_NONE}},
		.options = GENERATION,
		.text = "show the configuration in force, the file's, or generation N's",
		.example = "config get > now.json",
	},
	{
		.noun = "config",
		.verb = "apply",
		.args = "FILE",
		.method = "config.apply",
		.view = view_changed,
		.positions = {CONFIG_FILE},
		.required = 1,
		.options = GENERATION | CONFIRM,
		.text = "make FILE (-: standard input) the configuration",
		.example = "config apply new.json --confirm-within 60s",
	},
	{
		.noun = "config",
		.verb = "confirm",
		.args = "",
		.method = "config.confirm",
		.view = view_changed,
		.options = GENERATION,
		.text = "keep a change made with --confirm-within",
		.example = "config confirm",
	},
	{
		.noun = "config",
		.verb = "rollback",
		.args = "[TO]",
		.method = "config.rollback",
		.view = view_changed,
		.positions = {{CTL_POSITION_NUMBER, "to", CTL_NAMES_NONE}},
		.options = GENERATION,
		.text = "go back to generation TO, or to the one before",
		.example = "config rollback 7",
	},
	{
		.noun = "config",
		.verb = "plan",
		.args = "FILE",
		.method = "config.plan",
		.view = view_plan,
		.positions = {CONFIG_FILE},
		.required = 1,
		.options = GENERATION | ASSUME_UP,
		.text = "show what config apply FILE would do to sessions",
		.example = "config plan new.json",
	},
	{
		.noun = "config",
		.verb = "diff",
		.args = "[FROM [TO]]",
		.method = "config.diff",
		.view = view_diff,
		.positions = {{CTL_POSITION_SOURCE, "from", CTL_NAMES_NONE},
			      {CTL_POSITION_SOURCE, "to", CTL_NAMES_NONE}},
		.text = "show how file, generations and running configuration differ",
		.example = "config diff file running",
	},
	{
		.noun = "config",
		.verb = "history",
		.args = "",
		.method = "config.history",
		.view = view_history,
		.text = "show the latest generations, when and by whom they were made",
		.example = "config history",
	},
	{
		.noun = "config",
		.verb = "check",
		.args = "FILE",
		.run = ctl_config_check,
		.positions = {FILE_WORD},
		.required = 1,
		.text = "say everything that is wrong with FILE, without a balancer",
		.example = "config check new.json",
	},
	{
		.noun = "config",
		.verb = "schema",
		.args = "",
		.method = "config.schema",
		.view = view_json,
		.text = "show the JSON Schema of configurations",
		.example = "config schema > mailrail.schema.json",
	},
	{
		.noun = "config",
		.verb = "reload",
		.args = "",
		.method = "config.reload",
		.view = view_changed,
		.options = GENERATION,
		.text = "apply the file that mailraild was started with",
		.example = "config reload",
	},
	{
		.noun = "service",
		.verb = "list",
		.args = "",
		.method = "service.list",
		.view = view_services,
		.text = "show the services and their counters",
		.example = "service list",
	},
	{
		.noun = "service",
		.verb = "show",
		.args = "SERVICE",
		.method = "service.show",
		.view = view_members,
		.positions = {SERVICE},
		.required = 1,
		.text = "show one service",
		.example = "service show smtp",
	},
	{
		.noun = "service",
		.verb = "add",
		.args = "NAME [SETTING=VALUE ...]",
		.method = "service.add",
		.view = view_changed,
		.positions = {{CTL_POSITION_NEW, NULL, CTL_NAMES_NONE}},
		.required = 1,
		.settings = {.into = "service", .part = "services"},
		.options = GENERATION | WITH_FILE,
		.text = "add a service",
		.example = "service add smtp namespace=mail.example.com addresses=10.0.0.10 "
			   "ports=25,587 pool=hub",
	},
	{
		.noun = "service",
		.verb = "set",
		.args = "SERVICE SETTING=VALUE ...",
		.method = "service.set",
		.view = view_changed,
		.positions = {SERVICE},
		.required = 1,
		.settings = {.into = "settings", .part = "services"},
		.options = GENERATION | WITH_FILE,
		.text = "change settings of a service, the others stay",
		.example = "service set smtp ports=25,465,587",
	},
	{
		.noun = "service",
		.verb = "remove",
		.args = "SERVICE",
		.method = "service.remove",
		.view = view_changed,
		.positions = {SERVICE},
		.required = 1,
		.options = GENERATION,
		.text = "remove a service; its sessions break",
		.example = "service remove smtp",
	},
	{
		.noun = "pool",
		.verb = "list",
		.args = "",
		.method = "pool.list",
		.view = view_pools,
		.text = "show the pools and the state of their tables",
		.example = "pool list",
	},
	{
		.noun = "pool",
		.verb = "show",
		.args = "POOL",
		.method = "pool.show",
		.view = view_pool,
		.positions = {POOL},
		.required = 1,
		.text = "show a pool's table and who still has sessions",
		.example = "pool show hub",
	},
	{
		.noun = "pool",
		.verb = "add",
		.args = "NAME [SETTING=VALUE ...]",
		.method = "pool.add",
		.view = view_changed,
		.positions = {{CTL_POSITION_NEW, NULL, CTL_NAMES_NONE}},
		.required = 1,
		.settings = {.into = "pool", .part = "pools"},
		.options = GENERATION | WITH_FILE,
		.text = "add a pool",
		.example = "pool add hub forwarding=l2dsr health.interval=2s",
	},
	{
		.noun = "pool",
		.verb = "set",
		.args = "POOL SETTING=VALUE ...",
		.method = "pool.set",
		.view = view_changed,
		.positions = {POOL},
		.required = 1,
		.settings = {.into = "settings", .part = "pools"},
		.options = GENERATION | WITH_FILE,
		.text = "change settings of a pool, the others stay",
		.example = "pool set hub session_idle=10m health.fall=5",
	},
	{
		.noun = "pool",
		.verb = "remove",
		.args = "POOL",
		.method = "pool.remove",
		.view = view_changed,
		.positions = {POOL},
		.required = 1,
		.options = GENERATION,
		.text = "remove a pool that no service uses",
		.example = "pool remove hub",
	},
	{
		.noun = "pool",
		.verb = "fingerprint",
		.args = "POOL",
		.method = "pool.fingerprint",
		.view = view_fingerprint,
		.positions = {POOL},
		.required = 1,
		.text = "show 16 digits that are the same on nodes that agree",
		.example = "pool fingerprint hub",
	},
	{
		.noun = "backend",
		.verb = "list",
		.args = "[POOL]",
		.method = "backend.list",
		.view = view_backends,
		.positions = {POOL},
		.text = "show backends, their health and share",
		.example = "backend list hub",
	},
	{
		.noun = "backend",
		.verb = "show",
		.args = "POOL/BACKEND",
		.method = "backend.show",
		.view = view_members,
		.positions = {BACKEND},
		.required = 1,
		.text = "show one backend",
		.example = "backend show hub/hub1",
	},
	{
		.noun = "backend",
		.verb = "add",
		.args = "POOL/NAME [SETTING=VALUE ...]",
		.method = "backend.add",
		.view = view_changed,
		.positions = {{CTL_POSITION_NEW_BACKEND, NULL, CTL_NAMES_BACKENDS}},
		.required = 1,
		.settings = {.into = "backend", .part = "pools/backends"},
		.options = GENERATION | WITH_FILE,
		.text = "add a backend; it gets sessions once it is up",
		.example = "backend add hub/hub3 address=10.0.0.13 weight=50",
	},
	{
		.noun = "backend",
		.verb = "set",
		.args = "POOL/BACKEND [weight=N] [state=STATE]",
		.method = "backend.set",
		.view = view_backend_set,
		.positions = {BACKEND},
		.required = 1,
		.settings = {.list = backend_settings},
		.options = GENERATION,
		.text = "change a backend's weight (0 to 1000) or state",
		.example = "backend set hub/hub1 weight=50",
	},
	{
		.noun = "backend",
		.verb = "remove",
		.args = "POOL/BACKEND",
		.method = "backend.remove",
		.view = view_changed,
		.positions = {BACKEND},
		.required = 1,
		.options = GENERATION,
		.text = "remove a backend; its open sessions stay",
		.example = "backend remove hub/hub3",
	},
	{
		.noun = "backend",
		.verb = "drain",
		.args = "POOL/BACKEND",
		.method = "backend.drain",
		.view = view_backend_set,
		.run = ctl_drain,
		.positions = {BACKEND},
		.required = 1,
		.options = GENERATION | WAIT,
		.text = "no new sessions, open ones stay",
		.example = "backend drain hub/hub1 --wait",
	},
	{
		.noun = "backend",
		.verb = "enable",
		.args = "POOL/BACKEND",
		.method = "backend.set",
		.view = view_backend_set,
		.positions = {BACKEND},
		.required = 1,
		.constant = "{\"state\": \"enabled\"}",
		.options = GENERATION,
		.text = "sessions as its weight says",
		.example = "backend enable hub/hub1",
	},
	{
		.noun = "backend",
		.verb = "disable",
		.args = "POOL/BACKEND",
		.method = "backend.set",
		.view = view_backend_set,
		.positions = {BACKEND},
		.required = 1,
		.constant = "{\"state\": \"disabled\"}",
		.options = GENERATION,
		.text = "no sessions at all, open ones are lost",
		.example = "backend disable hub/hub1",
	},
	{
		.noun = "backend",
		.verb = "prepare",
		.args = "POOL/BACKEND",
		.method = "backend.prepare",
		.view = view_commands,
		.positions = {BACKEND},
		.required = 1,
		.options = OS,
		.text = "print the commands that make its server ready",
		.example = "backend prepare hub/hub1 --os linux",
	},
	{
		.noun = "session",
		.verb = "explain",
		.args = "CLIENT:PORT SERVICE:PORT",
		.method = "session.explain",
		.view = view_explanation,
		.positions = {{CTL_POSITION_END, "client", CTL_NAMES_NONE},
			      {CTL_POSITION_END, "service", CTL_NAMES_NONE}},
		.required = 2,
		.text = "show where a session goes, step by step",
		.example = "session explain 203.0.113.7:40213 10.0.0.10:25",
	},
	{
		.noun = "session",
		.verb = "list",
		.args = "[FILTER=VALUE ...]",
		.method = "session.list",
		.view = view_sessions,
		.settings = {.list = session_filters},
		.text = "show the sessions that are remembered",
		.example = "session list pool=hub backend=hub1 client=203.0.113.0/24",
	},
	{
		.noun = "port",
		.verb = "list",
		.args = "",
		.method = "port.list",
		.view = view_ports,
		.text = "show the ports and whether they have link",
		.example = "port list",
	},
	{
		.noun = "port",
		.verb = "show",
		.args = "PORT",
		.method = "port.show",
		.view = view_members,
		.positions = {PORT},
		.required = 1,
		.text = "show one port",
		.example = "port show wan",
	},
	{
		.noun = "port",
		.verb = "stats",
		.args = "[PORT]",
		.method = "port.stats",
		.view = view_members,
		.positions = {PORT},
		.text = "show every counter of the port's driver",
		.example = "port stats wan",
	},
	{
		.noun = "worker",
		.verb = "list",
		.args = "",
		.method = "worker.list",
		.view = view_workers,
		.text = "show how busy the workers are",
		.example = "worker list",
	},
	{
		.noun = "health",
		.verb = "list",
		.args = "[FILTER=VALUE ...]",
		.method = "health.list",
		.view = view_health_list,
		.settings = {.list = health_filters},
		.text = "show what the health checks say",
		.example = "health list verdict=down",
	},
	{
		.noun = "health",
		.verb = "show",
		.args = "POOL/BACKEND",
		.method = "health.show",
		.view = view_health,
		.positions = {BACKEND},
		.required = 1,
		.text = "show a backend's last dialogues with the prober",
		.example = "health show hub/hub1",
	},
	{
		.noun = "health",
		.verb = "check",
		.args = "POOL[/BACKEND]",
		.method = "health.check",
		.view = view_members,
		.positions = {{CTL_POSITION_POOL_OR_BACKEND, NULL, CTL_NAMES_BACKENDS}},
		.required = 1,
		.text = "probe now, without waiting for the interval",
		.example = "health check hub/hub1",
	},
	{
		.noun = "stats",
		.verb = "get",
		.args = "",
		.method = "stats.get",
		.view = view_stats,
		.options = SINCE,
		.text = "show what became of packets, and how far limits are used",
		.example = "stats get",
	},
	{
		.noun = "capture",
		.verb = "start",
		.args = "[SETTING=VALUE ...]",
		.method = "capture.start",
		.view = view_members,
		.settings = {.list = capture_settings},
		.text = "write packets to a pcapng file on the node",
		.example = "capture start name=drops service=smtp reasons=drop_no_backend",
	},
	{
		.noun = "capture",
		.verb = "stop",
		.args = "",
		.method = "capture.stop",
		.view = view_members,
		.text = "end the capture before its time",
		.example = "capture stop",
	},
	{
		.noun = "capture",
		.verb = "show",
		.args = "",
		.method = "capture.show",
		.view = view_members,
		.text = "show how far the last capture is",
		.example = "capture show",
	},
	{
		.noun = "capture",
		.verb = "list",
		.args = "",
		.method = "capture.list",
		.view = view_captures,
		.text = "show the files of captures",
		.example = "capture list",
	},
	{
		.noun = "capture",
		.verb = "read",
		.args = "CAPTURE",
		.method = "capture.read",
		.run = ctl_capture_read,
		.positions = {CAPTURE},
		.required = 1,
		.text = "write a capture's file to standard output",
		.example = "capture read drops > drops.pcapng",
	},
	{
		.noun = "capture",
		.verb = "remove",
		.args = "CAPTURE",
		.method = "capture.remove",
		.view = view_members,
		.positions = {CAPTURE},
		.required = 1,
		.text = "remove a capture's file",
		.example = "capture remove drops",
	},
	{
		.noun = "log",
		.verb = "get",
		.args = "",
		.method = "log.get",
		.view = view_log,
		.text = "show how much is logged of each topic",
		.example = "log get",
	},
	{
		.noun = "log",
		.verb = "set",
		.args = "LEVEL [TOPIC]",
		.method = "log.set",
		.view = view_log,
		.positions = {{CTL_POSITION_TEXT, "level", CTL_NAMES_NONE},
			      {CTL_POSITION_TEXT, "topic", CTL_NAMES_NONE}},
		.required = 1,
		.text = "log more or less, of one topic or of all",
		.example = "log set debug health",
	},
	{
		.noun = "events",
		.verb = "follow",
		.args = "[KIND ...]",
		.method = "events.subscribe",
		.run = ctl_events_follow,
		.positions = {{CTL_POSITION_LIST, "kinds", CTL_NAMES_EVENTS}},
		.options = SINCE,
		.text = "print what happens, as it happens",
		.example = "events follow backend.up backend.down",
	},
	{
		.noun = "node",
		.verb = "info",
		.args = "",
		.method = "node.info",
		.view = view_node,
		.text = "show what the node is",
		.example = "node info",
	},
	{
		.noun = "node",
		.verb = "fingerprint",
		.args = "",
		.method = "node.fingerprint",
		.view = view_members,
		.text = "show whether nodes agree about every pool",
		.example = "node fingerprint",
	},
	{
		.noun = "node",
		.verb = "shutdown",
		.args = "",
		.method = "node.shutdown",
		.view = view_members,
		.options = HOLD,
		.text = "end mailraild",
		.example = "node shutdown --hold-sessions",
	},
	{
		.noun = "token",
		.verb = "new",
		.args = "NAME [ROLE]",
		.run = ctl_token_new,
		.positions = {{CTL_POSITION_WORD, NULL, CTL_NAMES_NONE},
			      {CTL_POSITION_WORD, NULL, CTL_NAMES_NONE}},
		.required = 1,
		.text = "make a bearer token for HTTPS; ROLE is read, operate or admin",
		.example = "token new ansible operate",
	},
	{
		.noun = "import",
		.verb = "keepalived",
		.args = "FILE",
		.run = ctl_import,
		.positions = {FILE_WORD},
		.required = 1,
		.options = IMPORT,
		.text = "make a configuration out of a keepalived.conf (-: standard input)",
		.example = "import keepalived /etc/keepalived/keepalived.conf > mailrail.json",
	},
	{
		.noun = "import",
		.verb = "haproxy",
		.args = "FILE",
		.run = ctl_import,
		.positions = {FILE_WORD},
		.required = 1,
		.options = IMPORT,
		.text = "make a configuration out of an haproxy.cfg, of what is mode tcp",
		.example = "import haproxy /etc/haproxy/haproxy.cfg --address 10.0.0.10",
	},
	{
		.noun = "import",
		.verb = "ipvsadm",
		.args = "FILE",
		.run = ctl_import,
		.positions = {FILE_WORD},
		.required = 1,
		.options = IMPORT,
		.text = "make a configuration out of the output of ipvsadm -Sn",
		.example = "import ipvsadm -",
	},
	{
		.noun = "call",
		.args = "METHOD [PARAMS]",
		.view = view_json,
		.positions = {{CTL_POSITION_WORD, NULL, CTL_NAMES_METHODS},
			      {CTL_POSITION_PARAMS, NULL, CTL_NAMES_NONE}},
		.required = 1,
		.options = GENERATION,
		.text = "call any method; PARAMS is JSON",
		.example = "call backend.list '{\"pool\":\"hub\"}'",
	},
	{
		.noun = "top",
		.args = "",
		.run = ctl_top,
		.text = "watch services, pools, backends, workers and events",
		.example = "top",
	},
	{
		.noun = "doctor",
		.args = "[FILE]",
		.run = ctl_doctor,
		.positions = {FILE_WORD},
		.options = ROOT,
		.text = "check the machine, and the running balancer",
		.example = "doctor",
	},
	{
		.noun = "completion",
		.verb = "bash",
		.args = "",
		.run = ctl_completion_bash,
		.text = "print the completion for bash",
		.example = "completion bash > /etc/bash_completion.d/mailrailctl",
	},
	{
		.noun = "completion",
		.verb = "zsh",
		.args = "",
		.run = ctl_completion_zsh,
		.text = "print the completion for zsh",
		.example = "completion zsh > ~/.zfunc/_mailrailctl",
	},
	{
		.noun = "complete",
		.args = "NAMES [PREFIX]",
		.run = ctl_complete,
		.positions = {{CTL_POSITION_WORD, NULL, CTL_NAMES_NONE},
			      {CTL_POSITION_WORD, NULL, CTL_NAMES_NONE}},
		.required = 1,
		.hidden = true,
		.text = "print the names that a word can be completed to",
		.example = "complete pools",
	},
};
const uint32_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

const struct ctl_command *ctl_command_find(const char *noun, const char *verb)
{
	for (uint32_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];

		if (strcmp(command->noun, noun) == 0 &&
		    (!command->verb || (verb && strcmp(command->verb, verb) == 0)))
			return command;
	}
	return NULL;
}

bool ctl_noun_exists(const char *noun)
{
	for (uint32_t i = 0; i < ctl_command_count; i++)
		if (strcmp(ctl_commands[i].noun, noun) == 0)
			return true;
	return false;
}
