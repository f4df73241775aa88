/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration out of a model: pools shared, ports together, and nothing that is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "address_text.h"
#include "config.h"
#include "config_tables.h"
#include "duration.h"
#include "import_model.h"
#include "name.h"

#define NAMESPACE   "mail.example.com"
#define ANY_ADDRESS "192.0.2.25" /* for documentation, RFC 5737: is nobody's */
#define INTERFACE   "eth0"
#define WEIGHT_MAX  1000

struct build {
	struct import_model *model;
	json_t *pools, *services;
	json_t *lines;			    /* of each service, in the source */
	json_t *pool_names, *service_names; /* given ones, and the last number behind each */
	/* Names of pools and services themselves, by what others can share with them. */
	json_t *pool_index, *service_index;
	uint64_t backend_count;
	bool namespace_unknown;
	bool ok; /* memory was there */
};

static void put(struct build *b, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		b->ok = false;
}

static void append(struct build *b, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		b->ok = false;
}

static json_t *address_json(const struct mr_addr *address)
{
	char text[MR_ADDR_TEXT_MAX];

	address_format(address, text);
	return json_string(text);
}

/* @wanted, or that with a number behind it. */
static json_t *unique_name(struct build *b, json_t *names, const char *wanted)
{
	char name[MR_NAME_MAX];
	json_int_t number = json_integer_value(json_object_get(names, wanted));

	snprintf(name, sizeof(name), "%s", wanted);
	while (json_object_get(names, name)) {
		number = number < 2 ? 2 : number + 1;
		snprintf(name, sizeof(name), "%.50s-%u", wanted, (uint32_t)number);
	}
	put(b, names, wanted, json_integer(number));
	if (strcmp(name, wanted) != 0)
		put(b, names, name, json_integer(1));
	return json_string(name);
}

/* --- pools */

static uint32_t highest_weight(const struct import_virtual *service)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < service->server_count; i++)
		if (service->servers[i].weight > highest)
			highest = service->servers[i].weight;
	return highest;
}

/* In proportion, where the source knows larger ones than mailrail. */
static uint32_t scaled_weight(uint32_t weight, uint32_t highest)
{
	uint64_t scaled;

	if (highest <= WEIGHT_MAX || weight == 0)
		return weight;
	scaled = (uint64_t)weight * WEIGHT_MAX / highest;
	return scaled > 0 ? (uint32_t)scaled : 1;
}

static json_t *backends_json(struct build *b, const struct import_virtual *service)
{
	const uint32_t highest = highest_weight(service);
	json_t *backends = json_array(), *names = json_object();

	if (highest > WEIGHT_MAX)
		import_notes_add(b->model->notes, service->line, 0,
				 "weights are carried over in proportion: the largest is %d",
				 WEIGHT_MAX);
	for (uint32_t i = 0; i < service->server_count; i++) {
		const struct import_server *server = &service->servers[i];
		json_t *backend = json_object();

		put(b, backend, "name", unique_name(b, names, server->name));
		put(b, backend, "address", address_json(&server->address));
		put(b, backend, "weight", json_integer(scaled_weight(server->weight, highest)));
		if (server->state)
			put(b, backend, "state", json_string(server->state));
		append(b, backends, backend);
	}
	json_decref(names);
	return backends;
}

/* What @value is after it was brought between @min and @max; 0 stays: it was not given. */
static uint64_t within(struct build *b, const struct import_virtual *service, const char *what,
		       uint64_t value, uint64_t min, uint64_t max)
{
	const uint64_t kept = value < min ? min : value > max ? max : value;

	if (value == 0)
		return 0;
	if (kept != value)
		import_notes_add(b->model->notes, service->line, 0,
				 "%s of its health checks: not carried over: beyond what mailrail "
				 "takes",
				 what);
	return kept;
}

static void put_duration(struct build *b, json_t *object, const char *key, uint64_t ms)
{
	char text[DURATION_TEXT_MAX];

	if (ms == 0)
		return;
	duration_format(ms, text);
	put(b, object, key, json_string(text));
}

static void put_count(struct build *b, json_t *object, const char *key, uint64_t count)
{
	if (count > 0)
		put(b, object, key, json_integer((json_int_t)count));
}

