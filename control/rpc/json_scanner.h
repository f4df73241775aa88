/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds where one JSON text of a stream ends (RFC 8259), however the stream is cut into pieces,
 * looking at every byte once. It does not validate: it only keeps strings and brackets apart.
 * What cannot be told apart any more, a string that runs over the end of its line for instance,
 * is reported at once. Zero it before the first byte, but for depth_max.
 */
#ifndef MAILRAIL_CONTROL_JSON_SCANNER_H
#define MAILRAIL_CONTROL_JSON_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper nesting is refused; one bit each remembers the kind of bracket. */
#define JSON_SCANNER_DEPTH_MAX 64

enum json_scanner_token {
	JSON_SCANNER_NOTHING, /* between two texts */
	JSON_SCANNER_WORD,    /* a number, true, false or null at the top */
	JSON_SCANNER_STRING,
	JSON_SCANNER_INSIDE, /* between the tokens of an array or object */
};

struct json_scanner {
	uint32_t depth_max; /* 0: JSON_SCANNER_DEPTH_MAX, and never more than that */
	enum json_scanner_token token;
	bool escaped; /* the byte before was a backslash in a string */
	uint32_t depth;
	uint64_t braces; /* bit n: the bracket at depth n is a brace */
};

enum json_scan {
	JSON_SCAN_MORE,	    /* all bytes are used, the text has not ended */
	JSON_SCAN_SPACE,    /* all bytes are used, and no text has begun */
	JSON_SCAN_TEXT,	    /* the text ends with the last byte used */
	JSON_SCAN_BROKEN,   /* not JSON: where the next text begins is unknown */
	JSON_SCAN_TOO_DEEP, /* beyond the scanner's depth_max */
};

/* After JSON_SCAN_TEXT the scanner is ready for the next one. */
enum json_scan json_scanner_feed(struct json_scanner *scanner, const char *bytes, size_t size,
				 size_t *out_used);

#endif
