/* SPDX-License-Identifier: BSD-3-Clause */
/* What is made of other balancers' files, and what is said of the rest of them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailrail/limits.h>

#include "../lib/unit.h"
#include "config.h"
#include "import.h"

#define SAMPLES PROJECT_ROOT "/tests/import/"

/* The result of one import. */
struct imported {
	struct import_notes notes;
	json_t *config;
	int rc;
};

static const struct import_options no_options;

static struct imported import(enum import_format format, const char *text, size_t size,
			      const struct import_options *options)
{
	struct imported got = {.config = NULL};

	got.rc = import_text(format, text, size, options, &got.config, &got.notes);
	CU_ASSERT_EQUAL(got.rc == 0, got.config != NULL);
	return got;
}

static void imported_fini(struct imported *got)
{
	json_decref(got->config);
	import_notes_fini(&got->notes);
}

static char *read_file(const char *path, size_t *out_size)
{
	FILE *stream = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!stream)
		return NULL;
	errno = 0;
	*out_size = 0;
	if (getdelim(&text, &room, EOF, stream) >= 0)
		*out_size = (size_t)ftell(stream);
	fclose(stream);
	return text;
}

static struct imported import_sample(enum import_format format, const char *name,
				     const struct import_options *options)
{
	char path[512];
	size_t size = 0;
	char *text;
	struct imported got;

	snprintf(path, sizeof(path), SAMPLES "%s", name);
	text = read_file(path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	got = import(format, text, size, options);
	free(text);
	return got;
}

/* Whether a note on @line (0: about the whole) holds @part. */
static bool says(const struct imported *got, uint32_t line, const char *part)
{
	for (uint32_t i = 0; i < got->notes.count; i++)
		if (got->notes.list[i].line == line && strstr(got->notes.list[i].text, part))
			return true;
	printf("\nexpected on line %u: %s\n", line, part);
	import_notes_print(&got->notes, "source", stdout);
	return false;
}

static struct config *decode(const struct imported *got)
{
	struct field_errors errors = {0};
	struct config *config = config_decode(got->config, &errors);

	field_errors_print(&errors, stdout);
	CU_ASSERT_EQUAL(errors.count, 0);
	field_errors_fini(&errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	return config;
}

/* The member or element at @pointer (RFC 6901, without escapes) as JSON text equals @expected. */
static bool holds(const struct imported *got, const char *pointer, const char *expected)
{
	const json_t *at = got->config;
	char *copy = strdup(pointer + 1), *rest = copy, *step, *text;
	bool equal;

	while ((step = strsep(&rest, "/")) != NULL)
		at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10))
				       : json_object_get(at, step);
	text = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
	equal = strcmp(text, expected) == 0;
	if (!equal)
		printf("\n%s is %s, not %s\n", pointer, text, expected);
	free(text);
	free(copy);
	return equal;
}

struct expected {
	const char *pointer, *value; /* of the result; NULL ends a list */
};

struct told {
	uint32_t line;
	const char *part; /* NULL ends a list */
};

