/* SPDX-License-Identifier: BSD-3-Clause */
/* Each row: how a server behaves, and what the probe must make of it. */
#include "smtp_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/await.h"
#include "../lib/netns.h"
#include "../lib/smtp_server.h"
#include "../lib/unit.h"

#define AWAIT_MS   10000
#define TIMEOUT_MS 300

static struct event_base *base;
static int netns;

struct outcome {
	bool judged, closed;
	struct smtp_probe_result result;
};

struct probe_case {
	const char *what;
	struct smtp_script script;
	bool good;
	const char *reason; /* the whole of it, or its beginning when @prefix */
	bool prefix;
	const char *heard;
};

#define EHLO_QUIT "EHLO probe.example.com\nQUIT\n"
#define EHLO_250  "250-mail.example.com\r\n250 SIZE 10240000\r\n"
#define BYE	  "221 Bye\r\n"
#define TEN_LINES \
	L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n" L "\r\n"
#define L	     "220-x"
#define GREETING_220 "220 mail.example.com ESMTP\r\n"

static char long_line[5120 + 1];

static const struct probe_case cases[] = {
	{"healthy", SMTP_HEALTHY, true, "EHLO: 250", false, EHLO_QUIT},
	{"multi-line greeting",
	 {.greeting = "220-mail\r\n220-no spam\r\n220 welcome\r\n", .ehlo = EHLO_250, .quit = BYE},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"byte by byte",
	 {.greeting = "220-a\r\n220 b\r\n", .byte_every_ms = 2, .ehlo = EHLO_250, .quit = BYE},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"bare code, bare LF",
	 {.greeting = "220\n", .ehlo = "250\n", .quit = BYE},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"late, but in time",
	 {.greeting = GREETING_220, .greeting_after_ms = 150, .ehlo = EHLO_250, .quit = BYE},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"too late",
	 {.greeting = GREETING_220, .greeting_after_ms = 600, .ehlo = EHLO_250, .quit = BYE},
	 false,
	 "greeting: no reply within 300 ms",
	 false,
	 ""},
	{"never", {.greeting = NULL}, false, "greeting: no reply within 300 ms", false, ""},
	{"too slow as a whole",
	 {.greeting = "220-abcdefghij\r\n220 klmnopqrst\r\n", .byte_every_ms = 30},
	 false,
	 "greeting: no complete reply within 300 ms",
	 false,
	 ""},
	{"endless line",
	 {.greeting = "220", .byte_every_ms = 5, .greeting_repeats = true},
	 false,
	 "greeting: no complete reply within 300 ms",
	 false,
	 ""},
	{"no last line",
	 {.greeting = "220-a\r\n"},
	 false,
	 "greeting: no complete reply within 300 ms",
	 false,
	 ""},
	{"421",
	 {.greeting = "421 too busy\r\n", .quit = BYE},
	 false,
	 "greeting: 421 too busy",
	 false,
	 "QUIT\n"},
	{"421 in many lines",
	 {.greeting = "421-too busy\r\n421 later\r\n", .close_after_greeting = true},
	 false,
	 "greeting: 421 too busy later",
	 false,
	 NULL},
	{"554",
	 {.greeting = "554 no\r\n", .quit = BYE},
	 false,
	 "greeting: 554 no",
	 false,
	 "QUIT\n"},
	{"521 bare", {.greeting = "521\r\n", .quit = BYE}, false, "greeting: 521", false, "QUIT\n"},
	{"450", {.greeting = "450 x\r\n", .quit = BYE}, false, "greeting: 450 x", false, "QUIT\n"},
	{"250 greets nobody",
	 {.greeting = "250 x\r\n", .quit = BYE},
	 false,
	 "greeting: 250 x",
	 false,
	 "QUIT\n"},
	{"garbage",
	 {.greeting = "HTTP/1.1 400 Bad\r\n"},
	 false,
	 "greeting: malformed reply, line without a reply code: HTTP/1.1 400 Bad",
	 false,
	 ""},
	{"escape sequence",
	 {.greeting = "554 \x1b[2J\r\n", .quit = BYE},
	 false,
	 "greeting: 554 \\x1b[2J",
	 false,
	 "QUIT\n"},
	{"NUL",
	 {.greeting = "220 a\0\r\n", .greeting_bytes = 8},
	 false,
	 "greeting: malformed reply, NUL byte: 220 a\\x00",
	 false,
	 ""},
	{"code changes",
	 {.greeting = "220-a\r\n421 b\r\n"},
	 false,
	 "greeting: malformed reply, code changes within the reply: 421 b",
	 false,
	 ""},
	{"65 lines",
	 {.greeting = TEN_LINES TEN_LINES TEN_LINES TEN_LINES TEN_LINES TEN_LINES L
	  "\r\n" L "\r\n" L "\r\n" L "\r\n220 x\r\n"},
	 false,
	 "greeting: malformed reply, more than 64 lines: 220-x",
	 false,
	 ""},
	{"5 KB line",
	 {.greeting = long_line},
	 false,
	 "greeting: malformed reply, line longer than 2048 bytes: 220 000",
	 true,
	 ""},
	{"EOF",
	 {.close_after_greeting = true},
	 false,
	 "greeting: connection closed by the server",
	 false,
	 ""},
	{"EOF within the greeting",
	 {.greeting = "220-a\r\n", .close_after_greeting = true},
	 false,
	 "greeting: connection closed by the server",
	 false,
	 ""},
	{"RST after accept", {.reset_at_once = true}, false, "", true, ""},
	{"more than the greeting",
	 {.greeting = GREETING_220 "250 pushed\r\n", .ehlo = EHLO_250, .quit = BYE},
	 false,
	 "greeting: data behind the reply: 220 mail.example.com ESMTP",
	 false,
	 ""},
	{"EHLO 500",
	 {.greeting = GREETING_220, .ehlo = "500 what?\r\n", .quit = BYE},
	 false,
	 "EHLO: 500 what?",
	 false,
	 EHLO_QUIT},
	{"EHLO 421",
	 {.greeting = GREETING_220, .ehlo = "421 going\r\n", .close_at_ehlo = true},
	 false,
	 "EHLO: 421 going",
	 false,
	 NULL},
	{"EHLO without a last line",
	 {.greeting = GREETING_220, .ehlo = "250-a\r\n"},
	 false,
	 "EHLO: no complete reply within 300 ms",
	 false,
	 "EHLO probe.example.com\n"},
	{"EHLO and no reply",
	 {.greeting = GREETING_220},
	 false,
	 "EHLO: no reply within 300 ms",
	 false,
	 "EHLO probe.example.com\n"},
	{"EHLO and EOF",
	 {.greeting = GREETING_220, .close_at_ehlo = true},
	 false,
	 "EHLO: connection closed by the server",
	 false,
	 "EHLO probe.example.com\n"},
	{"EHLO and an unsolicited line",
	 {.greeting = GREETING_220, .ehlo = "250 a\r\n250 b\r\n"},
	 false,
	 "EHLO: data behind the reply: 250 a",
	 false,
	 "EHLO probe.example.com\n"},
	{"QUIT ignored",
	 {.greeting = GREETING_220, .ehlo = EHLO_250},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"QUIT refused",
	 {.greeting = GREETING_220, .ehlo = EHLO_250, .quit = "500 stay\r\n"},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
	{"QUIT answered with garbage",
	 {.greeting = GREETING_220, .ehlo = EHLO_250, .quit = "bye!\r\n"},
	 true,
	 "EHLO: 250",
	 false,
	 EHLO_QUIT},
};

static void on_verdict(void *context, const struct smtp_probe_result *result)
{
	struct outcome *outcome = context;

	CU_ASSERT_FALSE(outcome->judged);
	outcome->judged = true;
	outcome->result = *result;
}

static void on_closed(void *context)
{
	struct outcome *outcome = context;

	CU_ASSERT_TRUE(outcome->judged);
	outcome->closed = true;
}

static bool is_closed(const void *context)
{
	return ((const struct outcome *)context)->closed;
}

static bool has_no_connection(const void *context)
{
	return ((const struct smtp_server_notes *)context)->open == 0;
}

static const struct smtp_script *same_script(void *context, uint16_t client_port)
{
	(void)client_port;
	return context;
}

static struct smtp_probe *start(struct outcome *outcome, uint32_t addr, uint16_t port)
{
	struct sockaddr_in where = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(addr),
		.sin_port = htons(port),
	};
	struct smtp_probe_config config = {
		.helo_name = "probe.example.com",
		.timeout_ms = TIMEOUT_MS,
		.verdict = on_verdict,
		.closed = on_closed,
		.context = outcome,
	};
	struct smtp_probe *probe;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&where, sizeof(where)), -1);
	CU_ASSERT_EQUAL_FATAL(errno, EINPROGRESS);
	CU_ASSERT_EQUAL_FATAL(smtp_probe_start(base, &config, fd, &probe), 0);
	return probe;
}

