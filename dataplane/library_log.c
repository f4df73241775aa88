/* SPDX-License-Identifier: BSD-3-Clause */
#include "library_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <rte_log.h>
#include <xdp/libxdp.h>

/* The libraries log through process-wide hooks, so this has one state for the process. */
static struct {
	FILE *out; /* NULL: not verbose */
	FILE *stream;
	char first[256];
} library_log;

static void keep_first(const char *text, size_t length)
{
	if (library_log.first[0] != '\0')
		return;
	if (length >= sizeof(library_log.first))
		length = sizeof(library_log.first) - 1;
	memcpy(library_log.first, text, length);
	library_log.first[length] = '\0';
	library_log.first[strcspn(library_log.first, "\r\n")] = '\0';
}

/* cookie_write_function_t; the stream's own lock serialises writers. */
static ssize_t stream_write(void *cookie, const char *text, size_t length)
{
	(void)cookie;
	if (library_log.out != NULL)
		fwrite(text, 1, length, library_log.out);
	keep_first(text, length);
	return (ssize_t)length;
}

static int print(bool complaint, const char *format, va_list args)
{
	char text[sizeof(library_log.first)];
	int length = vsnprintf(text, sizeof(text), format, args);

	if (length <= 0)
		return length;
	if (library_log.out != NULL)
		fputs(text, library_log.out);
	if (complaint)
		keep_first(text, strlen(text));
	return length;
}

__attribute__((format(printf, 2, 0))) static int print_libbpf(enum libbpf_print_level level,
							      const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : print(level == LIBBPF_WARN, format, args);
}

__attribute__((format(printf, 2, 0))) static int print_libxdp(enum libxdp_print_level level,
							      const char *format, va_list args)
{
	return level == LIBXDP_DEBUG ? 0 : print(level == LIBXDP_WARN, format, args);
}

void library_log_start(bool verbose)
{
	static const cookie_io_functions_t functions = {.write = stream_write};

	/* Not by its name later: eal_start() lends that to the stream. */
	library_log.out = verbose ? stderr : NULL;
	library_log.stream = fopencookie(NULL, "w", functions);
	if (library_log.stream != NULL) {
		setvbuf(library_log.stream, NULL, _IOLBF, BUFSIZ);
		rte_openlog_stream(library_log.stream);
	}
	if (!verbose)
		rte_log_set_global_level(RTE_LOG_WARNING);
	libbpf_set_print(print_libbpf);
	libxdp_set_print(print_libxdp);
}

void library_log_stop(void)
{
	rte_openlog_stream(NULL);
	if (library_log.stream != NULL)
		fclose(library_log.stream);
	library_log.stream = NULL;
}

void library_log_clear(void)
{
	if (library_log.stream != NULL)
		fflush(library_log.stream);
	library_log.first[0] = '\0';
}

const char *library_log_first(void)
{
	if (library_log.stream != NULL)
		fflush(library_log.stream);
	return library_log.first[0] != '\0' ? library_log.first : "no reason given";
}