static const struct sample {
	enum import_format format;
	const char *name;
	struct expected expected[24];
	struct told told[24];
} samples[] = {
	{
		IMPORT_KEEPALIVED,
		"mail.keepalived.conf",
		{{"/node/name", "\"lvs-a\""},
		 {"/ports/0/device", "\"af_xdp:eth1\""},
		 {"/services/0/addresses", "[\"10.25.0.10\"]"},
		 {"/services/0/ports", "[25,587]"},
		 {"/services/1", "nothing"},
		 {"/pools/1", "nothing"},
		 {"/pools/0/forwarding", "\"l2dsr\""},
		 {"/pools/0/backends/0/address", "\"10.25.0.11\""},
		 {"/pools/0/backends/0/weight", "100"},
		 {"/pools/0/backends/1/weight", "50"},
		 {"/pools/0/backends/2/weight", "0"},
		 {"/pools/0/health",
		  "{\"type\":\"smtp\",\"interval\":\"10s\",\"timeout\":\"5s\",\"fall\":3}"}},
		{{14, "vrrp_instance VI_MAIL: not carried over"},
		 {30, "lb_algo wlc"},
		 {32, "persistence_timeout 360"},
		 {34, "quorum 2"},
		 {35, "sorry_server 10.25.0.99 25: not carried over"},
		 {39, "inhibit_on_failure"},
		 {44, "helo_name"},
		 {61, "checked alike"},
		 {93, "it is not SMTP"},
		 {0, "node.key"}},
	},
	{
		IMPORT_KEEPALIVED,
		"awkward.keepalived.conf",
		{{"/ports/0", "{\"name\":\"wan\",\"device\":\"af_xdp:eth0\",\"vlan\":[100]}"},
		 {"/services/0/name", "\"submission\""},
		 {"/services/0/addresses", "[\"10.26.0.20\",\"10.26.0.21\",\"10.26.0.22\"]"},
		 {"/services/0/ports", "[587]"},
		 {"/services/1/addresses", "[\"2001:db8::25\"]"},
		 {"/services/2/ports", "[465]"},
		 {"/services/2/pool", "\"submission\""},
		 {"/services/3", "nothing"},
		 {"/pools/0/tunnel", "{\"port\":6081}"},
		 {"/pools/0/backends/0/weight", "1000"},
		 {"/pools/0/backends/1/address", "\"10.26.1.3\""},
		 {"/pools/0/backends/2", "nothing"},
		 {"/pools/0/health/interval", "\"500ms\""},
		 {"/pools/1/forwarding", "\"nat\""}},
		{{4, "include"},
		 {22, "fwmark 7"},
		 {23, "not-an-address"},
		 {26, "in proportion"},
		 {31, "@node1"},
		 {34, "MISC_CHECK"},
		 {39, "another method"},
		 {47, "mx4.example.com"},
		 {53, "port 2525"},
		 {58, "mailrail balances to others"},
		 {61, "fwmark 25"},
		 {65, "not TCP"},
		 {70, "already belong to service"}},
	},
	{
		IMPORT_HAPROXY,
		"mail.haproxy.cfg",
		{{"/ports/0/device", "\"af_xdp:ens3\""},
		 {"/services/0/name", "\"mx\""},
		 {"/services/0/addresses", "[\"10.27.0.10\",\"2001:db8:27::10\"]"},
		 {"/services/1/name", "\"submission\""},
		 {"/services/1/ports", "[587,465]"},
		 {"/services/2", "nothing"},
		 {"/pools/0/name", "\"relays\""},
		 {"/pools/1", "nothing"},
		 {"/pools/0/backends/0",
		  "{\"name\":\"relay1\",\"address\":\"10.27.0.11\",\"weight\":100}"},
		 {"/pools/0/backends/2/state", "\"drain\""},
		 {"/pools/0/backends/3/state", "\"disabled\""},
		 {"/pools/0/health", "{\"type\":\"smtp\",\"interval\":\"5s\",\"timeout\":\"3s\","
				     "\"rise\":2,\"fall\":3}"}},
		{{18, "not mode tcp"},
		 {34, "ssl: not carried over"},
		 {35, "maxconn 2000"},
		 {39, "balance leastconn"},
		 {40, "smtpchk"},
		 {41, "stick-table"},
		 {43, "send-proxy: not carried over: not needed"},
		 {43, "listen on 587"},
		 {45, "backup"},
		 {48, "imap: not carried over"},
		 {0, "backend prepare"}},
	},
	{
		IMPORT_HAPROXY,
		"awkward.haproxy.cfg",
		{{"/services/0/name", "\"smtp-old\""},
		 {"/services/0/addresses", "[\"192.0.2.25\"]"},
		 {"/services/1/namespace", "\"relay.example.org\""},
		 {"/services/1/addresses", "[\"10.28.1.1\",\"10.28.1.2\"]"},
		 {"/services/1/ports", "[2525]"},
		 {"/services/2", "nothing"},
		 {"/pools/0/backends/1/name", "\"smtp-3\""},
		 {"/pools/0/backends/2", "nothing"},
		 {"/pools/0/health/interval", "\"10s\""},
		 {"/pools/1/backends/0/weight", "1000"},
		 {"/pools/1/backends/1/weight", "5"},
		 {"/pools/1/health/timeout", "\"4s\""}},
		{{11, "listens on every address"},
		 {16, "not a name or a variable"},
		 {17, "checked alike"},
		 {18, "${SMTP4}"},
		 {19, "had no check"},
		 {19, "its address is there already"},
		 {25, "port 2526"},
		 {27, "/run/haproxy/mail.sock"},
		 {28, "${VIP}:25"},
		 {30, "acl spam"},
		 {32, "use_backend trap"},
		 {38, "server-template"},
		 {43, "its default_backend is not there"},
		 {47, ".if"},
		 {48, "nothing is left that it listens on"}},
	},
	{
		IMPORT_IPVSADM,
		"mail.ipvsadm.rules",
		{{"/services/0/ports", "[25,587]"},
		 {"/services/1/addresses", "[\"2001:db8:29::10\"]"},
		 {"/services/2", "nothing"},
		 {"/pools/0/backends/1/weight", "50"},
		 {"/pools/0/backends/2/weight", "0"},
		 {"/pools/1/forwarding", "\"ipip\""},
		 {"/pools/1/backends/1/name", "\"2001-db8-29--12\""}},
		{{1, "scheduler wlc"},
		 {1, "-p 360"},
		 {5, "port 80 is not SMTP's"},
		 {14, "not TCP"},
		 {16, "not by mark"},
		 {0, "IPVS has none"}},
	},
	{
		IMPORT_IPVSADM,
		"awkward.ipvsadm.rules",
		{{"/pools/0/forwarding", "\"nat\""},
		 {"/pools/0/backends/0/weight", "1000"},
		 {"/pools/0/backends/1/weight", "1"},
		 {"/pools/0/backends/2", "nothing"},
		 {"/pools/1/tunnel/port", "6081"},
		 {"/pools/1/backends/1", "nothing"},
		 {"/services/1/ports", "[2525]"}},
		{{2, "-p 300"},
		 {4, "port 2525"},
		 {5, "another mode"},
		 {6, "mx4.example.com"},
		 {7, "another service"},
		 {9, "scheduler wrr"},
		 {10, "-x"},
		 {11, "gre"}},
	},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static void check_sample(const struct sample *sample)
{
	struct imported got = import_sample(sample->format, sample->name, &no_options);

	CU_ASSERT_EQUAL_FATAL(got.rc, 0);
	for (const struct expected *expected = sample->expected; expected->pointer; expected++)
		CU_ASSERT(holds(&got, expected->pointer, expected->value));
	for (const struct told *told = sample->told; told->part; told++)
		CU_ASSERT(says(&got, told->line, told->part));
	config_free(decode(&got));
	imported_fini(&got);
}

static void test_samples(void)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		check_sample(&samples[i]);
}

