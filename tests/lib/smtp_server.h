/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TCP server that plays a scripted SMTP server, well-behaved or not, in the test's own event
 * loop, and takes down what the client did.
 */
#ifndef MAILRAIL_TESTS_SMTP_SERVER_H
#define MAILRAIL_TESTS_SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

struct smtp_script {
	const char *greeting;  /* NULL: none */
	size_t greeting_bytes; /* 0: its length as a string */
	uint32_t greeting_after_ms;
	uint32_t byte_every_ms; /* 0: the greeting goes out at once */
	bool greeting_repeats;	/* the greeting has no end; with @byte_every_ms */
	bool close_after_greeting;
	bool reset_at_once;
	const char *ehlo; /* reply to EHLO; NULL: none */
	bool close_at_ehlo;
	const char *quit; /* reply to QUIT, then the connection is closed; NULL: none */
};

#define SMTP_HEALTHY                                                                           \
	{                                                                                      \
		.greeting = "220 mail.example.com ESMTP\r\n",                                  \
		.ehlo = "250-mail.example.com\r\n250 SIZE 10240000\r\n", .quit = "221 Bye\r\n" \
	}

struct smtp_server_notes {
	unsigned int accepted;
	unsigned int open; /* connections now */
	unsigned int most_open;
	bool early;	    /* the client spoke before the greeting was complete */
	bool client_closed; /* by a FIN */
	bool client_reset;  /* by a RST */
	char heard[256];    /* all that the last client said */
};

/* Chooses the script for a client by its port (host byte order). */
typedef const struct smtp_script *smtp_server_choose_fn(void *context, uint16_t client_port);

struct smtp_server;

/*
 * Listens on @address ("10.0.0.1:25", "[::1]:25") in network namespace @netns. Ends the program
 * when that fails.
 */
struct smtp_server *smtp_server_start(struct event_base *base, int netns, const char *address,
				      smtp_server_choose_fn *choose, void *context);
void smtp_server_stop(struct smtp_server *server);

struct smtp_server_notes *smtp_server_notes(struct smtp_server *server);

#endif