static json_t *health_json(struct build *b, const struct import_virtual *service)
{
	const struct import_health *given = &service->health;
	json_t *health = json_object();

	put(b, health, "type", json_string(config_health_types[CONFIG_HEALTH_SMTP]));
	put_duration(b, health, "interval",
		     within(b, service, "interval", given->interval_ms, 100, 3600 * 1000));
	put_duration(b, health, "timeout",
		     within(b, service, "timeout", given->timeout_ms, 100, 300 * 1000));
	put_count(b, health, "rise", within(b, service, "rise", given->rise, 1, 100));
	put_count(b, health, "fall", within(b, service, "fall", given->fall, 1, 100));
	return health;
}

/* Whether a probe on one of its ports hears a greeting; 465 begins with TLS, RFC 8314. */
static bool greets_on(const struct build *b, const struct import_virtual *service, uint16_t port)
{
	return port != 465 && (service->smtp || import_is_smtp_port(b->model->options, port));
}

static bool greets(const struct build *b, const struct import_virtual *service)
{
	for (uint32_t i = 0; i < service->port_count; i++)
		if (greets_on(b, service, service->ports[i]))
			return true;
	return false;
}

/* What tells pools apart, as text; the caller's. NULL: no memory. */
static char *pool_key(const json_t *pool, bool with_health)
{
	json_t *parts =
		json_pack("[O, O?, O, O?]", json_object_get(pool, "forwarding"),
			  json_object_get(pool, "tunnel"), json_object_get(pool, "backends"),
			  with_health ? json_object_get(pool, "health") : NULL);
	char *key = parts ? json_dumps(parts, JSON_COMPACT) : NULL;

	json_decref(parts);
	return key;
}

/* The name of one with the same servers, and the same checks if @with_health. Borrowed. */
static json_t *find_pool(struct build *b, const json_t *candidate, bool with_health)
{
	char *key = pool_key(candidate, with_health);
	json_t *name = key ? json_object_get(b->pool_index, key) : NULL;

	b->ok = b->ok && key;
	free(key);
	return name;
}

/* So that find_pool() finds it; the first one of several with the same servers. */
static void index_pool(struct build *b, const json_t *pool, json_t *name)
{
	for (int with_health = 0; with_health <= 1; with_health++) {
		char *key = pool_key(pool, with_health != 0);

		if (key && !json_object_get(b->pool_index, key))
			put(b, b->pool_index, key, json_incref(name));
		b->ok = b->ok && key;
		free(key);
	}
}

/* Whether one more pool is within what a configuration may have. */
static bool has_room(struct build *b, const struct import_virtual *service, const char *name)
{
	if (json_array_size(b->pools) < MR_POOLS_MAX &&
	    b->backend_count + service->server_count <= MR_BACKENDS_MAX)
		return true;
	import_notes_add(b->model->notes, service->line, 0,
			 "%s: not carried over: more than %d pools or %d servers", name,
			 MR_POOLS_MAX, MR_BACKENDS_MAX);
	return false;
}

static json_t *pool_json(struct build *b, const struct import_virtual *service)
{
	json_t *pool = json_object();

	put(b, pool, "name", json_null()); /* not chosen yet, but first to be seen */
	put(b, pool, "forwarding", json_string(config_forwardings[service->forwarding]));
	if (service->tunnel_port != 0)
		put(b, pool, "tunnel", json_pack("{s:i}", "port", service->tunnel_port));
	put(b, pool, "backends", backends_json(b, service));
	put(b, pool, "health", health_json(b, service));
	return pool;
}

/* Services whose probes would hear no greeting, and that share no pool with one that does. */
static void leave_unprobed(struct build *b, const struct import_virtual *service, json_t *pool)
{
	put(b, pool, "health", json_pack("{s:s}", "type", config_health_types[CONFIG_HEALTH_NONE]));
	import_notes_add(b->model->notes, service->line, 0,
			 "health checks: not carried over: no SMTP greeting is to be had on port "
			 "%u, so that its servers count as up",
			 service->ports[0]);
}