/* Each key is another: a copied one would let strangers aim at a server. */
static void test_key(void)
{
	struct imported one = import_sample(IMPORT_IPVSADM, "mail.ipvsadm.rules", &no_options);
	struct imported two = import_sample(IMPORT_IPVSADM, "mail.ipvsadm.rules", &no_options);

	CU_ASSERT_FALSE(json_equal(json_object_get(one.config, "node"),
				   json_object_get(two.config, "node")));
	imported_fini(&one);
	imported_fini(&two);
}

static void test_options(void)
{
	const struct import_options all = {.all = true, .address = "10.0.0.1", .interface = "lan0"};
	const struct import_options port = {.port = 80};
	struct imported got = import_sample(IMPORT_HAPROXY, "mail.haproxy.cfg", &all);

	CU_ASSERT(holds(&got, "/ports/0/device", "\"af_xdp:lan0\""));
	CU_ASSERT(holds(&got, "/services/2/name", "\"imap\""));
	CU_ASSERT(holds(&got, "/services/2/addresses", "[\"10.0.0.1\"]"));
	CU_ASSERT(holds(&got, "/pools/1/health/type", "\"none\""));
	CU_ASSERT(says(&got, 48, "no SMTP greeting is to be had on port 143"));
	imported_fini(&got);
	got = import_sample(IMPORT_IPVSADM, "mail.ipvsadm.rules", &port);
	CU_ASSERT(holds(&got, "/services/1/ports", "[80]"));
	imported_fini(&got);
}

