/* SPDX-License-Identifier: BSD-3-Clause */
/* What the dataplane has to say to the log that it was given. Control thread. */
#ifndef MAILRAIL_DATAPLANE_TELL_H
#define MAILRAIL_DATAPLANE_TELL_H

#include <mailrail/dataplane.h>

/* One line, @priority as in syslog(3). @log NULL: to nobody. */
__attribute__((format(printf, 3, 4))) void tell(mr_log_fn *log, int priority, const char *format,
						...);

#endif
