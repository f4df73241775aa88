/* SPDX-License-Identifier: BSD-3-Clause */
/* write(2) to the end: however often it takes less, or a signal comes between. */
#ifndef MAILRAIL_CONTROL_WRITE_ALL_H
#define MAILRAIL_CONTROL_WRITE_ALL_H

#include <stddef.h>

/* 0, or a negative errno, with a part written or none. */
int write_all(int fd, const void *bytes, size_t size);

#endif