/* Takes @pool. Returns its name, a new reference. */
static json_t *add_pool(struct build *b, const struct import_virtual *service, json_t *pool,
			const char *name)
{
	json_t *unique =
		unique_name(b, b->pool_names, service->pool_name[0] ? service->pool_name : name);

	if (!greets(b, service))
		leave_unprobed(b, service, pool);
	put(b, pool, "name", json_incref(unique));
	index_pool(b, pool, unique);
	append(b, b->pools, pool);
	b->backend_count += service->server_count;
	return unique;
}

/* The name of the pool that has the service's servers; new reference. NULL: there is no room. */
static json_t *pool_of(struct build *b, const struct import_virtual *service, const char *name)
{
	json_t *pool = pool_json(b, service);
	json_t *known = find_pool(b, pool, greets(b, service));

	if (!known && has_room(b, service, name))
		return add_pool(b, service, pool, name);
	json_decref(pool);
	return json_incref(known);
}

/* --- services */

static void service_name(const struct import_virtual *service, char out[MR_NAME_MAX])
{
	const uint16_t port = service->ports[0];

	if (service->name[0])
		import_name(service->name, out);
	else if (port == 25)
		strcpy(out, "smtp");
	else if (port == 587)
		strcpy(out, "submission");
	else if (port == 465)
		strcpy(out, "submissions");
	else
		snprintf(out, MR_NAME_MAX, "tcp-%u", port);
}

/* Those first on which probes hear a greeting: the first port of all is probed. */
static json_t *ports_json(struct build *b, const struct import_virtual *service)
{
	json_t *ports = json_array();

	for (int greeting = 1; greeting >= 0; greeting--)
		for (uint32_t i = 0; i < service->port_count; i++)
			if (greets_on(b, service, service->ports[i]) == (greeting != 0))
				append(b, ports, json_integer(service->ports[i]));
	return ports;
}

static json_t *addresses_json(struct build *b, const struct import_virtual *service)
{
	const char *given = b->model->options->address;
	json_t *addresses = json_array();

	if (service->address_count == 0)
		append(b, addresses, json_string(given ? given : ANY_ADDRESS));
	for (uint32_t i = 0; i < service->address_count; i++)
		append(b, addresses, address_json(&service->addresses[i]));
	return addresses;
}

/* What brings services together, as text; the caller's. NULL: no memory. */
static char *service_key(const json_t *addresses, json_t *pool)
{
	json_t *parts = json_pack("[O, O]", addresses, pool);
	char *key = parts ? json_dumps(parts, JSON_COMPACT) : NULL;

	json_decref(parts);
	return key;
}

/* Adds the ports to a service with the same addresses and pool. False: there is none. */
static bool join(struct build *b, const char *key, const json_t *ports)
{
	json_t *list = json_object_get(json_object_get(b->service_index, key), "ports");
	size_t i;
	json_t *port;

	if (!list)
		return false;
	json_array_foreach (ports, i, port)
		append(b, list, json_incref(port));
	return true;
}

/* Takes all references. */
static void add_service(struct build *b, const struct import_virtual *service, json_t *addresses,
			json_t *ports, json_t *pool)
{
	char name[MR_NAME_MAX];
	const bool is_fqdn = strchr(service->name, '.') && fqdn_is_valid(service->name);
	char *key = service_key(addresses, pool);
	json_t *made;

	b->ok = b->ok && key;
	if (!key || join(b, key, ports)) {
		free(key);
		json_decref(addresses);
		json_decref(ports);
		json_decref(pool);
		return;
	}
	if (service->address_count == 0 && !b->model->options->address)
		import_notes_add(b->model->notes, service->line, 0,
				 "listens on every address: " ANY_ADDRESS " stands for the one to "
				 "balance: put it in (see --address)");
	service_name(service, name);
	made = json_object();
	put(b, made, "name", unique_name(b, b->service_names, name));
	put(b, made, "namespace", json_string(is_fqdn ? service->name : NAMESPACE));
	put(b, made, "addresses", addresses);
	put(b, made, "ports", ports);
	put(b, made, "pool", pool);
	put(b, b->service_index, key, json_incref(made));
	free(key);
	append(b, b->services, made);
	append(b, b->lines, json_integer(service->line));
	b->namespace_unknown |= !is_fqdn;
}