static void run_case(const struct probe_case *one)
{
	struct smtp_script script = one->script;
	struct smtp_server *server =
		smtp_server_start(base, netns, "127.0.0.1:2525", same_script, &script);
	struct smtp_server_notes *notes = smtp_server_notes(server);
	struct outcome outcome = {0};
	size_t compared = one->prefix ? strlen(one->reason) : SMTP_PROBE_REASON_MAX;
	bool same;

	start(&outcome, INADDR_LOOPBACK, 2525);
	same = await(base, is_closed, &outcome, AWAIT_MS) &&
	       await(base, has_no_connection, notes, AWAIT_MS) &&
	       outcome.result.good == one->good &&
	       strncmp(outcome.result.reason, one->reason, compared) == 0 && !notes->early &&
	       (!one->heard || strcmp(notes->heard, one->heard) == 0);
	if (!same)
		printf("\n    %s: good %d, reason \"%s\", early %d, heard \"%s\"", one->what,
		       outcome.result.good, outcome.result.reason, notes->early, notes->heard);
	CU_ASSERT_TRUE(same);
	smtp_server_stop(server);
}

static void servers(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(&cases[i]);
}

static void refused(void)
{
	struct outcome outcome = {0};

	start(&outcome, INADDR_LOOPBACK, 2526);
	CU_ASSERT_TRUE(await(base, is_closed, &outcome, AWAIT_MS));
	CU_ASSERT_FALSE(outcome.result.good);
	CU_ASSERT_STRING_EQUAL(outcome.result.reason, "connect: connection refused");
}

