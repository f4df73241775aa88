/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "../lib/errors.h"
#include "../lib/unit.h"
#include "config.h"
#include "config_tables.h"

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

static void test_example(void)
{
	json_t *json = load(PROJECT_ROOT "/config/example.json");
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors);

	field_errors_print(&errors, stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_STRING_EQUAL(config->node.name, "lb1");
	CU_ASSERT_EQUAL(config->node.key[1], 0x11);
	CU_ASSERT_EQUAL(config->ports[0].device_kind, MR_DEVICE_AF_XDP);
	CU_ASSERT_STRING_EQUAL(config->ports[0].device_arguments, "eth0");
	CU_ASSERT_EQUAL(config->pools[0].health.interval_ms, 2000);
	CU_ASSERT_EQUAL(config->pools[0].health.timeout_ms, 10000);
	CU_ASSERT_EQUAL(config->services[0].ports[1], 587);
	CU_ASSERT_EQUAL(config->services[0].exclude.sources[0].length, 122);
	CU_ASSERT_EQUAL(config_find_pool(config, "hub-transport"), 0);
	CU_ASSERT(config_find_pool(config, "hub") < 0);
	CU_ASSERT_EQUAL(config_find_backend(&config->pools[0], "hub2"), 1);
	CU_ASSERT(config_find_backend(&config->pools[0], "hub3") < 0);
	config_free(config);
	json_decref(json);
}

static void test_copy_and_encode(void)
{
	json_t *json = load(PROJECT_ROOT "/config/example.json");
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors), *copy;
	json_t *encoded, *again;

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	copy = config_copy(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	CU_ASSERT(copy->ports[0].device_arguments == copy->ports[0].device + strlen("af_xdp:"));
	encoded = config_encode(config);
	config_free(config);
	again = config_encode(copy);
	CU_ASSERT(json_equal(encoded, again));
	config_free(copy);

	/* What was encoded says the same when it is decoded. */
	config = config_decode(encoded, &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	json_decref(again);
	again = config_encode(config);
	CU_ASSERT(json_equal(encoded, again));
	config_free(config);
	json_decref(encoded);
	json_decref(again);
	json_decref(json);
}

static const char minimal[] =
	"{\"node\": {\"name\": \"n\", \"key\": "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
	"\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\"}], "
	"\"pools\": [{\"name\": \"a\", \"backends\": [{\"name\": \"b\", \"address\": "
	"\"10.0.0.1\"}]}], "
	"\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "
	"[\"10.0.0.9\"], \"ports\": [25], \"pool\": \"a\"}]}";

static void test_defaults(void)
{
	json_t *json = json_loads(minimal, 0, NULL);
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors);

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_STRING_EQUAL(config->control.socket, "/run/mailrail/control.sock");
	CU_ASSERT_STRING_EQUAL(config->control.socket_mode, "0660");
	CU_ASSERT_PTR_NULL(config->control.socket_group);
	CU_ASSERT_EQUAL(config->log.format, LOG_FORMAT_AUTO);
	CU_ASSERT_EQUAL(config->log.level, LOG_LEVEL_NOTICE);
	CU_ASSERT_FALSE(config->control.http_given);
	CU_ASSERT_EQUAL(config->control.limits.request_bytes, 8 << 20);
	CU_ASSERT_EQUAL(config->control.limits.stall_ms, 30000);
	CU_ASSERT_FALSE(config->control.limits.idle_given);
	CU_ASSERT_EQUAL(config->workers.core_count, 1);
	CU_ASSERT_EQUAL(config->workers.poll, MR_POLL_BUSY);
	CU_ASSERT_EQUAL(config->sessions.pin_budget, 1000000);
	CU_ASSERT_STRING_EQUAL(config->sessions.state, "/run/mailrail/sessions");
	CU_ASSERT_EQUAL(config->ports[0].device_kind, MR_DEVICE_VDEV);
	CU_ASSERT_STRING_EQUAL(config->ports[0].device_arguments, "net_null0");
	CU_ASSERT_EQUAL(config->ports[0].vlan_count, 0);
	CU_ASSERT_EQUAL(config->ports[0].mtu_bytes, 0);
	CU_ASSERT(config->ports[0].twin);
	CU_ASSERT_PTR_NULL(config->ports[0].interface);
	CU_ASSERT_EQUAL(config->pools[0].forwarding, MR_FORWARDING_L2DSR);
	CU_ASSERT_FALSE(config->pools[0].tunnel.source_given);
	CU_ASSERT_EQUAL(config->pools[0].tunnel.port, 6080);
	CU_ASSERT_EQUAL(config->pools[0].mss_max_bytes, 0);
	CU_ASSERT_EQUAL(config->pools[0].table_size, 65537);
	CU_ASSERT_EQUAL(config->pools[0].session_idle_ms, 900000);
	CU_ASSERT_EQUAL(config->pools[0].backends[0].weight, 100);
	CU_ASSERT_EQUAL(config->pools[0].backends[0].state, CONFIG_BACKEND_ENABLED);
	CU_ASSERT_EQUAL(config->pools[0].health.type, CONFIG_HEALTH_SMTP);
	CU_ASSERT_EQUAL(config->pools[0].health.interval_ms, 10000);
	CU_ASSERT_EQUAL(config->pools[0].health.rise, 2);
	CU_ASSERT_EQUAL(config->pools[0].health.fall, 3);
	CU_ASSERT_EQUAL(config->services[0].exclude.action, MR_EXCLUDE_REJECT);
	config_free(config);
	json_decref(json);
}

