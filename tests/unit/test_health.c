/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the dataplane would be linked stand two functions: a namespace in which the service
 * address is local, and the record of which source port belongs to which backend. The server
 * plays the script of the backend that the record says the client is meant for.
 */
#include "health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "../lib/await.h"
#include "../lib/netns.h"
#include "../lib/smtp_server.h"
#include "../lib/unit.h"

#define AWAIT_MS     20000
#define BACKENDS_MAX 256

static struct event_base *base;
static int netns;
static struct smtp_server *server;
static struct smtp_server_notes *notes;
static struct health *health;

static mr_backend_id port_backends[65536];
static unsigned int ports_open, ports_opened, ports_reused;

static const struct smtp_script healthy = SMTP_HEALTHY;
static const struct smtp_script busy = {.greeting = "421 too busy\r\n", .quit = "221 Bye\r\n"};
static const struct smtp_script silent = {.greeting = NULL};

static struct smtp_script scripts[BACKENDS_MAX];
static unsigned int changes[BACKENDS_MAX];
static bool accepted_from[BACKENDS_MAX];
static bool within_set_targets;

int mr_dataplane_probe_netns(const struct mr_dataplane *dp)
{
	(void)dp;
	return netns;
}

void mr_dataplane_set_probe(struct mr_dataplane *dp, uint16_t source_port, mr_backend_id backend)
{
	(void)dp;
	if (backend == MR_BACKEND_NONE) {
		CU_ASSERT_NOT_EQUAL(port_backends[source_port], MR_BACKEND_NONE);
		ports_open--;
	} else {
		ports_reused += port_backends[source_port] != MR_BACKEND_NONE;
		ports_open++;
		ports_opened++;
	}
	port_backends[source_port] = backend;
}

static const struct smtp_script *choose(void *context, uint16_t client_port)
{
	mr_backend_id backend = port_backends[client_port];

	(void)context;
	CU_ASSERT_TRUE_FATAL(backend < BACKENDS_MAX);
	accepted_from[backend] = true;
	return &scripts[backend];
}

static void on_changed(void *context, mr_backend_id id, const struct health_status *status)
{
	struct health_status now;

	(void)context;
	CU_ASSERT_FALSE(within_set_targets);
	health_get(health, id, &now);
	CU_ASSERT_EQUAL(now.verdict, status->verdict);
	CU_ASSERT_NOT_EQUAL(status->changed_ms, 0);
	changes[id]++;
}

static struct mr_addr addr(const char *text)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return mr_addr_from_v4(&v4);
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, &v6), 1);
	return mr_addr_from_v6(&v6);
}

static struct health_target target(mr_backend_id id)
{
	return (struct health_target){
		.id = id,
		.pool = "pool",
		.name = "backend",
		.service = addr("10.99.0.10"),
		.service_port = 25,
		.source = addr("10.98.0.1"),
		.helo_name = "lb.example.com",
		.interval_ms = 50,
		.timeout_ms = 1000,
		.rise = 2,
		.fall = 3,
	};
}

static void set_targets(const struct health_target *targets, uint32_t count)
{
	within_set_targets = true;
	CU_ASSERT_EQUAL(health_set_targets(health, targets, count), 0);
	within_set_targets = false;
}

static struct health_status status_of(mr_backend_id id)
{
	struct health_status status;

	health_get(health, id, &status);
	return status;
}

/* Conditions to await. */
struct expected {
	mr_backend_id id;
	enum health_verdict verdict;
	uint64_t probes;
};

static bool verdict_is(const void *context)
{
	const struct expected *expected = context;

	return status_of(expected->id).verdict == expected->verdict;
}

static bool probes_are(const void *context)
{
	const struct expected *expected = context;

	return status_of(expected->id).probes >= expected->probes;
}

static bool await_verdict(mr_backend_id id, enum health_verdict verdict)
{
	struct expected expected = {.id = id, .verdict = verdict};

	return await(base, verdict_is, &expected, AWAIT_MS);
}

static bool await_probes(mr_backend_id id, uint64_t probes)
{
	struct expected expected = {.id = id, .probes = probes};

	return await(base, probes_are, &expected, AWAIT_MS);
}

