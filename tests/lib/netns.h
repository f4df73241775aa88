/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network namespaces of a test: without a name, so that they vanish with the process however it
 * ends. Only root can make them. Failures end the program: no test can go on without.
 */
#ifndef MAILRAIL_TESTS_NETNS_H
#define MAILRAIL_TESTS_NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void netns_check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(2);
}

/* The calling thread's own namespace. */
static inline int netns_own(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	netns_check(fd, "/proc/thread-self/ns/net");
	return fd;
}

static inline void netns_enter(int netns)
{
	netns_check(setns(netns, CLONE_NEWNET), "setns");
}

/* A new one, with its loopback down; the thread stays where it is. */
static inline int netns_make(void)
{
	int own = netns_own(), made;

	netns_check(unshare(CLONE_NEWNET), "unshare");
	made = netns_own();
	netns_enter(own);
	close(own);
	return made;
}

/* Runs a shell command in @netns and returns its exit status. */
__attribute__((format(printf, 2, 3))) static inline int netns_run(int netns, const char *format,
								  ...)
{
	int own = netns_own(), status;
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	netns_enter(netns);
	status = system(command);
	netns_enter(own);
	close(own);
	return status;
}

#endif