static const char modes[] =
	"{\"ports\": [{\"name\": \"p\", \"device\": \"pci:0000:03:00.0\", \"vlan\": [100, 7], "
	"\"mtu\": 9000, \"twin\": false, \"interface\": \"eth0.100.7\"}, {\"name\": \"q\", "
	"\"device\": \"af_xdp:eth0\", \"twin\": false}], "
	"\"pools\": [{\"name\": \"a\", \"forwarding\": \"gue\", \"mss\": 1400, \"tunnel\": "
	"{\"source\": \"192.0.2.0/24\", \"port\": 5555}, \"backends\": [{\"name\": \"b\", "
	"\"address\": \"10.0.0.1\"}]}, {\"name\": \"n\", \"forwarding\": \"nat\", \"backends\": "
	"[{\"name\": \"b\", \"address\": \"10.0.0.1\"}]}, {\"name\": \"i\", \"forwarding\": "
	"\"ipip\", \"backends\": [{\"name\": \"b\", \"address\": \"2001:db8::1\"}]}], "
	"\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "
	"[\"10.0.0.9\", \"2001:db8::9\"], \"ports\": [25], \"pool\": \"a\"}, {\"name\": \"t\", "
	"\"namespace\": \"x.org\", \"addresses\": [\"10.0.0.8\"], \"ports\": [25], \"pool\": "
	"\"n\"}, {\"name\": \"u\", \"namespace\": \"x.org\", \"addresses\": [\"10.0.0.7\"], "
	"\"ports\": [587], \"pool\": \"n\"}]}";

static void check_modes(const struct config *config)
{
	const struct config_port *port = &config->ports[0];
	const struct config_pool *pool = &config->pools[0];

	CU_ASSERT_EQUAL(port->device_kind, MR_DEVICE_PCI);
	CU_ASSERT_EQUAL_FATAL(port->vlan_count, 2);
	CU_ASSERT_EQUAL(port->vlan[0], 100);
	CU_ASSERT_EQUAL(port->vlan[1], 7);
	CU_ASSERT_EQUAL(port->mtu_bytes, 9000);
	CU_ASSERT_FALSE(port->twin);
	CU_ASSERT_STRING_EQUAL(port->interface, "eth0.100.7");
	CU_ASSERT_FALSE(config->ports[1].twin);
	CU_ASSERT_EQUAL(pool->forwarding, MR_FORWARDING_GUE);
	CU_ASSERT_EQUAL(pool->mss_max_bytes, 1400);
	CU_ASSERT(pool->tunnel.source_given);
	CU_ASSERT_EQUAL(pool->tunnel.source.length, 96 + 24);
	CU_ASSERT_EQUAL(pool->tunnel.port, 5555);
	CU_ASSERT_EQUAL(config->pools[1].forwarding, MR_FORWARDING_NAT);
	CU_ASSERT_EQUAL(config->pools[2].forwarding, MR_FORWARDING_IPIP);
	CU_ASSERT_EQUAL(config->pools[2].tunnel.port, 6080);
}

