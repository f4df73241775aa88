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
	CU_ASSERT_EQUAL(config->workers.core_count, 1);
	CU_ASSERT_EQUAL(config->sessions.idle_ms, 900000);
	CU_ASSERT_EQUAL(config->sessions.pin_budget, 1000000);
	CU_ASSERT_EQUAL(config->ports[0].device_kind, MR_DEVICE_VDEV);
	CU_ASSERT_STRING_EQUAL(config->ports[0].device_arguments, "net_null0");
	CU_ASSERT_EQUAL(config->pools[0].forwarding, MR_FORWARDING_L2DSR);
	CU_ASSERT_EQUAL(config->pools[0].table_size, 65537);
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
		{"{\"workers\": {\"cores\": []}}", "/workers/cores", "at least 1"},
		{"{\"workers\": {\"cores\": [1, 2, 1]}}", "/workers/cores/2", "already at"},
		{"{\"workers\": {\"cores\": [1024]}}", "/workers/cores/0", "outside 0..1023"},
		{"{\"sessions\": {\"idle\": \"999ms\"}}", "/sessions/idle", "\"1s\"..\"24h\""},
		{"{\"sessions\": {\"pins\": 1023}}", "/sessions/pins", "1024..16777216"},
		{"{\"ports\": []}", "/ports", "at least 1"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"eth0\"}]}", "/ports/0/device",
		 "\"eth0\" is not a device"},
		{"{\"ports\": [{\"name\": \"p\", \"device\": \"pci:0000:03:00.0\"}]}",
		 "/ports/0/device", "PCI devices are not supported by this version"},
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

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_example),
		UNIT_TEST(test_copy_and_encode),
		UNIT_TEST(test_defaults),
		UNIT_TEST(test_refused),
		UNIT_TEST(test_all_errors_at_once),
		UNIT_TEST(test_backends_over_all_pools),
		UNIT_TEST(test_endpoints_over_all_services),
		UNIT_TEST(test_published_schema),
		UNIT_TEST(test_tables),
		CU_TEST_INFO_NULL,
	};

	return unit_run("config", tests);
}
