/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shows single frames to the real worker. Reads cases from standard input, one JSON object a
 * line, and answers each with one line:
 *
 *	{"ports": [{"mac": "02:00:00:00:00:01", "kernel_has_copy": false}],
 *	 "probe_mac": "02:00:00:00:00:ff",
 *	 "services": [{"endpoints": [["10.0.0.10", 25]], "pool": 0,
 *	               "exclude": [["10.0.0.0", "10.0.0.63"]], "reject": true}],
 *	 "pools": [[[0, 0, false]]],           slots: current, base, moving; null: no backend
 *	 "backends": [{"alive": true, "port": 0, "next_hop": "02:00:00:00:01:00"}],
 *	 "probe_sources": ["10.0.0.9"], "probes": [[50000, 0]],
 *	 "arrives": 0, "frame": "0200..."}     index of a port, or "probe"
 *
 *	{"verdict": "forwarded", "leaves": 0, "frame": "0200..."}    null: nothing left
 *
 * With --verdicts it lists the names of all verdicts instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../lib/rig.h"
#include "../lib/test_eal.h"

static const uint8_t hash_secret[MR_HASH_KEY_BYTES] = "golden frames!!";

static int complain(const char *what)
{
	fprintf(stderr, "replay: %s\n", what);
	return -1;
}

static int read_mac(const char *text, struct rte_ether_addr *out)
{
	return rte_ether_unformat_addr(text, out) == 0 ? 0 : complain(text);
}

/* Null stands for MR_BACKEND_NONE. */
static mr_backend_id read_backend(const json_t *value)
{
	return json_is_null(value) ? MR_BACKEND_NONE : (mr_backend_id)json_integer_value(value);
}

static int read_ports(struct rig *rig, const json_t *ports)
{
	json_t *value;
	size_t i;

	if (json_array_size(ports) > RIG_PORTS)
		return complain("too many ports");
	json_array_foreach (ports, i, value) {
		const char *mac;
		int kernel_has_copy;

		if (json_unpack(value, "{s:s, s:b !}", "mac", &mac, "kernel_has_copy",
				&kernel_has_copy) < 0)
			return complain("ports");
		if (read_mac(mac, &rig->ports[i].mac) < 0)
			return -1;
		rig->ports[i].kind = kernel_has_copy ? MR_DEVICE_AF_PACKET : MR_DEVICE_AF_XDP;
	}
	return 0;
}

static int read_endpoints(struct mr_snapshot *snapshot, mr_service_id service,
			  const json_t *endpoints)
{
	json_t *value;
	size_t i;

	json_array_foreach (endpoints, i, value) {
		struct mr_endpoint endpoint = {.service = service};
		const char *address;
		int port;

		if (json_unpack(value, "[s, i !]", &address, &port) < 0)
			return complain("endpoints");
		endpoint.address = frame_addr(address);
		endpoint.port = rte_cpu_to_be_16((uint16_t)port);
		if (mr_snapshot_add_endpoint(snapshot, &endpoint) < 0)
			return complain("endpoint taken");
	}
	return 0;
}

#define EXCLUDES_MAX 16

static int read_exclude(struct mr_service *service, const json_t *exclude)
{
	struct mr_range ranges[EXCLUDES_MAX];
	json_t *value;
	size_t i;

	if (json_array_size(exclude) > EXCLUDES_MAX)
		return complain("too many ranges");
	json_array_foreach (exclude, i, value) {
		const char *first, *last;

		if (json_unpack(value, "[s, s !]", &first, &last) < 0)
			return complain("exclude");
		ranges[i] = (struct mr_range){frame_addr(first), frame_addr(last)};
	}
	return mr_snapshot_set_exclude(service, ranges, (uint32_t)json_array_size(exclude));
}

static int read_services(struct mr_snapshot *snapshot, const json_t *services)
{
	json_t *value;
	size_t i;

	json_array_foreach (services, i, value) {
		struct mr_service *service = &snapshot->services[i];
		const json_t *endpoints, *exclude;
		int pool, reject;

		if (json_unpack(value, "{s:o, s:i, s:o, s:b !}", "endpoints", &endpoints, "pool",
				&pool, "exclude", &exclude, "reject", &reject) < 0)
			return complain("services");
		service->pool = (uint16_t)pool;
		service->exclude_action = reject ? MR_EXCLUDE_REJECT : MR_EXCLUDE_DROP;
		if (read_endpoints(snapshot, (mr_service_id)i, endpoints) < 0 ||
		    read_exclude(service, exclude) < 0)
			return -1;
	}
	return 0;
}