static void set_up(void)
{
	struct mr_error error = {{0}};

	for (int i = 0; i < BACKENDS_MAX; i++)
		scripts[i] = healthy;
	memset(changes, 0, sizeof(changes));
	memset(accepted_from, 0, sizeof(accepted_from));
	for (int i = 0; i < 65536; i++)
		port_backends[i] = MR_BACKEND_NONE;
	ports_open = ports_opened = ports_reused = 0;
	server = smtp_server_start(base, netns, "10.99.0.10:25", choose, NULL);
	notes = smtp_server_notes(server);
	CU_ASSERT_EQUAL_FATAL(health_create(base, NULL, on_changed, NULL, &health, &error), 0);
}

static void tear_down(void)
{
	health_destroy(health);
	CU_ASSERT_EQUAL(ports_open, 0);
	CU_ASSERT_EQUAL(ports_reused, 0);
	smtp_server_stop(server);
}

static void first_success_is_up(void)
{
	struct health_target one = target(7);
	struct health_status status;

	set_up();
	CU_ASSERT_EQUAL(status_of(7).verdict, HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(status_of(7).changed_ms, 0);
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(7, HEALTH_UP));
	status = status_of(7);
	CU_ASSERT_EQUAL(status.probes, 1);
	CU_ASSERT_EQUAL(status.failures, 0);
	CU_ASSERT_STRING_EQUAL(status.reason, "EHLO: 250");
	/* The verdict changes first, the callback comes from a later event. */
	CU_ASSERT_TRUE(await_probes(7, 3));
	CU_ASSERT_EQUAL(changes[7], 1);
	tear_down();
}

static void falls_after_fall_and_rises_after_rise(void)
{
	struct health_target one = target(1);
	uint64_t before;

	set_up();
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	scripts[1] = busy;
	before = status_of(1).probes;
	CU_ASSERT_TRUE(await_probes(1, before + 2));
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UP);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	CU_ASSERT_EQUAL(status_of(1).probes, before + 3);
	CU_ASSERT_STRING_EQUAL(status_of(1).reason, "greeting: 421 too busy");
	scripts[1] = healthy;
	before = status_of(1).probes;
	CU_ASSERT_TRUE(await_probes(1, before + 1));
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_DOWN);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	CU_ASSERT_EQUAL(status_of(1).probes, before + 2);
	CU_ASSERT_TRUE(await_probes(1, before + 3));
	CU_ASSERT_EQUAL(changes[1], 3);
	tear_down();
}

/* At a start, a server that is dead must not get its share until it has failed @fall times. */
static void unknown_falls_at_once(void)
{
	struct health_target one = target(1);

	set_up();
	scripts[1] = busy;
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	CU_ASSERT_EQUAL(status_of(1).probes, 1);
	tear_down();
}

/* What a former process knew holds until as many probes contradict it as at any other time. */
static void known_verdict_is_a_record(void)
{
	struct health_target up = target(1), down = target(2);

	set_up();
	scripts[1] = busy;
	up.verdict = HEALTH_UP;
	down.verdict = HEALTH_DOWN;
	set_targets(&up, 1);
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UP);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	CU_ASSERT_EQUAL(status_of(1).failures, up.fall);
	set_targets(&down, 1);
	CU_ASSERT_TRUE(await_verdict(2, HEALTH_UP));
	CU_ASSERT_EQUAL(status_of(2).probes, down.rise);
	tear_down();
}

/* fall = 2: failure, success, failure, ... never makes two in a row. */
static void one_success_ends_a_streak(void)
{
	struct health_target one = target(1);

	set_up();
	one.fall = 2;
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	for (uint64_t probe = 1; probe < 9; probe++) {
		scripts[1] = probe % 2 ? busy : healthy;
		CU_ASSERT_TRUE(await_probes(1, probe + 1));
		CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UP);
	}
	CU_ASSERT_EQUAL(status_of(1).failures, 4);
	tear_down();
}

/* With an hour between probes, only the fast retries can take it down within the deadline. */
static void failures_are_retried_fast(void)
{
	struct health_target one = target(1);

	set_up();
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	scripts[1] = busy;
	one.interval_ms = 3600 * 1000;
	one.helo_name = "other.example.net"; /* is probed anew at once */
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	tear_down();
}

static void silence_and_refusal_are_down(void)
{
	struct health_target two[] = {target(1), target(2)};

	set_up();
	scripts[1] = silent;
	two[0].timeout_ms = 100;
	two[1].service_port = 26;
	set_targets(two, 2);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	CU_ASSERT_STRING_EQUAL(status_of(1).reason, "greeting: no reply within 100 ms");
	CU_ASSERT_TRUE(await_verdict(2, HEALTH_DOWN));
	CU_ASSERT_STRING_EQUAL(status_of(2).reason, "connect: connection refused");
	tear_down();
}