static void test_modes(void)
{
	json_t *json = json_loads(minimal, 0, NULL), *change = json_loads(modes, 0, NULL);
	struct field_errors errors = {0};
	struct config *config, *copy;
	json_t *encoded;

	CU_ASSERT_PTR_NOT_NULL_FATAL(change);
	json_object_update(json, change);
	config = config_decode(json, &errors);
	field_errors_print(&errors, stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	check_modes(config);
	copy = config_copy(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	check_modes(copy);
	encoded = config_encode(copy);
	config_free(config);
	config_free(copy);
	config = config_decode(encoded, &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	check_modes(config);
	config_free(config);
	json_decref(encoded);
	json_decref(change);
	json_decref(json);
}

/* The pool of the minimal configuration, in another mode. */
#define TUNNEL_POOL(forwarding, tunnel)                                       \
	"{\"pools\": [{\"name\": \"a\", \"forwarding\": \"" forwarding "\", " \
	"\"tunnel\": {" tunnel "}, \"backends\": [{\"name\": \"b\", "         \
	"\"address\": \"10.0.0.1\"}]}]}"

/* Two services of one nat pool with one backend. */
#define NAT_CONFIG(backend, addresses, other_address, other_ports)                               \
	"{\"pools\": [{\"name\": \"a\", \"forwarding\": \"nat\", \"backends\": "                 \
	"[{\"name\": \"b\", \"address\": " backend "}]}], "                                      \
	"\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "             \
	"[" addresses "], \"ports\": [25], \"pool\": \"a\"}, {\"name\": \"t\", "                 \
	"\"namespace\": \"y.org\", \"addresses\": [" other_address "], \"ports\": [" other_ports \
	"], \"pool\": \"a\"}]}"

/* @change: members that replace those of the minimal configuration. */
static void test_refused(void)
{
	static const struct {
		const char *change;
		const char *pointer;
		const char *message;
	} rows[] = {
		{"{\"node\": {\"name\": \"n\"}}", "/node/key", "missing"},
		{"{\"control\": {\"socket\": "
		 "\"/"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
		 "/control/socket", "108 bytes long; expected 1..107"},
		{"{\"log\": {\"level\": \"loud\"}}", "/log/level", "\"loud\""},
		{"{\"control\": {\"socket_mode\": \"0668\"}}", "/control/socket_mode",
		 "not a mode"},
		{"{\"control\": {\"socket_mode\": \"0662\"}}", "/control/socket_mode",
		 "let everybody"},
		{"{\"control\": {\"limits\": {\"request_size\": 4096}}}",
		 "/control/limits/request_size", "a size with its unit"},
		{"{\"control\": {\"limits\": {\"request_size\": \"4MB\"}}}",
		 "/control/limits/request_size", "a size with its unit"},
		{"{\"control\": {\"limits\": {\"request_size\": \"1KiB\"}}}",
		 "/control/limits/request_size", "\"4KiB\"..\"256MiB\""},
		{"{\"control\": {\"http\": {\"plain\": true}}}", "/control/http/port", "missing"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"key\": \"/k\", \"tokens\": "
		 "[{\"name\": \"t\", "
		 "\"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/certificate", "TLS wants certificate and key"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"tokens\": "
		 "[{\"name\": \"t\", \"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/key", "TLS wants certificate and key"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"key\": "
		 "\"/k\"}}}",
		 "/control/http", "nobody could do anything"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"plain\": true, \"key\": \"/k\", "
		 "\"tokens\": [{\"name\": \"t\", \"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/plain", "for TLS"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"address\": \"10.0.0.1\", \"plain\": "
		 "true, \"tokens\": [{\"name\": \"t\", \"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/plain", "loopback addresses only"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"address\": \"2001:db8::1\", "
		 "\"certificate\": \"/c\", \"key\": \"/k\", \"anonymous\": \"read\"}}}",
		 "/control/http/anonymous", "loopback addresses only"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"key\": "
		 "\"/k\", \"clients\": [{\"name\": \"c\", \"role\": \"read\"}]}}}",
		 "/control/http/clients", "client_ca is missing"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"key\": "
		 "\"/k\", \"client_ca\": \"/a\", \"tokens\": [{\"name\": \"t\", \"role\": "
		 "\"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/clients", "does not say who may do what"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"key\": "
		 "\"/k\", \"tokens\": [{\"name\": \"t\", \"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, "
		 "{\"name\": \"u\", \"role\": \"read\", \"hash\": "
		 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}}}",
		 "/control/http/tokens/1/hash", "/control/http/tokens/0"},
		{"{\"control\": {\"http\": {\"port\": 9443, \"certificate\": \"/c\", \"key\": "
		 "\"/k\", \"tokens\": [{\"name\": \"t\", \"role\": \"read\", \"hash\": "
		 "\"abc\"}]}}}",
		 "/control/http/tokens/0/hash", "3 hexadecimal digits"},
		{"{\"workers\": {\"cores\": []}}", "/workers/cores", "at least 1"},
		{"{\"workers\": {\"cores\": [1, 2, 1]}}", "/workers/cores/2", "already at"},
		{"{\"workers\": {\"cores\": [1024]}}", "/workers/cores/0", "outside 0..1023"},
		{"{\"workers\": {\"poll\": \"lazy\"}}", "/workers/poll", "adaptive"},
		{"{\"sessions\": {\"idle\": \"15m\"}}", "/sessions/idle", "unknown"},
		{"{\"sessions\": {\"state\": \"\"}}", "/sessions/state", "0 bytes long"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], \"session_idle\": "
		 "\"999ms\"}]}",
		 "/pools/0/session_idle", "\"1s\"..\"24h\""},
		{"{\"sessions\": {\"pins\": 1023}}", "/sessions/pins", "1024..16777216"},
		{"{\"ports\": []}", "/ports", "at least 1"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"eth0\"}]}", "/ports/0/device",
		 "\"eth0\" is not a device"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"pci:03:00.0\"}]}", "/ports/0/device",
		 "\"pci:03:00.0\" does not name a PCI device: expected its whole address, like "
		 "\"pci:0000:03:00.0\""},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\"}, "
		 "{\"name\": \"q\", \"device\": \"net_null0\"}]}",
		 "/ports/1/device", "already at /ports/0/device"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"af_xdp:eth0\", \"neighbours\": "
		 "[{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}]}]}",
		 "/ports/0/neighbours", "virtual devices"},
		{"{\"pools\": [{\"name\": \"a\", \"bakends\": [], \"backends\": []}]}",
		 "/pools/0/bakends", "unknown field (did you mean \"backends\"?)"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], \"table_size\": 65536}]}",
		 "/pools/0/table_size", "65536 is not a prime; the next one is 65537"},
		{"{\"pools\": [{\"name\": \"a\", \"table_size\": 2, \"backends\": ["
		 "{\"name\": \"b\", \"address\": \"10.0.0.1\"}, "
		 "{\"name\": \"c\", \"address\": \"10.0.0.2\"}, "
		 "{\"name\": \"d\", \"address\": \"10.0.0.3\"}]}]}",
		 "/pools/0/table_size", "2 slots are too few for 3 backends"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": ["
		 "{\"name\": \"b\", \"address\": \"10.0.0.1\"}, "
		 "{\"name\": \"c\", \"address\": \"10.0.0.1\"}]}]}",
		 "/pools/0/backends/1/address", "already at /pools/0/backends/0/address"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": []}, "
		 "{\"name\": \"a\", \"backends\": []}]}",
		 "/pools/1/name", "already at /pools/0/name"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], "
		 "\"health\": {\"interval\": \"99ms\"}}]}",
		 "/pools/0/health/interval", "outside \"100ms\"..\"1h\""},
		{"{\"pools\": [{\"name\": \"b\", \"backends\": []}]}", "/services/0/pool",
		 "there is no pool \"a\""},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [{\"name\": \"b\", \"address\": "
		 "\"10.0.0.9\"}]}]}",
		 "/services/0/addresses/0", "in a loop"},
		{"{\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "
		 "[\"10.0.0.9\"], \"ports\": [25, 587], \"pool\": \"a\"}, {\"name\": \"t\", "
		 "\"namespace\": \"y.org\", \"addresses\": [\"10.0.0.8\", \"10.0.0.9\"], "
		 "\"ports\": [465, 587], \"pool\": \"a\"}]}",
		 "/services/1/ports/1",
		 "10.0.0.9 port 587 already belongs to service \"s\" (/services/0)"},
		{"{\"services\": [{\"name\": \"s\", \"namespace\": \"x.org\", \"addresses\": "
		 "[\"10.0.0.9\"], \"ports\": [70000], \"pool\": \"a\"}]}",
		 "/services/0/ports/0", "70000 is outside 1..65535"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"vlan\": [1, 2, 3]}]}",
		 "/ports/0/vlan", "3 elements; at most 2 allowed"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"vlan\": [4095]}]}",
		 "/ports/0/vlan/0", "4095 is outside 1..4094"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"vlan\": [7]}, "
		 "{\"name\": \"q\", \"device\": \"net_null0\", \"vlan\": [7]}]}",
		 "/ports/1/device",
		 "\"net_null0\" is already at /ports/0/device; ports that share a device differ in "
		 "\"vlan\""},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0,size=64\"}, "
		 "{\"name\": \"q\", \"device\": \"net_null0,size=99\", \"vlan\": [7]}]}",
		 "/ports/1/device",
		 "\"net_null0,size=99\" is the same device as \"net_null0,size=64\" at "
		 "/ports/0/device; ports that share a device spell it alike"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"af_xdp:eth0\"}, "
		 "{\"name\": \"q\", \"device\": \"af_packet:eth0\", \"vlan\": [7]}]}",
		 "/ports/1/device",
		 "\"af_packet:eth0\" is the same device as \"af_xdp:eth0\" at /ports/0/device; "
		 "ports "
		 "that share a device spell it alike"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"mtu\": 9000}, "
		 "{\"name\": \"q\", \"device\": \"net_null0\", \"vlan\": [7]}]}",
		 "/ports/1/mtu",
		 "/ports/0 has another one; ports that share a device have the same MTU"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"mtu\": 67}]}",
		 "/ports/0/mtu", "67 is outside 68..9216"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"af_xdp:eth0\", \"mtu\": 9000}]}",
		 "/ports/0/mtu",
		 "\"af_xdp:eth0\" has an MTU already, which the kernel sets (ip link set dev eth0 "
		 "mtu "
		 "9000)"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"af_packet:eth0\", \"twin\": true}]}",
		 "/ports/0/twin",
		 "\"af_packet:eth0\" needs none: what is not for a service stays with the kernel"},
		{"{\"ports\": [{\"name\": \"sixteen-bytes-xx\", \"device\": "
		 "\"pci:0000:03:00.0\"}]}",
		 "/ports/0/name",
		 "\"sixteen-bytes-xx\" cannot name the twin interface: at most 15 bytes; take a "
		 "shorter name, or \"twin\": false"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"pci:0000:03:00.0\", \"neighbours\": "
		 "[{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}]}]}",
		 "/ports/0/neighbours",
		 "static neighbours are for virtual devices (net_...) only, not for "
		 "\"pci:0000:03:00.0\""},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"interface\": \"a "
		 "b\"}]}",
		 "/ports/0/interface",
		 "\"a b\" is not the name of an interface: 1..15 bytes without \"/\", \":\" and "
		 "space"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], \"forwarding\": \"gre\"}]}",
		 "/pools/0/forwarding",
		 "\"gre\" is not one of \"l2dsr\", \"ipip\", \"gue\", \"nat\""},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], \"mss\": 535}]}", "/pools/0/mss",
		 "535 is outside 536..9176, and not 0 (not touched)"},
		{"{\"pools\": [{\"name\": \"a\", \"backends\": [], \"mss\": 9177}]}",
		 "/pools/0/mss", "9177 is outside 0..9176"},
		{TUNNEL_POOL("l2dsr", "\"source\": \"10.0.0.2\""), "/pools/0/tunnel/source",
		 "l2dsr has no outer headers"},
		{TUNNEL_POOL("nat", "\"port\": 6080"), "/pools/0/tunnel/port",
		 "nat has no UDP port"},
		{TUNNEL_POOL("ipip", "\"port\": 6080"), "/pools/0/tunnel/port",
		 "ipip has no UDP port"},
		{TUNNEL_POOL("gue", "\"port\": 0"), "/pools/0/tunnel/port",
		 "0 is outside 1..65535"},
		{TUNNEL_POOL("gue", "\"source\": \"224.0.0.1\""), "/pools/0/tunnel/source",
		 "\"224.0.0.1\" is not the address of a host"},
		{TUNNEL_POOL("gue", "\"source\": \"172.16.0.0/12\""), "/pools/0/tunnel/source",
		 "\"172.16.0.0/12\" leaves 20 bits to vary; at most 16 allowed (/16 or longer)"},
		{TUNNEL_POOL("gue", "\"source\": \"2001:db8::2\""), "/pools/0/tunnel/source",
		 "is IPv6, but backend \"b\" has an IPv4 address"},
		{TUNNEL_POOL("gue", "\"source\": \"10.0.0.0/30\""), "/pools/0/tunnel/source",
		 "includes 10.0.0.1, the address of backend \"b\": a server drops packets that "
		 "seem "
		 "to come from itself"},
		{TUNNEL_POOL("ipip", "\"source\": \"10.0.0.8/29\""), "/pools/0/tunnel/source",
		 "includes 10.0.0.9, the address of service \"s\": a server drops packets that "
		 "seem "
		 "to come from itself"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"net_null0\", \"neighbours\": "
		 "[{\"address\": \"10.0.0.1\", \"mac\": \"02:00:00:00:00:01\"}]}], "
		 "\"pools\": [{\"name\": \"a\", \"forwarding\": \"gue\", \"backends\": [{\"name\": "
		 "\"b\", \"address\": \"10.0.0.1\"}]}]}",
		 "/pools/0/tunnel/source",
		 "missing, which the static next hop of backend \"b\" calls for"},
		{NAT_CONFIG("\"10.0.0.1\"", "\"10.0.0.9\", \"10.0.0.8\"", "\"10.0.0.7\"", "26"),
		 "/services/0/addresses/1",
		 "a service of nat pool \"a\" has one address: the answers of its backends would "
		 "not "
		 "tell which of several they are for"},
		{NAT_CONFIG("\"2001:db8::1\"", "\"10.0.0.9\"", "\"2001:db8::7\"", "26"),
		 "/services/0/addresses/0",
		 "\"10.0.0.9\" is IPv4, but backend \"b\" of nat pool \"a\" has an IPv6 address"},
		{/* once, though two backends clash */
		 NAT_CONFIG("\"10.0.0.1\"}, {\"name\": \"c\", \"address\": \"10.0.0.2\"",
			    "\"10.0.0.9\"", "\"10.0.0.7\"", "587, 25"),
		 "/services/1/ports/1",
		 "nat: answers of backend \"b\" (10.0.0.1) from port 25 already belong to service "
		 "\"s\" (/services/0)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_loads(minimal, 0, NULL);
		json_t *change = json_loads(rows[i].change, 0, NULL);
		struct field_errors errors = {0};

		CU_ASSERT_PTR_NOT_NULL_FATAL(change);
		json_object_update(json, change);
		CU_ASSERT_PTR_NULL(config_decode(json, &errors));
		CU_ASSERT_EQUAL(errors.count, 1);
		CU_ASSERT(errors_have(&errors, rows[i].pointer, rows[i].message));
		field_errors_fini(&errors);
		json_decref(change);
		json_decref(json);
	}
}