static int read_pools(struct mr_snapshot *snapshot, const json_t *pools)
{
	json_t *slots, *slot;
	size_t i, j;

	json_array_foreach (pools, i, slots) {
		struct mr_slots *table = mr_slots_create((uint32_t)json_array_size(slots), NULL);

		if (table == NULL)
			return complain("no memory");
		snapshot->pools[i].slots = table;
		json_array_foreach (slots, j, slot) {
			const json_t *current, *base;
			int moving;

			if (json_unpack(slot, "[o, o, b !]", &current, &base, &moving) < 0)
				return complain("pools");
			table->words[j] =
				mr_slot_make(read_backend(current), read_backend(base), moving);
		}
	}
	return 0;
}

static int read_backends(struct mr_snapshot *snapshot, const json_t *backends)
{
	json_t *value;
	size_t i;

	json_array_foreach (backends, i, value) {
		struct mr_backend *backend = &snapshot->backends[i];
		const json_t *next_hop;
		int alive, port;

		if (json_unpack(value, "{s:b, s:i, s:o !}", "alive", &alive, "port", &port,
				"next_hop", &next_hop) < 0)
			return complain("backends");
		*backend = (struct mr_backend){
			.alive = alive,
			.port = (uint8_t)port,
			.next_hop_set = json_is_string(next_hop),
			.forwarding = MR_FORWARDING_L2DSR,
		};
		if (backend->next_hop_set &&
		    read_mac(json_string_value(next_hop), &backend->next_hop) < 0)
			return -1;
	}
	return 0;
}

static int read_probes(struct rig *rig, struct mr_snapshot *snapshot, const json_t *sources,
		       const json_t *probes)
{
	json_t *value;
	size_t i;

	for (i = 0; i < RTE_DIM(rig->probe_backends); i++)
		atomic_store(&rig->probe_backends[i], MR_BACKEND_NONE);
	if (json_array_size(sources) > MR_PROBE_SOURCES_MAX)
		return complain("too many probe sources");
	json_array_foreach (sources, i, value)
		snapshot->probe_sources[snapshot->probe_source_count++] =
			frame_addr(json_string_value(value));
	json_array_foreach (probes, i, value) {
		int port, backend;

		if (json_unpack(value, "[i, i !]", &port, &backend) < 0)
			return complain("probes");
		atomic_store(&rig->probe_backends[(uint16_t)port], (mr_backend_id)backend);
	}
	return 0;
}

/* What a case says, still as JSON. */
struct replay_case {
	const json_t *ports, *services, *pools, *backends, *probe_sources, *probes, *arrives;
	const char *probe_mac, *frame;
};

static int read_case(json_t *root, struct replay_case *out)
{
	json_error_t error;

	if (json_unpack_ex(root, &error, 0, "{s:o s:s s:o s:o s:o s:o s:o s:o s:s !}", "ports",
			   &out->ports, "probe_mac", &out->probe_mac, "services", &out->services,
			   "pools", &out->pools, "backends", &out->backends, "probe_sources",
			   &out->probe_sources, "probes", &out->probes, "arrives", &out->arrives,
			   "frame", &out->frame) < 0)
		return complain(error.text);
	return 0;
}

static uint32_t count_endpoints(const json_t *services)
{
	size_t count = 0, i;
	json_t *value;

	json_array_foreach (services, i, value)
		count += json_array_size(json_object_get(value, "endpoints"));
	return (uint32_t)count;
}

/* NULL after a complaint. */
static struct mr_snapshot *build_snapshot(struct rig *rig, const struct replay_case *in)
{
	const struct mr_snapshot_sizes sizes = {
		.service_capacity = (uint32_t)json_array_size(in->services),
		.pool_count = (uint32_t)json_array_size(in->pools),
		.backend_capacity = (uint32_t)json_array_size(in->backends),
		.endpoint_count = count_endpoints(in->services),
	};
	struct mr_snapshot *snapshot = mr_snapshot_create(&sizes);

	if (snapshot == NULL) {
		complain("no memory");
		return NULL;
	}
	mr_hash_key_init(&snapshot->hash_key, hash_secret);
	if (read_services(snapshot, in->services) == 0 && read_pools(snapshot, in->pools) == 0 &&
	    read_backends(snapshot, in->backends) == 0 &&
	    read_probes(rig, snapshot, in->probe_sources, in->probes) == 0)
		return snapshot;
	mr_snapshot_destroy(snapshot);
	return NULL;
}

