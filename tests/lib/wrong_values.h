/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that a row of a table of fields takes, and those that it must refuse. */
#ifndef MAILRAIL_TESTS_WRONG_VALUES_H
#define MAILRAIL_TESTS_WRONG_VALUES_H

#include "field.h"

/* One that the table lets pass; of a list: one element. New reference. */
json_t *right_value(const struct field *field);
/* With the required members alone. New reference. */
json_t *right_object(const struct shape *shape);

/*
 * Of every wrong type, out of range both ways, malformed, too long: an array of them, whatever
 * is wrong with one being the value itself, not a part of it. Of a list: elements. New reference.
 */
json_t *wrong_values(const struct field *field);

/* Of every type but arrays: for what must be a list. New reference. */
json_t *wrong_lists(void);

#endif