static void build_service(struct build *b, const struct import_virtual *service)
{
	char name[MR_NAME_MAX];
	json_t *addresses = addresses_json(b, service), *ports = ports_json(b, service), *pool;
	size_t i;
	json_t *address;

	service_name(service, name);
	pool = pool_of(b, service, name);
	if (!pool) {
		json_decref(addresses);
		json_decref(ports);
		return;
	}
	if (service->forwarding != MR_FORWARDING_NAT) {
		add_service(b, service, addresses, ports, pool);
		return;
	}
	/* What comes back from nat's servers must tell which service it is of: one address each. */
	json_array_foreach (addresses, i, address)
		add_service(b, service, json_pack("[O]", address), json_deep_copy(ports),
			    json_incref(pool));
	json_decref(addresses);
	json_decref(ports);
	json_decref(pool);
}

/* --- the rest of the configuration */

static json_t *key_json(struct build *b)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t key[CONFIG_KEY_BYTES];
	char text[2 * CONFIG_KEY_BYTES + 1];

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		b->ok = false;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(key); i++) {
		text[2 * i] = digits[key[i] >> 4];
		text[2 * i + 1] = digits[key[i] & 15];
	}
	text[2 * sizeof(key)] = '\0';
	import_notes_add(b->model->notes, 0, 0,
			 "node.key is new and random: the same on every node that shares the "
			 "services");
	return json_string(text);
}

/* eth0.100 is VLAN 100 of eth0. False: @interface is none. */
static bool split_vlan(const char *interface, char parent[IFNAMSIZ], uint64_t *out_vlan)
{
	const char *dot = strrchr(interface, '.');

	if (!dot || dot == interface || !import_number(dot + 1, 4094, out_vlan) || *out_vlan == 0)
		return false;
	snprintf(parent, IFNAMSIZ, "%.*s", (int)(dot - interface), interface);
	return true;
}

static json_t *port_json(struct build *b)
{
	const char *interface = b->model->options->interface ? b->model->options->interface
			      : b->model->interface[0]	     ? b->model->interface
							     : INTERFACE;
	char parent[IFNAMSIZ];
	uint64_t vlan;

	if (!b->model->options->interface && !b->model->interface[0])
		import_notes_add(b->model->notes, 0, 0,
				 "ports: which interface to poll is not known: af_xdp:" INTERFACE
				 " stands for it (see --interface)");
	if (!split_vlan(interface, parent, &vlan))
		return json_pack("{s:s, s:s+}", "name", "wan", "device", "af_xdp:", interface);
	return json_pack("{s:s, s:s+, s:[I]}", "name", "wan", "device", "af_xdp:", parent, "vlan",
			 (json_int_t)vlan);
}

static json_t *assemble(struct build *b)
{
	const char *name = b->model->node_name[0] ? b->model->node_name : "lb1";

	return json_pack("{s:{s:s, s:o}, s:[o], s:O, s:O}", "node", "name", name, "key",
			 key_json(b), "ports", port_json(b), "pools", b->pools, "services",
			 b->services);
}

/* --- what the configuration's own checks refuse */

/* Whether @pointer is inside element @out_index of the list @name. */
static bool points_into(const char *pointer, const char *name, size_t *out_index)
{
	const size_t length = strlen(name);
	char *end;

	if (pointer[0] != '/' || strncmp(pointer + 1, name, length) != 0 ||
	    pointer[1 + length] != '/')
		return false;
	*out_index = strtoul(pointer + length + 2, &end, 10);
	return end != pointer + length + 2 && (*end == '/' || *end == '\0');
}

/* Notes at the services that @error is about why they go; at the last one, when it is about none.
 */
static void condemn(struct build *b, const struct field_error *error, const char **reasons)
{
	const size_t count = json_array_size(b->services);
	const json_t *pool = NULL;
	bool any = false;
	size_t index;

	if (points_into(error->pointer, "services", &index) && index < count) {
		reasons[index] = error->message;
		return;
	}
	if (points_into(error->pointer, "pools", &index))
		pool = json_object_get(json_array_get(b->pools, index), "name");
	for (size_t i = 0; pool && i < count; i++) {
		if (!json_equal(json_object_get(json_array_get(b->services, i), "pool"), pool))
			continue;
		reasons[i] = error->message;
		any = true;
	}
	if (!any)
		reasons[count - 1] = error->message;
}