static void ipv6(void)
{
	struct health_target one = target(1);
	struct smtp_server *v6;

	set_up();
	v6 = smtp_server_start(base, netns, "[fd99::10]:25", choose, NULL);
	one.service = addr("fd99::10");
	one.source = addr("fd98::1");
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	CU_ASSERT_EQUAL(netns_run(netns, "ip -6 route show default | grep -q 'dev probe0'"), 0);
	CU_ASSERT_EQUAL(netns_run(netns, "ip -6 addr show dev probe0 | grep -q fd98::1/128"), 0);
	smtp_server_stop(v6);
	tear_down();
}

static void same_targets_keep_state(void)
{
	struct health_target two[] = {target(2), target(1)};
	struct health_status before, after;

	set_up();
	scripts[1] = busy;
	set_targets(two, 2);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	CU_ASSERT_TRUE(await_verdict(2, HEALTH_UP));
	two[0].interval_ms = two[1].interval_ms = 60 * 1000;
	two[0].name = "renamed";
	before = status_of(1);
	set_targets(two, 2);
	after = status_of(1);
	CU_ASSERT_EQUAL(after.verdict, HEALTH_DOWN);
	CU_ASSERT_EQUAL(after.probes, before.probes);
	CU_ASSERT_EQUAL(after.changed_ms, before.changed_ms);
	CU_ASSERT_EQUAL(status_of(2).verdict, HEALTH_UP);
	/* The third stays, the first goes, a new one comes. */
	two[1] = target(3);
	set_targets(two, 2);
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(status_of(1).probes, 0);
	CU_ASSERT_EQUAL(status_of(2).verdict, HEALTH_UP);
	CU_ASSERT_TRUE(await_verdict(3, HEALTH_UP));
	tear_down();
}

/* Down with an hour to the next probe: a new connection is tried at once. */
static void new_connection_is_probed_at_once(void)
{
	struct health_target one = target(1);
	uint64_t before;

	set_up();
	one.service_port = 26;
	one.interval_ms = 3600 * 1000;
	one.rise = 1;
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_DOWN));
	before = status_of(1).probes;
	one.service_port = 25;
	set_targets(&one, 1);
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_DOWN);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	CU_ASSERT_EQUAL(status_of(1).probes, before + 1);
	tear_down();
}

static bool is_connected(const void *context)
{
	return ((const struct smtp_server_notes *)context)->open > 0;
}

static bool is_disconnected(const void *context)
{
	return ((const struct smtp_server_notes *)context)->open == 0;
}

static bool source_is_gone(const void *context)
{
	(void)context;
	return netns_run(netns, "ip addr show dev probe0 | grep -q 10.98.0.1") != 0;
}

static void removed_target_is_let_go(void)
{
	struct health_target one = target(1);

	set_up();
	scripts[1] = silent;
	one.timeout_ms = 60 * 1000;
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await(base, is_connected, notes, AWAIT_MS));
	CU_ASSERT_EQUAL(ports_open, 1);
	set_targets(NULL, 0);
	CU_ASSERT_TRUE(await(base, is_disconnected, notes, AWAIT_MS));
	CU_ASSERT_TRUE(notes->client_closed);
	/* For the FINs, port and source address outlive the probe by a while. */
	CU_ASSERT_EQUAL(ports_open, 1);
	CU_ASSERT_FALSE(source_is_gone(NULL));
	CU_ASSERT_TRUE(await(base, source_is_gone, NULL, AWAIT_MS));
	CU_ASSERT_EQUAL(ports_open, 0);
	tear_down();
}

static bool no_port_is_open(const void *context)
{
	(void)context;
	return ports_open == 0;
}

static void port_is_closed_after_the_grace(void)
{
	struct health_target one = target(1);

	set_up();
	one.interval_ms = 3600 * 1000;
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	CU_ASSERT_TRUE(await(base, no_port_is_open, NULL, AWAIT_MS));
	CU_ASSERT_EQUAL(ports_opened, 1);
	tear_down();
}

static bool all_are_up(const void *context)
{
	(void)context;
	for (mr_backend_id id = 0; id < BACKENDS_MAX; id++) {
		if (status_of(id).verdict != HEALTH_UP)
			return false;
	}
	return true;
}

