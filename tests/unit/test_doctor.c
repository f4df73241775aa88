/* SPDX-License-Identifier: BSD-3-Clause */
/* What doctor says of machines and balancers, good and bad: trees of files and recorded answers. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "../lib/unit.h"
#include "doctor.h"
#include "doctor_files.h"

static char root[] = "/tmp/mailrail-doctor-XXXXXX";

static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

/* A file below the root. */
static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_directories(path);
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void remove_tree(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

static const struct doctor_row *row_of(const char *name)
{
	for (const struct doctor_row *const *table = doctor_tables; *table; table++)
		for (const struct doctor_row *row = *table; row->name; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

/* The check @name has to say @verdict, and @words in its value. */
static void expect(const struct doctor_facts *facts, const char *name, enum doctor_verdict verdict,
		   const char *words)
{
	const struct doctor_row *row = row_of(name);
	struct doctor_finding finding;

	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	doctor_run(row, facts, &finding);
	if (finding.verdict != verdict || !strstr(finding.value, words))
		printf("%s: %s: %s\n", name, doctor_verdicts[finding.verdict], finding.value);
	CU_ASSERT_EQUAL(finding.verdict, verdict);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding.value, words));
	/* Whoever is told of trouble is told what to do. */
	CU_ASSERT_EQUAL(finding.advice[0] != '\0', verdict >= DOCTOR_WARN);
}

#define CONFIG                                                                                    \
	"{\"workers\": {\"cores\": [1, 5], \"poll\": \"busy\"}, \"ports\": [{\"name\": \"wan\", " \
	"\"device\": \"af_xdp:eth7\"}, {\"name\": \"lan\", \"device\": \"pci:0000:03:00.0\"}], "  \
	"\"pools\": [{\"name\": \"hub\", \"forwarding\": \"nat\", \"mss_max\": 0}]}"
#define NODE "{\"name\": \"lb1\", \"version\": \"1\", \"generation\": 3, \"pid\": 42}"

static void make_good_machine(void)
{
	put("/proc/sys/kernel/osrelease", "6.1.0-25-amd64\n");
	put("/proc/meminfo", "MemTotal: 8 kB\nHugePages_Total:     512\nHugePages_Free:      100\n"
			     "Hugepagesize:       2048 kB\n");
	put("/sys/class/iommu/dmar0/x", "");
	put("/sys/devices/system/node/node0/cpulist", "0-3\n");
	put("/sys/devices/system/node/node1/cpulist", "4-7\n");
	put("/sys/class/net/eth7/device/numa_node", "0\n");
	put("/sys/bus/pci/devices/0000:03:00.0/numa_node", "-1\n");
	put("/sys/devices/system/cpu/isolated", "1,4-6\n");
	put("/sys/devices/system/cpu/nohz_full", "1,5\n");
	put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
	put("/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor", "performance\n");
	put("/proc/42/limits", "Max open files            1024   4096   files\n"
			       "Max locked memory         unlimited   unlimited   bytes\n");
	put("/sys/class/net/eth7/operstate", "up\n");
	put("/sys/class/net/eth7/queues/rx-0/x", "");
	put("/sys/class/net/eth7/queues/rx-1/x", "");
	put("/proc/sys/net/ipv4/conf/all/rp_filter", "2\n");
	put("/proc/sys/net/ipv4/conf/mailrail0/forwarding", "1\n");
}

static struct doctor_facts machine(void)
{
	return (struct doctor_facts){
		.root = root,
		.clock = DOCTOR_CLOCK_SYNCHRONISED,
		.config = json_loads(CONFIG, 0, NULL),
		.node = json_loads(NODE, 0, NULL),
	};
}

static void machine_fini(struct doctor_facts *facts)
{
	json_decref((json_t *)facts->config);
	json_decref((json_t *)facts->node);
	remove_tree();
}

static void test_good_machine(void)
{
	struct doctor_facts facts = machine();

	make_good_machine();
	/* Core 5 is on the other node. */
	put("/sys/devices/system/node/node0/cpulist", "0-3,5\n");
	put("/sys/devices/system/node/node1/cpulist", "4,6-7\n");
	expect(&facts, "kernel", DOCTOR_OK, "6.1.0");
	expect(&facts, "iommu", DOCTOR_OK, "1");
	expect(&facts, "numa", DOCTOR_OK, "same node");
	expect(&facts, "isolated cores", DOCTOR_OK, "their own");
	expect(&facts, "governor", DOCTOR_OK, "performance");
	expect(&facts, "clock", DOCTOR_OK, "synchronised");
	expect(&facts, "open files", DOCTOR_OK, "1024");
	expect(&facts, "locked memory", DOCTOR_OK, "unlimited");
	expect(&facts, "ports", DOCTOR_OK, "up");
	expect(&facts, "queues", DOCTOR_OK, "2 for 2");
	expect(&facts, "reverse path", DOCTOR_OK, "2");
	expect(&facts, "forwarding", DOCTOR_OK, "forwards");
	expect(&facts, "hugepages", DOCTOR_WARN, "ordinary pages");
	json_object_set_new((json_t *)facts.node, "hugepage_bytes", json_integer(64 << 20));
	expect(&facts, "hugepages", DOCTOR_OK, "64 MiB");
	machine_fini(&facts);
}

static void test_bad_machine(void)
{
	struct doctor_facts facts = machine();

	make_good_machine();
	put("/proc/sys/kernel/osrelease", "5.15.0\n");
	put("/sys/devices/system/cpu/nohz_full", "1\n");
	put("/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor", "powersave\n");
	put("/proc/42/limits", "Max open files            64   64   files\n"
			       "Max locked memory         8388608   8388608   bytes\n");
	put("/proc/42/status", "CapEff:\t0000000000000000\n");
	put("/sys/class/net/eth7/operstate", "down\n");
	put("/sys/class/net/eth7/queues/rx-2/x", "");
	put("/proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
	put("/proc/sys/net/ipv4/conf/mailrail0/forwarding", "0\n");
	facts.clock = DOCTOR_CLOCK_FREE;
	expect(&facts, "kernel", DOCTOR_FAIL, "5.15.0");
	expect(&facts, "numa", DOCTOR_WARN, "core 5 on node 1");
	expect(&facts, "isolated cores", DOCTOR_WARN, "core 5 has timer ticks");
	put("/sys/devices/system/cpu/isolated", "\n");
	expect(&facts, "isolated cores", DOCTOR_WARN, "core 1 is not isolated");
	expect(&facts, "governor", DOCTOR_WARN, "core 5 has powersave");
	expect(&facts, "clock", DOCTOR_WARN, "not synchronised");
	expect(&facts, "open files", DOCTOR_WARN, "64 open files");
	expect(&facts, "locked memory", DOCTOR_FAIL, "limited");
	expect(&facts, "ports", DOCTOR_FAIL, "eth7 is down");
	expect(&facts, "queues", DOCTOR_WARN, "3 queues, 2 workers");
	expect(&facts, "reverse path", DOCTOR_FAIL, "is 1");
	expect(&facts, "forwarding", DOCTOR_FAIL, "does not forward");
	put("/proc/42/status", "CapEff:\t0000000000004000\n");
	expect(&facts, "locked memory", DOCTOR_OK, "unlimited");
	machine_fini(&facts);
}

/* Nothing is there, and nobody answers. */
static void test_nothing(void)
{
	const struct doctor_facts facts = {.root = "/nonexistent"};

	for (const struct doctor_row *const *table = doctor_tables; *table; table++) {
		for (const struct doctor_row *row = *table; row->name; row++) {
			struct doctor_finding finding;

			doctor_run(row, &facts, &finding);
			CU_ASSERT_TRUE(finding.verdict <= DOCTOR_WARN);
		}
	}
	expect(&facts, "balancer", DOCTOR_WARN, "no balancer answers");
}

#define BACKEND(name, health, rest)                                                           \
	"{\"pool\": \"hub\", \"name\": \"" name "\", \"address\": \"10.0.0.11\", \"state\": " \
	"\"enabled\", \"forwarding\": \"ipip\", \"health\": \"" health                        \
	"\", \"reason\": \"connect: refused\"" rest "}"
#define WAY ", \"next_hop\": \"02:00:00:00:00:01\", \"path_mtu_bytes\": 1500"

static json_t *parsed(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static void test_backends(void)
{
	json_t *config = parsed(CONFIG);
	json_t *good = parsed("[" BACKEND("a", "up", WAY ", \"packet_max_bytes\": 1500") "]");
	json_t *bad = parsed("[" BACKEND("a", "unknown", WAY) ", " BACKEND("b", "down", "") "]");
	json_t *tight = parsed("[" BACKEND("a", "up", WAY ", \"packet_max_bytes\": 1480") "]");
	struct doctor_facts facts = {.root = "", .config = config, .backends = good};

	expect(&facts, "backends", DOCTOR_OK, "reached");
	expect(&facts, "neighbours", DOCTOR_OK, "known");
	expect(&facts, "path mtu", DOCTOR_OK, "fit");
	facts.backends = bad;
	/* The worse of both, with its reason. */
	expect(&facts, "backends", DOCTOR_FAIL, "hub/b is down: connect: refused");
	expect(&facts, "neighbours", DOCTOR_FAIL, "hub/b");
	expect(&facts, "path mtu", DOCTOR_FAIL, "hub/a");
	facts.backends = tight;
	expect(&facts, "path mtu", DOCTOR_WARN, "1480");
	json_object_set_new(json_array_get(json_object_get(config, "pools"), 0), "mss_max",
			    json_integer(1440));
	expect(&facts, "path mtu", DOCTOR_OK, "fit");
	json_decref(config);
	json_decref(good);
	json_decref(bad);
	json_decref(tight);
}

static void test_services(void)
{
	json_t *services = parsed("[{\"name\": \"smtp\", \"serving\": 2, \"backends\": 2}]");
	const struct doctor_facts facts = {.root = "", .services = services};

	expect(&facts, "services", DOCTOR_OK, "1");
	json_object_set_new(json_array_get(services, 0), "serving", json_integer(1));
	expect(&facts, "services", DOCTOR_WARN, "1 of 2");
	json_object_set_new(json_array_get(services, 0), "serving", json_integer(0));
	expect(&facts, "services", DOCTOR_FAIL, "smtp has no backend");
	json_decref(services);
}

static void test_numbers(void)
{
	json_t *stats = parsed("{\"total\": {\"sessions_at_risk\": 0, \"verdicts\": {}}, "
			       "\"pins\": {\"count\": 10, \"budget\": 100}, \"limits\": "
			       "[{\"name\": \"pools\", \"used\": 1, \"max\": 10}], \"ports\": "
			       "[{\"name\": \"wan\", \"link_up\": false, \"rx_missed\": 0}]}");
	json_t *workers = parsed("[{\"core\": 1, \"last_minute\": {\"busy_permille\": 950}}]");
	const struct doctor_facts facts = {.root = "", .stats = stats, .workers = workers};

	expect(&facts, "ports", DOCTOR_FAIL, "wan has no link");
	expect(&facts, "load", DOCTOR_WARN, "core 1 was busy for 95%");
	expect(&facts, "pins", DOCTOR_OK, "10 of 100");
	expect(&facts, "limits", DOCTOR_OK, "far");
	expect(&facts, "losses", DOCTOR_OK, "none");
	json_object_set_new(json_object_get(stats, "pins"), "count", json_integer(80));
	expect(&facts, "pins", DOCTOR_WARN, "80 of 100");
	json_object_set_new(json_object_get(stats, "total"), "sessions_at_risk", json_integer(4));
	expect(&facts, "pins", DOCTOR_FAIL, "4 sessions");
	json_object_set_new(json_array_get(json_object_get(stats, "ports"), 0), "rx_missed",
			    json_integer(7));
	expect(&facts, "losses", DOCTOR_WARN, "wan missed 7");
	json_decref(stats);
	json_decref(workers);
}

static void test_changes(void)
{
	json_t *diff = parsed("{\"changes\": []}"), *history = parsed("{\"generations\": []}");
	const struct doctor_facts facts = {.root = "", .diff = diff, .history = history};

	expect(&facts, "file", DOCTOR_OK, "says");
	expect(&facts, "confirmation", DOCTOR_OK, "nothing");
	json_array_append_new(json_object_get(diff, "changes"),
			      parsed("{\"path\": \"pools[hub]\"}"));
	json_object_set_new(history, "unconfirmed_ms", json_integer(59000));
	expect(&facts, "file", DOCTOR_WARN, "pools[hub]");
	expect(&facts, "confirmation", DOCTOR_WARN, "59s");
	json_decref(diff);
	json_decref(history);
}

static void test_certificate(void)
{
	json_t *config = parsed("{\"control\": {\"http\": {\"certificate\": \"/c.pem\"}}}");
	struct doctor_facts facts = {.root = root, .config = config, .now_s = time(NULL)};
	char command[256];

	put("/c.pem", "no certificate\n");
	expect(&facts, "certificate", DOCTOR_WARN, "cannot be read");
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ed25519 -nodes -subj /CN=lb1 -days 30 -keyout %s/k.pem "
		 "-out %s/c.pem 2>/dev/null",
		 root, root);
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
	expect(&facts, "certificate", DOCTOR_OK, "expires in");
	facts.now_s += 20 * 24 * 3600;
	expect(&facts, "certificate", DOCTOR_WARN, "expires in");
	facts.now_s += 20 * 24 * 3600;
	expect(&facts, "certificate", DOCTOR_FAIL, "expired");
	json_decref(config);
	remove_tree();
}

static void test_lists(void)
{
	CU_ASSERT_TRUE(doctor_list_has("0-3,7", 0));
	CU_ASSERT_TRUE(doctor_list_has("0-3,7", 3));
	CU_ASSERT_TRUE(doctor_list_has("0-3,7", 7));
	CU_ASSERT_FALSE(doctor_list_has("0-3,7", 4));
	CU_ASSERT_FALSE(doctor_list_has("", 0));
	CU_ASSERT_FALSE(doctor_list_has("(null)", 0));
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_lists),	 UNIT_TEST(test_good_machine), UNIT_TEST(test_bad_machine),
		UNIT_TEST(test_nothing), UNIT_TEST(test_backends),     UNIT_TEST(test_services),
		UNIT_TEST(test_numbers), UNIT_TEST(test_changes),      UNIT_TEST(test_certificate),
		CU_TEST_INFO_NULL,
	};

	if (!mkdtemp(root))
		return 2;
	return unit_run("doctor", tests);
}