/* Field errors do not hide what is wrong between the fields. */
static void test_all_errors_at_once(void)
{
	json_t *json = json_loads(minimal, 0, NULL);
	json_t *change = json_loads("{\"ports\": [{\"name\": 1, \"device\": \"eth0\"}], "
				    "\"pools\": [{\"backends\": 7, \"table_size\": 4}]}",
				    0, NULL);
	struct field_errors errors = {0};

	json_object_update(json, change);
	CU_ASSERT_PTR_NULL(config_decode(json, &errors));
	CU_ASSERT_EQUAL(errors.count, 6);
	CU_ASSERT(errors_have(&errors, "/ports/0/name", "expected a name"));
	CU_ASSERT(errors_have(&errors, "/ports/0/device", "not a device"));
	CU_ASSERT(errors_have(&errors, "/pools/0/name", "missing"));
	CU_ASSERT(errors_have(&errors, "/pools/0/backends", "expected an array"));
	CU_ASSERT(errors_have(&errors, "/pools/0/table_size", "not a prime"));
	CU_ASSERT(errors_have(&errors, "/services/0/pool", "there is no pool"));
	field_errors_fini(&errors);
	json_decref(change);
	json_decref(json);
}

static json_t *many_backends(const char *pool, int count, int first)
{
	json_t *backends = json_array();

	for (int i = 0; i < count; i++) {
		char name[16], address[24];

		snprintf(name, sizeof(name), "b%d", i);
		snprintf(address, sizeof(address), "10.%d.%d.%d", first + (i >> 16), i >> 8 & 255,
			 i & 255);
		json_array_append_new(backends,
				      json_pack("{s:s, s:s}", "name", name, "address", address));
	}
	return json_pack("{s:s, s:o}", "name", pool, "backends", backends);
}