/* Broken texts: where, and why. */
static const struct {
	enum import_format format;
	const char *text;
	uint32_t line, column;
	const char *part;
} broken[] = {
	{IMPORT_KEEPALIVED, "virtual_server 10.0.0.1 25 {\n  lb_kind DR\n", 1, 1, "has no end"},
	{IMPORT_KEEPALIVED, "a {\n}\n  }\n", 3, 3, "without its \"{\""},
	{IMPORT_KEEPALIVED, "\n {\n}\n", 2, 2, "nothing before it"},
	{IMPORT_KEEPALIVED, "a {\n} {\n}\n", 2, 3, "nothing before it"},
	{IMPORT_KEEPALIVED, "router_id \"lvs\n", 1, 11, "quotation"},
	{IMPORT_KEEPALIVED,
	 "a {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\na {\n",
	 17, 3, "too deep"},
	{IMPORT_HAPROXY, "bind :25\n", 1, 1, "expected a section"},
	{IMPORT_HAPROXY, "listen smtp\n  server a \"10.0.0.1\n", 2, 12, "quotation"},
	{IMPORT_HAPROXY, "listen smtp\n  server 'a b\n", 2, 10, "quotation"},
	{IMPORT_IPVSADM, "-A -t\n", 1, 4, "value is missing"},
	{IMPORT_IPVSADM, "-A -t 10.0.0.1:25 -k\n", 1, 19, "no option"},
	{IMPORT_IPVSADM, "-A --tcp 10.0.0.1:25\n", 1, 4, "no option"},
	{IMPORT_IPVSADM, "IP Virtual Server version 1.2.1 (size=4096)\n", 1, 1, "ipvsadm -Sn"},
	{IMPORT_IPVSADM, "-t 10.0.0.1:25\n", 1, 1, "expected -A or -a"},
};

static void test_broken(void)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct imported got = import(broken[i].format, broken[i].text,
					     strlen(broken[i].text), &no_options);
		const struct import_note *last = &got.notes.list[got.notes.count - 1];

		CU_ASSERT_EQUAL(got.rc, -EINVAL);
		CU_ASSERT_FATAL(got.notes.count > 0);
		CU_ASSERT_EQUAL(last->line, broken[i].line);
		CU_ASSERT_EQUAL(last->column, broken[i].column);
		CU_ASSERT(strstr(last->text, broken[i].part) != NULL);
		if (last->line != broken[i].line || last->column != broken[i].column)
			import_notes_print(&got.notes, broken[i].text, stdout);
		imported_fini(&got);
	}
}

static void test_nothing(void)
{
	for (enum import_format format = 0; format < IMPORT_FORMAT_COUNT; format++) {
		struct imported got = import(format, "# nothing\n\n", 11, &no_options);

		CU_ASSERT_EQUAL(got.rc, -ENOENT);
		imported_fini(&got);
		got = import(format, "# a\n#\0b\n", 8, &no_options);
		CU_ASSERT_EQUAL(got.rc, -EINVAL);
		CU_ASSERT(says(&got, 2, "NUL"));
		CU_ASSERT_EQUAL(got.notes.list[0].column, 2);
		imported_fini(&got);
	}
}

/* Definitions in definitions: 2^24 bytes, were there no bound. */
static void test_definitions(void)
{
	static const char tail[] = "virtual_server $Z 25 {\nreal_server 10.0.0.2 25\n}\n";
	char text[4096] = "$A=xxxxxxxxxxxxxxxx\n";
	struct imported got;

	for (int name = 'B'; name <= 'U'; name++)
		sprintf(text + strlen(text), "$%c=$%c$%c\n", name, name - 1, name - 1);
	got = import(IMPORT_KEEPALIVED, text, strlen(text), &no_options);
	CU_ASSERT_EQUAL(got.rc, -EINVAL);
	CU_ASSERT(says(&got, 13, "without end"));
	imported_fini(&got);
	got = import(IMPORT_KEEPALIVED, tail, strlen(tail), &no_options);
	CU_ASSERT_EQUAL(got.rc, -ENOENT);
	CU_ASSERT(says(&got, 1, "expected an address"));
	imported_fini(&got);
}

/* More than a configuration may have: what fits is carried over, and the rest is told. */
static void test_many(void)
{
	const int count = MR_POOLS_MAX + 100;
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	struct imported got;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	for (int i = 0; i < count; i++)
		fprintf(stream, "-A -t 10.1.%d.%d:25 -s mh\n-a -t 10.1.%d.%d:25 -r 10.2.%d.%d -g\n",
			i / 200, i % 200 + 1, i / 200, i % 200 + 1, i / 200, i % 200 + 1);
	fclose(stream);
	got = import(IMPORT_IPVSADM, text, size, &no_options);
	CU_ASSERT_EQUAL(got.rc, 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(got.config, "pools")), MR_POOLS_MAX);
	CU_ASSERT(says(&got, 2 * MR_POOLS_MAX + 1, "more than 4096 pools"));
	CU_ASSERT(says(&got, 2 * (uint32_t)count - 1, "more than 4096 pools"));
	imported_fini(&got);
	free(text);
}

