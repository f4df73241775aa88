/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that hold the old text or the new one, whenever the power fails: written beside it,
 * synced, renamed, directory synced.
 */
#ifndef MAILRAIL_CONTROL_DURABLE_FILE_H
#define MAILRAIL_CONTROL_DURABLE_FILE_H

#include <stddef.h>

/*
 * Mode and owner stay as they are; a new file has mode 0600. A symbolic link stays one: the file
 * that it points to is replaced. On failure, a negative errno, the old file is whole.
 */
int durable_file_replace(const char *path, const char *text, size_t size);

/* All of a file or pipe of at most @max bytes, with a NUL behind; free() it. -EFBIG, -ENOMEM... */
int durable_file_read(const char *path, size_t max, char **out_text, size_t *out_size);

#endif
