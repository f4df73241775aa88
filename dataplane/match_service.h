/* SPDX-License-Identifier: BSD-3-Clause */
/* The access rule of a service, for match_service.c, which follows it, and explain.c. */
#ifndef MAILRAIL_DATAPLANE_MATCH_SERVICE_H
#define MAILRAIL_DATAPLANE_MATCH_SERVICE_H

#include <mailrail/snapshot.h>

/* The excluded range that @client is in; NULL: it is admitted. Any thread. */
const struct mr_range *service_exclusion_of(const struct mr_service *service,
					    const struct mr_addr *client);

#endif