static void test_backends_over_all_pools(void)
{
	json_t *json = json_loads(minimal, 0, NULL);
	json_t *pools = json_pack("[o, o]", many_backends("a", 32000, 1),
				  many_backends("c", MR_BACKENDS_MAX - 32000, 2));
	struct field_errors errors = {0};
	struct config *config;

	json_object_set(json, "pools", pools);
	config = config_decode(json, &errors);
	CU_ASSERT_PTR_NOT_NULL(config);
	config_free(config);

	json_array_append_new(pools, many_backends("d", 1, 3));
	CU_ASSERT_PTR_NULL(config_decode(json, &errors));
	CU_ASSERT(errors_have(&errors, "/pools", "32768 backends in all; at most 32767"));
	field_errors_fini(&errors);
	json_decref(pools);
	json_decref(json);
}

static void test_endpoints_over_all_services(void)
{
	json_t *json = json_loads(minimal, 0, NULL);
	json_t *addresses = json_array(), *ports = json_array();
	json_t *service = json_array_get(json_object_get(json, "services"), 0);
	struct field_errors errors = {0};
	struct config *config;
	char text[24];

	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "10.1.1.%d", i);
		json_array_append_new(addresses, json_string(text));
		json_array_append_new(ports, json_integer(i + 1));
	}
	json_object_set_new(service, "addresses", addresses);
	json_object_set_new(service, "ports", ports);
	config = config_decode(json, &errors);
	CU_ASSERT_PTR_NOT_NULL(config); /* 65536 of them */
	config_free(config);

	json_array_append_new(ports, json_integer(1000));
	CU_ASSERT_PTR_NULL(config_decode(json, &errors));
	CU_ASSERT(errors_have(&errors, "/services", "65792 pairs of address and port"));
	field_errors_fini(&errors);
	json_decref(json);
}