/* What a file holds cannot reach the terminal as it is. */
static void test_printable(void)
{
	static const char text[] = "listen smtp :25\n server a \"\033[2J\xff\" check\n";
	struct imported got = import(IMPORT_HAPROXY, text, strlen(text), &no_options);

	CU_ASSERT(says(&got, 2, "server a ?[2J?"));
	imported_fini(&got);
}

/* Every byte changed, left out or doubled somewhere: a configuration, or an error, but no crash. */
static void mutate(const struct sample *sample, uint32_t *seed)
{
	char path[512];
	size_t size = 0;
	char *text;

	snprintf(path, sizeof(path), SAMPLES "%s", sample->name);
	text = read_file(path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (int round = 0; round < 200; round++) {
		const size_t at = (size_t)rand_r(seed) % size;
		const char kept = text[at];
		struct imported got;

		text[at] = (char)rand_r(seed);
		got = import(sample->format, text, size, &no_options);
		if (got.rc == 0)
			config_free(decode(&got));
		imported_fini(&got);
		text[at] = kept;
	}
	free(text);
}

static void test_mutations(void)
{
	uint32_t seed = unit_seed();

	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		mutate(&samples[i], &seed);
}

/* All of @directory can be read, and what comes out is a configuration. Returns how many. */
static int import_directory(enum import_format format, const char *directory, const char *part)
{
	const struct import_options all = {.all = true};
	DIR *stream = opendir(directory);
	const struct dirent *entry;
	int count = 0;

	while (stream && (entry = readdir(stream)) != NULL) {
		char path[1024];
		size_t size;
		char *text;
		struct imported got;

		if (!strstr(entry->d_name, part))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		text = read_file(path, &size);
		if (!text)
			continue;
		got = import(format, text, size, &all);
		if (got.rc != 0 && got.rc != -ENOENT)
			import_notes_print(&got.notes, path, stdout);
		CU_ASSERT(got.rc == 0 || got.rc == -ENOENT);
		if (got.rc == 0)
			config_free(decode(&got));
		imported_fini(&got);
		free(text);
		count++;
	}
	if (stream)
		closedir(stream);
	return count;
}

/* keepalived's own sample of what we are about. */
static void check_smtp_sample(const char *path)
{
	size_t size = 0;
	char *text = read_file(path, &size);
	struct imported got;

	if (!text)
		return;
	got = import(IMPORT_KEEPALIVED, text, size, &no_options);
	CU_ASSERT(holds(&got, "/node/name", "\"LVS_DEVEL\""));
	CU_ASSERT(holds(&got, "/services/0/addresses", "[\"192.168.200.100\"]"));
	CU_ASSERT(holds(&got, "/services/0/ports", "[25]"));
	CU_ASSERT(holds(&got, "/pools/0/forwarding", "\"nat\""));
	CU_ASSERT(holds(&got, "/pools/0/backends/2/address", "\"172.16.1.12\""));
	CU_ASSERT(holds(&got, "/pools/0/health",
			"{\"type\":\"smtp\",\"interval\":\"1m\",\"timeout\":\"30s\",\"fall\":3}"));
	imported_fini(&got);
	free(text);
}

/* Files of others, as Debian's packages bring them; there are none where they are left out. */
static void test_installed(void)
{
	const int keepalived = import_directory(
		IMPORT_KEEPALIVED, "/usr/share/doc/keepalived/samples", "keepalived.conf");
	const int haproxy =
		import_directory(IMPORT_HAPROXY, "/usr/share/doc/haproxy/examples", ".cfg");

	check_smtp_sample("/usr/share/doc/keepalived/samples/keepalived.conf.SMTP_CHECK");
	printf("%d samples of keepalived, %d of haproxy ", keepalived, haproxy);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_samples),   UNIT_TEST(test_key),	      UNIT_TEST(test_options),
		UNIT_TEST(test_broken),	   UNIT_TEST(test_nothing),   UNIT_TEST(test_definitions),
		UNIT_TEST(test_many),	   UNIT_TEST(test_printable), UNIT_TEST(test_mutations),
		UNIT_TEST(test_installed), CU_TEST_INFO_NULL,
	};

	return unit_run("import", tests);
}