static void drop_condemned(struct build *b, const char *const *reasons)
{
	for (size_t i = json_array_size(b->services); i-- > 0;) {
		const json_t *service = json_array_get(b->services, i);
		const json_t *line = json_array_get(b->lines, i);

		if (!reasons[i])
			continue;
		import_notes_add(b->model->notes, (uint32_t)json_integer_value(line), 0,
				 "%s: not carried over: %s",
				 json_string_value(json_object_get(service, "name")), reasons[i]);
		json_array_remove(b->services, i);
		json_array_remove(b->lines, i);
	}
}

static void drop_unused_pools(struct build *b)
{
	json_t *used = json_object();
	size_t i;
	json_t *service;

	json_array_foreach (b->services, i, service)
		put(b, used, json_string_value(json_object_get(service, "pool")), json_true());
	for (i = json_array_size(b->pools); i-- > 0;) {
		const json_t *name = json_object_get(json_array_get(b->pools, i), "name");

		if (!json_object_get(used, json_string_value(name)))
			json_array_remove(b->pools, i);
	}
	json_decref(used);
}

/* Whether @json is a configuration; else what stands in the way has gone. */
static bool passes(struct build *b, const json_t *json)
{
	struct field_errors errors = {0};
	struct config *config = config_decode(json, &errors);
	const bool fine = config != NULL;
	const char **reasons = calloc(json_array_size(b->services), sizeof(*reasons));

	config_free(config);
	if (!fine && reasons) {
		for (uint32_t i = 0; i < errors.count; i++)
			condemn(b, &errors.list[i], reasons);
		drop_condemned(b, reasons);
		drop_unused_pools(b);
	}
	b->ok = b->ok && (fine || (reasons && errors.count > 0));
	free(reasons);
	field_errors_fini(&errors);
	return fine;
}

static void build_all(struct build *b)
{
	const struct import_model *model = b->model;

	/* Those that are probed come first, so that the others find their pools. */
	for (int probed = 1; probed >= 0; probed--)
		for (uint32_t i = 0; i < model->service_count; i++)
			if (greets(b, &model->services[i]) == (probed != 0))
				build_service(b, &model->services[i]);
}

static void add_closing_notes(struct build *b)
{
	if (b->namespace_unknown)
		import_notes_add(b->model->notes, 0, 0,
				 "namespace: " NAMESPACE
				 " stands for the name that clients resolve "
				 "and servers greet with: put it in");
	if (b->model->servers_are_new)
		import_notes_add(
			b->model->notes, 0, 0,
			"forwarding: servers answer the clients themselves now, and see "
			"their addresses: mailrailctl backend prepare tells what each needs");
}

static int build(struct build *b, json_t **out_config)
{
	json_t *config;

	build_all(b);
	config = assemble(b);
	while (b->ok && config && json_array_size(b->services) > 0 && !passes(b, config))
		;
	if (!b->ok || !config || json_array_size(b->services) == 0) {
		json_decref(config);
		return b->ok && config ? -ENOENT : -ENOMEM;
	}
	add_closing_notes(b);
	*out_config = config;
	return 0;
}

int import_model_finish(struct import_model *model, json_t **out_config)
{
	struct build b = {
		.model = model,
		.pools = json_array(),
		.services = json_array(),
		.lines = json_array(),
		.pool_names = json_object(),
		.service_names = json_object(),
		.pool_index = json_object(),
		.service_index = json_object(),
		.ok = !model->no_memory,
	};
	int rc = -ENOENT;

	if (model->service_count > 0)
		rc = b.ok ? build(&b, out_config) : -ENOMEM;
	json_decref(b.pools);
	json_decref(b.services);
	json_decref(b.lines);
	json_decref(b.pool_names);
	json_decref(b.service_names);
	json_decref(b.pool_index);
	json_decref(b.service_index);
	return rc;
}