/* Backends times ports; another service on the same pool brings its own. */
static void test_nat_sources_over_all_services(void)
{
	json_t *json = json_loads(minimal, 0, NULL);
	json_t *pool = many_backends("a", 32767, 1), *ports = json_pack("[i, i]", 25, 587);
	json_t *service = json_array_get(json_object_get(json, "services"), 0);
	struct field_errors errors = {0};
	struct config *config;

	json_object_set_new(pool, "forwarding", json_string("nat"));
	json_object_set_new(json, "pools", json_pack("[o]", pool));
	json_object_set_new(service, "ports", ports);
	json_object_set_new(service, "addresses", json_pack("[s]", "192.0.2.1"));
	config = config_decode(json, &errors);
	CU_ASSERT_PTR_NOT_NULL(config); /* 65534 of them */
	config_free(config);

	json_array_append_new(ports, json_integer(465));
	CU_ASSERT_PTR_NULL(config_decode(json, &errors));
	CU_ASSERT(
		errors_have(&errors, "/services",
			    "98301 pairs of backend and port of nat pools in all; at most 65536"));
	field_errors_fini(&errors);
	json_decref(json);
}

/* The published schema is the one that the tables say. */
static void test_published_schema(void)
{
	json_t *schema = config_schema();
	json_t *published = load(PROJECT_ROOT "/config/mailrail.schema.json");

	CU_ASSERT(json_equal(schema, published));
	json_decref(schema);
	json_decref(published);
}

