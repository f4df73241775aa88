/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories that mailraild keeps files in. Any thread. */
#ifndef MAILRAIL_CONTROL_DIRECTORY_H
#define MAILRAIL_CONTROL_DIRECTORY_H

/* Makes @path, for root alone, and its parent, for everybody, unless they are there. Negative
 * errno. */
int directory_make(const char *path);

#endif
