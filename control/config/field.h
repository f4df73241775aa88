/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of fields. A shape says which members a JSON object has and where they go in a C
 * struct; from it come decoding with defaults and limits, encoding, copying, freeing and the
 * published schema (field_schema.h), for the configuration file and JSON-RPC alike.
 *
 * Decoding never converts: 1, "1", 1.0 and true are four different values. Unknown members are
 * errors. Every error of a document is found, not the first only.
 */
#ifndef MAILRAIL_CONTROL_FIELD_H
#define MAILRAIL_CONTROL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "field_errors.h"

/* What a field is in JSON, and what it is in the struct. Strings in the struct are owned. */
enum field_kind {
	FIELD_NAME,   /* identifier, see name.h; char * */
	FIELD_FQDN,   /* domain name, see name.h; char * */
	FIELD_STRING, /* at least .min, at most .max bytes; char * */
	/* .min to .max; unsigned of .size bytes; with .choices those words too, see FIELD_WORD. */
	FIELD_UINT,
	FIELD_BOOL,	/* bool */
	FIELD_ENUM,	/* string out of .choices; an enum whose values are their indices */
	FIELD_DURATION, /* "15m", .min to .max milliseconds; uint32_t milliseconds */
	FIELD_SIZE,	/* "8MiB", .min to .max bytes; unsigned of .size bytes */
	FIELD_ADDRESS,	/* of a host, IPv4 or IPv6; struct mr_addr */
	FIELD_PREFIX,	/* address or CIDR; struct mr_prefix */
	FIELD_MAC,	/* six bytes; struct rte_ether_addr */
	FIELD_HEX,	/* exactly .size bytes in hexadecimal digits; uint8_t[.size] */
	/* An object, left as it is; json_t *. .shape only names its schema. */
	FIELD_JSON,
	FIELD_OBJECT, /* nested object of .shape; the struct itself */
};

struct shape;

struct field {
	const char *name;
	enum field_kind kind;
	uint32_t offset; /* in the struct */
	uint32_t size;	 /* of the value; in a list: of one element */

	bool required; /* else the fallback stands in, or a tracked field stays absent */
	bool secret;   /* never shown: FIELD_UNCHANGED stands for it where it is redacted */
	bool key;      /* no two elements of a list have the same */

	/* A list: the struct holds a pointer to the elements, and their count, a uint32_t. */
	bool list;
	bool unique; /* no two elements are the same */
	uint32_t count_offset;
	uint32_t list_min, list_max;

	/* Tracked: a bool in the struct says whether the member is there. No fallback then. */
	bool tracked;
	uint32_t present_offset;

	uint64_t min, max;	    /* inclusive; 0 as maximum: as much as @size can hold */
	uint64_t fallback;	    /* of numbers, booleans, enums, durations, sizes */
	const char *fallback_text;  /* of strings, addresses; NULL: absent */
	const char *fallback_note;  /* how a default is found that a table cannot hold */
	const char *const *choices; /* of FIELD_ENUM, perhaps of FIELD_UINT; ends with NULL */
	const struct shape *shape;
	/* Of FIELD_JSON: any members of .shape but its keys, to be merged by shape_merge(). */
	bool partial;
	bool any; /* of FIELD_JSON: any value, not only an object */

	const char *text;    /* one sentence for the reference and the schema, without its stop */
	const char *example; /* as JSON text */
};

struct shape {
	const char *name;
	const char *text;
	const struct field *fields;
	uint32_t field_count;
	size_t size; /* of the struct */
};

/* The C side of a field, an element list and a presence mark. */
#define FIELD_AT(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define FIELD_LIST_AT(type, member, counter)                                                     \
	.list = true, .offset = offsetof(type, member), .size = sizeof(*((type *)NULL)->member), \
	.count_offset = offsetof(type, counter)
#define FIELD_PRESENT(type, member) .tracked = true, .present_offset = offsetof(type, member)

#define SHAPE(shape_name, type, table, sentence)                                        \
	{                                                                               \
		.name = (shape_name), .text = (sentence), .fields = (table),            \
		.field_count = sizeof(table) / sizeof((table)[0]), .size = sizeof(type) \
	}

/* The value of the word .choices[index] in a FIELD_UINT of 8 bytes; no number has it. */
#define FIELD_WORD(index) (UINT64_MAX - (index))

/* Stands for a secret where it is not shown; see SHAPE_REDACT. */
#define FIELD_UNCHANGED "unchanged"

/*
 * Decodes @json into @out, which is overwritten. @path: where @json stands, NULL for the whole
 * document. False: @errors has grown. Either way @out holds what could be decoded, for further
 * checks, and wants shape_fini().
 */
bool shape_decode(const struct shape *shape, const json_t *json, const struct field_path *path,
		  void *out, struct field_errors *errors);

/* The same from an array, whose elements are the fields in the table's order. */
bool shape_decode_positional(const struct shape *shape, const json_t *json, void *out,
			     struct field_errors *errors);

/*
 * What @in, a value of @shape, becomes with the members of @changes, a field that is .partial:
 * those of nested objects one by one, lists as a whole. For the rest as shape_decode().
 */
bool shape_merge(const struct shape *shape, const void *in, const json_t *changes,
		 const struct field_path *path, void *out, struct field_errors *errors);

enum shape_encode_flags {
	SHAPE_PLAIN = 0,
	SHAPE_REDACT = 1, /* secrets become FIELD_UNCHANGED */
};

/* New reference; absent members are left out. NULL: no memory. */
json_t *shape_encode(const struct shape *shape, const void *in, enum shape_encode_flags flags);

/*
 * Deep copy into @out, which is overwritten. On failure (-ENOMEM) nothing is left to free.
 * Members of the struct that no field names are copied as they are.
 */
int shape_copy(const struct shape *shape, const void *in, void *out);

/* Frees what the struct owns and zeroes it. */
void shape_fini(const struct shape *shape, void *value);

/* For members that are assembled in code; the list is zeroed. False: no memory. */
bool field_list_alloc(const struct field *field, void *value, uint32_t count);

/* Whether the list is one that shape_decode() could have made. @path: where the list stands. */
bool field_list_check(const struct field *field, const void *value, const struct field_path *path,
		      struct field_errors *errors);

/* The row of that name; NULL: there is none. */
const struct field *shape_field(const struct shape *shape, const char *name);

#endif