static int hex_digit(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* Returns the number of bytes or a negative number. */
static int read_hex(const char *text, uint8_t bytes[FRAME_BYTES_MAX])
{
	const size_t digits = strlen(text);

	if (digits % 2 != 0 || digits / 2 > FRAME_BYTES_MAX)
		return complain("frame is too long, or has half a byte");
	for (size_t i = 0; i < digits / 2; i++) {
		const int high = hex_digit(text[2 * i]);
		const int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return complain("frame is not hexadecimal");
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(digits / 2);
}

static void print_frame(const struct rte_mbuf *mbuf)
{
	const struct rte_mbuf *segment;

	putchar('"');
	for (segment = mbuf; segment != NULL; segment = segment->next) {
		const uint8_t *bytes = rte_pktmbuf_mtod(segment, const uint8_t *);

		for (uint32_t i = 0; i < rte_pktmbuf_data_len(segment); i++)
			printf("%02x", bytes[i]);
	}
	putchar('"');
}

/* One verdict, and at most one frame that left; anything else is an error. */
static int print_answer(struct rig *rig)
{
	uint32_t frames = 0;

	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++) {
		if (rig->worker.counters->verdicts[i] == 1)
			printf("{\"verdict\": \"%s\"", mr_verdict_name(i));
	}
	for (uint32_t port = 0; port <= RIG_PROBE; port++) {
		struct rte_mbuf *mbuf = rig_collect(rig, port);

		if (mbuf == NULL)
			continue;
		frames++;
		if (port == RIG_PROBE)
			printf(", \"leaves\": \"probe\", \"frame\": ");
		else
			printf(", \"leaves\": %u, \"frame\": ", port);
		print_frame(mbuf);
		rte_pktmbuf_free(mbuf);
	}
	puts(frames == 0 ? ", \"leaves\": null, \"frame\": null}" : "}");
	return rig_verdicts(rig) == 1 && frames <= 1 ? 0 : complain("not one verdict, one frame");
}

static bool keep_none(void *context, uint64_t hash, const struct mr_pin *pin)
{
	(void)context, (void)hash, (void)pin;
	return false;
}

/* Takes the worker's snapshot away, so that nobody else touches what is cleared here. */
static void clear(struct rig *rig)
{
	const struct mr_snapshot *previous = rig_publish(rig, NULL);
	uint32_t cursor = 0;

	mr_snapshot_destroy((struct mr_snapshot *)(uintptr_t)previous);
	mr_pin_table_sweep(rig->worker.pins, &cursor, UINT32_MAX, keep_none, NULL);
	memset(rig->worker.counters, 0, sizeof(*rig->worker.counters));
}

static int replay(struct rig *rig, const struct replay_case *in)
{
	struct mr_snapshot *snapshot;
	uint8_t frame[FRAME_BYTES_MAX];
	const int bytes = read_hex(in->frame, frame);
	const uint32_t port =
		json_is_string(in->arrives) ? RIG_PROBE : (uint32_t)json_integer_value(in->arrives);

	clear(rig);
	if (bytes < 0 || port > RIG_PROBE || read_ports(rig, in->ports) < 0 ||
	    read_mac(in->probe_mac, &rig->worker.probe_mac) < 0)
		return complain("frame, port or probe_mac");
	snapshot = build_snapshot(rig, in);
	if (snapshot == NULL)
		return -1;
	if (!rig_inject(rig, port, frame, (uint32_t)bytes)) {
		mr_snapshot_destroy(snapshot);
		return complain("no mbuf");
	}
	rig_publish(rig, snapshot);
	if (!rig_await(rig, 1))
		return complain("no verdict");
	/* The worker has left the round in which it gave the verdict: its frame is out. */
	rig_publish(rig, snapshot);
	return print_answer(rig);
}

static int replay_line(struct rig *rig, const char *line)
{
	struct replay_case in;
	json_error_t error;
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (root == NULL)
		return complain(error.text);
	rc = read_case(root, &in);
	if (rc == 0)
		rc = replay(rig, &in);
	json_decref(root);
	return rc;
}

static int replay_all(struct rig *rig)
{
	char *line = NULL;
	size_t room = 0;
	int rc = rig_start(rig);

	if (rc < 0)
		return rc;
	while (rc == 0 && getline(&line, &room, stdin) > 0)
		rc = replay_line(rig, line);
	clear(rig);
	rig_stop(rig);
	free(line);
	return rc;
}

static int list_verdicts(void)
{
	for (unsigned int i = 0; i < MR_VERDICT_COUNT; i++)
		puts(mr_verdict_name(i));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct rig *rig;
	int rc;

	if (argc == 2 && strcmp(argv[1], "--verdicts") == 0)
		return list_verdicts();
	if (argc != 1 || test_eal_start() < 0)
		return EXIT_FAILURE;
	rig = rig_create();
	if (rig == NULL)
		return EXIT_FAILURE;
	rc = replay_all(rig);
	rig_destroy(rig);
	test_eal_stop();
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