static void many_share_the_places(void)
{
	struct health_target all[BACKENDS_MAX];

	set_up();
	for (mr_backend_id id = 0; id < BACKENDS_MAX; id++) {
		all[id] = target(id);
		all[id].interval_ms = 3600 * 1000;
		scripts[id].greeting_after_ms = 600;
	}
	set_targets(all, BACKENDS_MAX);
	CU_ASSERT_TRUE(await(base, all_are_up, NULL, AWAIT_MS));
	CU_ASSERT_TRUE(notes->most_open <= 64);
	CU_ASSERT_TRUE(notes->most_open > 32);
	CU_ASSERT_EQUAL(notes->accepted, BACKENDS_MAX);
	for (int i = 0; i < BACKENDS_MAX; i++)
		CU_ASSERT_TRUE(accepted_from[i]);
	tear_down();
}

static bool is_not_probed(const void *context)
{
	(void)context;
	return strncmp(status_of(1).reason, "not probed: ", 12) == 0;
}

/* Our own trouble is not the backend's: the verdict stays, and probing goes on afterwards. */
static void missing_interface_is_no_verdict(void)
{
	struct health_target one = target(1);

	set_up();
	CU_ASSERT_EQUAL(netns_run(netns,
				  "ip link set probe0 name gone0 2>/dev/null ||"
				  "{ ip link set probe0 down; ip link set probe0 name gone0; }"),
			0);
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await(base, is_not_probed, NULL, AWAIT_MS));
	CU_ASSERT_STRING_EQUAL(status_of(1).reason,
			       "not probed: probe interface probe0: No such device");
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(status_of(1).probes, 0);
	CU_ASSERT_EQUAL(netns_run(netns, "ip link set gone0 down; ip link set gone0 name probe0;"
					 "ip link set probe0 up"),
			0);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	tear_down();
}

/* The interface is made anew, without the address that was on it. */
static void interface_made_anew(void)
{
	struct health_target one = target(1);
	uint64_t before;

	set_up();
	set_targets(&one, 1);
	CU_ASSERT_TRUE(await_verdict(1, HEALTH_UP));
	CU_ASSERT_EQUAL(netns_run(netns, "ip addr flush dev probe0"), 0);
	before = status_of(1).probes;
	CU_ASSERT_TRUE(await_probes(1, before + 3));
	CU_ASSERT_EQUAL(status_of(1).verdict, HEALTH_UP);
	CU_ASSERT_EQUAL(status_of(1).failures, 0);
	tear_down();
}

static bool dialogues_are(const void *context)
{
	const struct expected *expected = context;
	const struct dialogues *dialogues = health_get_dialogues(health, expected->id);
	uint64_t count = 0;

	while (count < DIALOGUES_KEPT && dialogues->latest[count] != NULL)
		count++;
	return count >= expected->probes;
}

static bool await_dialogues(mr_backend_id id, uint64_t count)
{
	struct expected expected = {.id = id, .probes = count};

	return await(base, dialogues_are, &expected, AWAIT_MS);
}

static void check_line(const struct dialogue *dialogue, uint32_t index,
		       enum dialogue_speaker speaker, const char *text)
{
	struct dialogue_line line;

	CU_ASSERT_FATAL(index < dialogue_lines(dialogue));
	dialogue_line(dialogue, index, &line);
	CU_ASSERT_EQUAL(line.speaker, speaker);
	CU_ASSERT_STRING_EQUAL(line.text, text);
}

/* Word for word, to the end of the connection. */
static void dialogues_are_kept(void)
{
	struct health_target targets[] = {target(1), target(2)};
	const struct dialogue *dialogue;

	set_up();
	scripts[2] = busy;
	targets[0].interval_ms = targets[1].interval_ms = 60000;
	set_targets(targets, 2);
	CU_ASSERT_PTR_NULL(health_get_dialogues(health, 1)->latest[0]);
	CU_ASSERT_TRUE_FATAL(await_dialogues(1, 1));
	CU_ASSERT_TRUE_FATAL(await_dialogues(2, 1));
	dialogue = health_get_dialogues(health, 1)->latest[0];
	CU_ASSERT_EQUAL(dialogue_lines(dialogue), 7);
	check_line(dialogue, 0, DIALOGUE_NOTE, "connected");
	check_line(dialogue, 1, DIALOGUE_SERVER, "220 mail.example.com ESMTP");
	check_line(dialogue, 2, DIALOGUE_MAILRAIL, "EHLO lb.example.com");
	check_line(dialogue, 3, DIALOGUE_SERVER, "250-mail.example.com");
	check_line(dialogue, 4, DIALOGUE_SERVER, "250 SIZE 10240000");
	check_line(dialogue, 5, DIALOGUE_MAILRAIL, "QUIT");
	check_line(dialogue, 6, DIALOGUE_SERVER, "221 Bye");
	CU_ASSERT(dialogue_outcome(dialogue).good);
	CU_ASSERT_STRING_EQUAL(dialogue_outcome(dialogue).reason, "EHLO: 250");
	dialogue = health_get_dialogues(health, 2)->latest[0];
	check_line(dialogue, 1, DIALOGUE_SERVER, "421 too busy");
	CU_ASSERT(dialogue_outcome(dialogue).judged);
	CU_ASSERT_FALSE(dialogue_outcome(dialogue).good);
	CU_ASSERT_PTR_NULL(health_get_dialogues(health, 3));
	tear_down();
}

