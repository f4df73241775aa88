/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker knows in a case: the snapshot as control compiles it, and the pins. */
#ifndef MAILRAIL_BENCH_PATH_WORLD_H
#define MAILRAIL_BENCH_PATH_WORLD_H

#include <mailrail/pins.h>
#include <mailrail/snapshot.h>

#include "path_case.h"

#define PATH_TABLE_SIZE 65537
#define PATH_TX_PORT	1

/* When the pins that a world is made with were seen last. */
#define PATH_SEEN_S 1000

struct path_world {
	struct mr_snapshot *snapshot;
	struct mr_pin_table *pins;
};

/* 0, or -ENOMEM with nothing to free. */
int path_world_init(struct path_world *world, const struct path_case *settings);
void path_world_fini(struct path_world *world);

/* Only the pins that it was made with. */
void path_world_restore_pins(struct path_world *world);

#endif