static void check_field(const struct field *field)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(field->name);
	CU_ASSERT(field->text && field->text[strlen(field->text) - 1] != '.');
	CU_ASSERT(field->max == 0 || field->min <= field->max);
	CU_ASSERT(field->list_max == 0 || field->list_min <= field->list_max);
	CU_ASSERT(field->fallback == 0 || (field->fallback >= field->min &&
					   (field->max == 0 || field->fallback <= field->max)));
	CU_ASSERT(!field->key || field->required);
	CU_ASSERT_EQUAL(field->kind == FIELD_ENUM, field->choices != NULL);
	CU_ASSERT_EQUAL(field->kind == FIELD_OBJECT, field->shape != NULL);
}

static void check_shape(const struct shape *shape)
{
	for (uint32_t i = 0; i < shape->field_count; i++) {
		const struct field *field = &shape->fields[i];

		check_field(field);
		for (uint32_t j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(field->name, shape->fields[j].name);
		if (field->kind != FIELD_OBJECT)
			continue;
		CU_ASSERT_EQUAL(field->size, field->shape->size);
		check_shape(field->shape);
	}
}

static void test_tables(void)
{
	check_shape(&config_shape);
}

/* Each way in that is allowed, and what is filled in. */
static void test_doors(void)
{
	static const char *const rows[] = {
		"{\"port\": 9443, \"plain\": true, \"anonymous\": \"admin\"}",
		"{\"port\": 9443, \"plain\": true, \"address\": \"::1\", \"tokens\": [{\"name\": "
		"\"t\", \"role\": \"read\", \"hash\": "
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}",
		"{\"port\": 9443, \"address\": \"10.0.0.1\", \"certificate\": \"/c\", \"key\": "
		"\"/k\", \"client_ca\": \"/a\", \"clients\": [{\"name\": \"Night Shift\", "
		"\"role\": \"operate\"}]}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_loads(minimal, 0, NULL);
		struct field_errors errors = {0};
		struct config *config;

		json_object_set_new(json, "control",
				    json_pack("{s:o}", "http", json_loads(rows[i], 0, NULL)));
		config = config_decode(json, &errors);
		CU_ASSERT_PTR_NOT_NULL_FATAL(config);
		CU_ASSERT(config->control.http_given);
		CU_ASSERT_EQUAL(config->control.http.port, 9443);
		/* Without an address it is this host's own. */
		CU_ASSERT(i != 0 || config->control.http.address.bytes[12] == 127);
		config_free(config);
		json_decref(json);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_example),
		UNIT_TEST(test_copy_and_encode),
		UNIT_TEST(test_defaults),
		UNIT_TEST(test_doors),
		UNIT_TEST(test_modes),
		UNIT_TEST(test_refused),
		UNIT_TEST(test_all_errors_at_once),
		UNIT_TEST(test_backends_over_all_pools),
		UNIT_TEST(test_endpoints_over_all_services),
		UNIT_TEST(test_nat_sources_over_all_services),
		UNIT_TEST(test_published_schema),
		UNIT_TEST(test_tables),
		CU_TEST_INFO_NULL,
	};

	return unit_run("config", tests);
}