static void connection_is_noted(void)
{
	struct health_target one = target(1);
	struct dialogues const *dialogues;

	set_up();
	scripts[1].close_after_greeting = true;
	set_targets(&one, 1);
	CU_ASSERT_TRUE_FATAL(await_dialogues(1, 1));
	dialogues = health_get_dialogues(health, 1);
	check_line(dialogues->latest[0], dialogue_lines(dialogues->latest[0]) - 1, DIALOGUE_NOTE,
		   "connection closed by the server");
	tear_down();
}

/* Out of its turn, which would be in an hour; one at a time. */
static void check_is_at_once(void)
{
	struct health_target one = target(1);

	set_up();
	one.interval_ms = 3600 * 1000;
	one.verdict = HEALTH_UP;
	set_targets(&one, 1);
	CU_ASSERT_TRUE_FATAL(await_dialogues(1, 1));
	CU_ASSERT(status_of(1).next_ms > 1000 * 1000);
	CU_ASSERT(status_of(1).checked);
	CU_ASSERT(status_of(1).good);
	CU_ASSERT_EQUAL(status_of(1).streak, 1);
	CU_ASSERT_EQUAL(health_check(health, 1), 0);
	CU_ASSERT_EQUAL(health_check(health, 1), -EALREADY);
	CU_ASSERT_EQUAL(health_check(health, 2), -ENOENT);
	CU_ASSERT_EQUAL(status_of(1).next_ms, 0);
	CU_ASSERT_TRUE(await_dialogues(1, 2));
	CU_ASSERT_EQUAL(status_of(1).probes, 2);
	CU_ASSERT_EQUAL(status_of(1).streak, 2);
	CU_ASSERT(status_of(1).next_ms > 1000 * 1000);
	tear_down();
}

static void names(void)
{
	CU_ASSERT_STRING_EQUAL(health_verdict_name(HEALTH_UNKNOWN), "unknown");
	CU_ASSERT_STRING_EQUAL(health_verdict_name(HEALTH_UP), "up");
	CU_ASSERT_STRING_EQUAL(health_verdict_name(HEALTH_DOWN), "down");
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(first_success_is_up),
		UNIT_TEST(falls_after_fall_and_rises_after_rise),
		UNIT_TEST(unknown_falls_at_once),
		UNIT_TEST(known_verdict_is_a_record),
		UNIT_TEST(one_success_ends_a_streak),
		UNIT_TEST(failures_are_retried_fast),
		UNIT_TEST(silence_and_refusal_are_down),
		UNIT_TEST(ipv6),
		UNIT_TEST(same_targets_keep_state),
		UNIT_TEST(new_connection_is_probed_at_once),
		UNIT_TEST(removed_target_is_let_go),
		UNIT_TEST(port_is_closed_after_the_grace),
		UNIT_TEST(many_share_the_places),
		UNIT_TEST(missing_interface_is_no_verdict),
		UNIT_TEST(interface_made_anew),
		UNIT_TEST(dialogues_are_kept),
		UNIT_TEST(connection_is_noted),
		UNIT_TEST(check_is_at_once),
		UNIT_TEST(names),
		CU_TEST_INFO_NULL,
	};
	int status;

	netns = netns_make();
	netns_check(-netns_run(netns,
			       "ip link set lo up && ip addr add 10.99.0.10/32 dev lo &&"
			       "ip addr add fd99::10/128 dev lo nodad &&"
			       "ip link add probe0 type veth peer name far0 &&"
			       "ip link set far0 arp off up && ip link set probe0 arp off up"),
		    "setting up the namespace");
	base = event_base_new();
	status = unit_run("health", tests);
	event_base_free(base);
	close(netns);
	return status;
}