/*
 * The loop learns of the connection and of the greeting at once, as it does on a busy machine:
 * the server has said all before the loop runs.
 */
static void greeted_before_the_loop_runs(void)
{
	static const char greeting[] = "421 too busy\r\n";
	struct sockaddr_in where = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(2527),
	};
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct outcome outcome = {0};
	char heard[16] = "";
	int client;

	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&where, sizeof(where)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	start(&outcome, INADDR_LOOPBACK, 2527);
	client = accept(listener, NULL, NULL);
	CU_ASSERT_EQUAL_FATAL(send(client, greeting, sizeof(greeting) - 1, 0),
			      (ssize_t)sizeof(greeting) - 1);
	shutdown(client, SHUT_WR);
	CU_ASSERT_TRUE(await(base, is_closed, &outcome, AWAIT_MS));
	CU_ASSERT_STRING_EQUAL(outcome.result.reason, "greeting: 421 too busy");
	recv(client, heard, sizeof(heard) - 1, 0);
	CU_ASSERT_STRING_EQUAL(heard, "QUIT\r\n");
	close(client);
	close(listener);
}

/* Behind veth's far end, which is in no bridge and has no address: nobody answers. */
static void black_hole(void)
{
	struct outcome outcome = {0};

	start(&outcome, 0xc6336401, 25);
	CU_ASSERT_TRUE(await(base, is_closed, &outcome, AWAIT_MS));
	CU_ASSERT_FALSE(outcome.result.good);
	CU_ASSERT_STRING_EQUAL(outcome.result.reason, "connect: no answer within 300 ms");
}

/* The server that ignores QUIT sees a FIN from a client that has read all: no RST. */
static void leaves_by_fin(void)
{
	struct smtp_script script = {.greeting = GREETING_220, .ehlo = EHLO_250};
	struct smtp_server *server =
		smtp_server_start(base, netns, "127.0.0.1:2525", same_script, &script);
	struct smtp_server_notes *notes = smtp_server_notes(server);
	struct outcome outcome = {0};

	start(&outcome, INADDR_LOOPBACK, 2525);
	CU_ASSERT_TRUE(await(base, is_closed, &outcome, AWAIT_MS));
	CU_ASSERT_TRUE(await(base, has_no_connection, notes, AWAIT_MS));
	CU_ASSERT_TRUE(notes->client_closed);
	CU_ASSERT_FALSE(notes->client_reset);
	smtp_server_stop(server);
}

static bool has_connection(const void *context)
{
	return ((const struct smtp_server_notes *)context)->open == 1;
}

static void destroyed_on_the_way(void)
{
	struct smtp_script script = {.greeting = NULL};
	struct smtp_server *server =
		smtp_server_start(base, netns, "127.0.0.1:2525", same_script, &script);
	struct smtp_server_notes *notes = smtp_server_notes(server);
	struct outcome outcome = {0};
	struct smtp_probe *probe = start(&outcome, INADDR_LOOPBACK, 2525);

	CU_ASSERT_TRUE(await(base, has_connection, notes, AWAIT_MS));
	smtp_probe_destroy(probe);
	CU_ASSERT_TRUE(await(base, has_no_connection, notes, AWAIT_MS));
	CU_ASSERT_FALSE(outcome.judged);
	CU_ASSERT_FALSE(outcome.closed);
	smtp_server_stop(server);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(servers),
		UNIT_TEST(refused),
		UNIT_TEST(greeted_before_the_loop_runs),
		UNIT_TEST(black_hole),
		UNIT_TEST(leaves_by_fin),
		UNIT_TEST(destroyed_on_the_way),
		CU_TEST_INFO_NULL,
	};
	int status;

	snprintf(long_line, sizeof(long_line), "220 %0*d\r\n", (int)sizeof(long_line) - 7, 0);
	netns = netns_make();
	netns_enter(netns);
	netns_check(-netns_run(netns,
			       "ip link set lo up && ip link add v0 type veth peer name v1 &&"
			       "ip link set v0 arp off up && ip link set v1 arp off up &&"
			       "ip addr add 198.51.100.2/24 dev v0"),
		    "setting up the namespace");
	base = event_base_new();
	status = unit_run("smtp_probe", tests);
	event_base_free(base);
	return status;
}
