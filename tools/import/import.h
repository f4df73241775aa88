/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes a configuration of mailrail out of another balancer's: of its virtual services those that
 * are SMTP. What has no counterpart is said, line by line. Pure functions; they resolve no names
 * and open no files.
 */
#ifndef MAILRAIL_TOOLS_IMPORT_H
#define MAILRAIL_TOOLS_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "import_notes.h"

/* X(enumerator, name, what the file is) */
#define IMPORT_FORMATS(X)                                                 \
	X(IMPORT_KEEPALIVED, "keepalived", "a keepalived.conf")           \
	X(IMPORT_HAPROXY, "haproxy", "an haproxy.cfg, of which mode tcp") \
	X(IMPORT_IPVSADM, "ipvsadm", "the output of ipvsadm -Sn")

enum import_format {
#define IMPORT_FORMAT_ENUM(id, name, text) id,
	IMPORT_FORMATS(IMPORT_FORMAT_ENUM)
#undef IMPORT_FORMAT_ENUM
		IMPORT_FORMAT_COUNT
};

extern const char *const import_format_names[IMPORT_FORMAT_COUNT];

/* Larger files are refused. */
#define IMPORT_BYTES_MAX (16u << 20)

/* What to do where the source does not tell. Zeroed: nothing in particular. */
struct import_options {
	bool all;	       /* every TCP service, not only SMTP */
	uint16_t port;	       /* one that is SMTP too, host byte order; 0: none */
	const char *address;   /* that of services which listen on any; NULL: a placeholder */
	const char *interface; /* which mailrail shall poll; NULL: the source's, or eth0 */
};

/*
 * Reads @text in @format. 0: *@out_config is the caller's, a configuration that config_decode()
 * takes. -EINVAL: the text is broken, as the last note says; -ENOENT: nothing in it can be
 * carried over; -ENOMEM. The notes are the caller's either way.
 */
int import_text(enum import_format format, const char *text, size_t size,
		const struct import_options *options, json_t **out_config,
		struct import_notes *notes);

#endif
