/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions on DPDK's own telemetry socket, from threads that ask as dpdk-telemetry.py does, while
 * the main thread is what the control thread is: quick, late, or gone.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

#include <mailrail/telemetry.h>

#include "../lib/unit.h"

#define ANSWER_MAX (16 << 10)
#define CLIENTS	   4

static int bell;

struct client {
	pthread_t thread;
	const char *question;
	char answer[ANSWER_MAX + 1];
};

/* The socket keeps messages apart; the first is a greeting. */
static bool receive(int socket, char *out)
{
	const ssize_t length = recv(socket, out, ANSWER_MAX, 0);

	out[length > 0 ? length : 0] = '\0';
	return length > 0;
}

static void *ask(void *context)
{
	struct client *client = context;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    !receive(fd, client->answer) ||
	    send(fd, client->question, strlen(client->question), 0) < 0 ||
	    !receive(fd, client->answer))
		snprintf(client->answer, sizeof(client->answer), "socket: %s", strerror(errno));
	close(fd);
	return NULL;
}

static void client_start(struct client *client, const char *question)
{
	client->question = question;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&client->thread, NULL, ask, client), 0);
}

static int answer(void *context, const char *command, const char *argument,
		  struct mr_telemetry_answer *out)
{
	const uint32_t items = *(const uint32_t *)context;
	char item[16];

	if (argument != NULL && strcmp(argument, "none") == 0)
		return -ENOENT;
	if (argument != NULL) {
		mr_telemetry_begin_object(out);
		mr_telemetry_add_text(out, "command", command);
		mr_telemetry_add_text(out, "argument", argument);
		mr_telemetry_add_number(out, "number", UINT64_MAX);
		return 0;
	}
	mr_telemetry_begin_list(out);
	for (uint32_t i = 0; i < items; i++) {
		snprintf(item, sizeof(item), "item%u", i);
		mr_telemetry_add_item(out, item);
	}
	return 0;
}

/* Serves the next question; false: none comes. */
static bool serve(uint32_t items)
{
	struct pollfd ready = {.fd = bell, .events = POLLIN};

	if (poll(&ready, 1, 10000) != 1)
		return false;
	mr_telemetry_serve(answer, &items);
	return true;
}

static void check_answer(const char *question, uint32_t items, const char *wanted)
{
	struct client client;

	client_start(&client, question);
	CU_ASSERT(serve(items));
	pthread_join(client.thread, NULL);
	CU_ASSERT_STRING_EQUAL(client.answer, wanted);
}

static void test_answers(void)
{
	check_answer("/test/things", 2, "{\"/test/things\":[\"item0\",\"item1\"]}");
	check_answer("/test/things", 0, "{\"/test/things\":[]}");
	check_answer("/test/things,a,b", 0,
		     "{\"/test/things\":{\"command\":\"/test/things\",\"argument\":\"a,b\","
		     "\"number\":18446744073709551615}}");
	check_answer("/test/things,none", 0, "{\"/test/things\":null}");
}

/* More than DPDK takes: the rest is left out, and the answer is still whole. */
static void test_too_many(void)
{
	struct client client;
	size_t length;

	client_start(&client, "/test/things");
	CU_ASSERT(serve(10 * MR_TELEMETRY_LIST_MAX));
	pthread_join(client.thread, NULL);
	length = strlen(client.answer);
	CU_ASSERT_PTR_NOT_NULL(strstr(client.answer, "\"item511\"]}"));
	CU_ASSERT_STRING_EQUAL(&client.answer[length - 2], "]}");
}

static void test_many_clients(void)
{
	static const char *const questions[CLIENTS] = {"/test/things", "/test/things,x",
						       "/test/things,none", "/test/things,x"};
	struct client clients[CLIENTS];

	for (uint32_t i = 0; i < CLIENTS; i++)
		client_start(&clients[i], questions[i]);
	for (uint32_t i = 0; i < CLIENTS; i++)
		CU_ASSERT(serve(1));
	for (uint32_t i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
	CU_ASSERT_STRING_EQUAL(clients[0].answer, "{\"/test/things\":[\"item0\"]}");
	CU_ASSERT_PTR_NOT_NULL(strstr(clients[1].answer, "\"argument\":\"x\""));
	CU_ASSERT_STRING_EQUAL(clients[2].answer, "{\"/test/things\":null}");
	CU_ASSERT_STRING_EQUAL(clients[1].answer, clients[3].answer);
}

/* A question that nobody takes in time is taken back: its place must not be written to. */
static void test_late(void)
{
	uint32_t items = 1;
	struct client client;

	client_start(&client, "/test/things");
	pthread_join(client.thread, NULL);
	CU_ASSERT_STRING_EQUAL(client.answer, "{\"/test/things\":null}");
	mr_telemetry_serve(answer, &items);
	check_answer("/test/things", 1, "{\"/test/things\":[\"item0\"]}");
}

/* The last test: there is no way back. */
static void test_closed(void)
{
	struct pollfd ready = {.fd = bell, .events = POLLIN};
	struct client clients[2];

	client_start(&clients[0], "/test/things");
	CU_ASSERT_EQUAL(poll(&ready, 1, 10000), 1);
	mr_telemetry_close();
	client_start(&clients[1], "/test/things");
	for (uint32_t i = 0; i < 2; i++) {
		pthread_join(clients[i].thread, NULL);
		CU_ASSERT_STRING_EQUAL(clients[i].answer, "{\"/test/things\":null}");
	}
	mr_telemetry_close();
}

static int start_eal(void)
{
	char prefix[64], lcores[32];
	char *arguments[] = {
		(char[]){"test"},
		(char[]){"--no-huge"},
		(char[]){"--no-shconf"},
		(char[]){"--no-pci"},
		(char[]){"--telemetry"},
		(char[]){"--log-level=error"},
		(char[]){"-m"},
		(char[]){"32"},
		prefix,
		lcores,
		NULL,
	};

	snprintf(prefix, sizeof(prefix), "--file-prefix=mailrail-test-%d", getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	return rte_eal_init(RTE_DIM(arguments) - 1, arguments);
}

static void remove_directory(void)
{
	rmdir(rte_eal_get_runtime_dir());
}

int main(void)
{
	static const struct mr_telemetry_command command = {"/test/things", "Lists things"};
	CU_TestInfo tests[] = {
		UNIT_TEST(test_answers), UNIT_TEST(test_too_many), UNIT_TEST(test_many_clients),
		UNIT_TEST(test_late),	 UNIT_TEST(test_closed),   CU_TEST_INFO_NULL,
	};

	atexit(remove_directory);
	if (start_eal() < 0 || mr_telemetry_open(&command, 1, &bell) < 0)
		return 2;
	return unit_run("telemetry", tests);
}
