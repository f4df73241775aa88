/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's files, below a root that tests choose. */
#ifndef MAILRAIL_TOOLS_DOCTOR_FILES_H
#define MAILRAIL_TOOLS_DOCTOR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first line, without its end; false: there is none. */
__attribute__((format(printf, 4, 5))) bool doctor_line(const char *root, char *out, size_t size,
						       const char *format, ...);

/* -1: no such file, or no number in it. */
__attribute__((format(printf, 2, 3))) int64_t doctor_number(const char *root, const char *format,
							    ...);

/* What follows "@key" on a line of /proc's kind, as a number; -1: no such line.
 * "unlimited" is INT64_MAX. */
int64_t doctor_keyed_number(const char *root, const char *path, const char *key);

/* Entries of a directory whose names begin with @prefix; -1: no such directory. */
__attribute__((format(printf, 3, 4))) int doctor_count_entries(const char *root, const char *prefix,
							       const char *format, ...);

/* Whether @list, as the kernel writes sets of cores ("0-3,7"), has @core. */
bool doctor_list_has(const char *list, uint32_t core);

#endif
