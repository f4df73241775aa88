/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON Schema (draft 2020-12) that field tables say. */
#ifndef MAILRAIL_CONTROL_FIELD_SCHEMA_H
#define MAILRAIL_CONTROL_FIELD_SCHEMA_H

#include <jansson.h>

#include "field.h"

enum field_schema_flags {
	FIELD_SCHEMA_PLAIN = 0,
	FIELD_SCHEMA_REDACTED = 1, /* FIELD_UNCHANGED may stand for a secret */
	FIELD_SCHEMA_PARTIAL = 2,  /* of changes for shape_merge(): nothing is required, no key */
};

/* Where a FIELD_JSON member refers to the schema of its shape, in an OpenRPC document. */
#define FIELD_SCHEMA_REFERENCE "#/components/schemas/"

/* New references; NULL: no memory. */
json_t *shape_schema(const struct shape *shape, enum field_schema_flags flags);
json_t *field_schema(const struct field *field, enum field_schema_flags flags);

#endif
