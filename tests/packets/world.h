/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker knows and the ports it has, read from JSON, so that golden frames, the property
 * test and the fuzzer share one description:
 *
 *	{"key": "00112233445566778899aabbccddeeff", "probe_mac": "02:00:00:00:00:ff",
 *	 "kernel_mac": "02:00:00:00:00:cc",
 *	 "ports": [{"mac": "02:00:00:00:00:01", "kind": "af_xdp", "device": 0, "tags": [100],
 *	            "kernel_side": "none", "kernel_frame_max": 1522, "joins_segments": false}],
 *	 "services": [{"endpoints": [["10.0.0.10", 25]], "pool": 0,
 *	               "exclude": [["10.0.0.0", "10.0.0.63"]], "reject": true}],
 *	 "pools": [[[0, 0, false]]],
 *	 "backends": [{"alive": true, "forwarding": "gue", "address": "10.1.0.11", "mss": 0,
 *	               "way": {"port": 1, "next_hop": "02:00:00:00:01:01", "mtu": 1500,
 *	                       "outer_source": "10.1.0.1", "source_bits": 0, "gue_port": 6080}}],
 *	 "nat_sources": [{"address": "10.1.0.11", "port": 25, "service_address": "10.0.0.10",
 *	                  "service": 0, "backend": 0}],
 *	 "probe_sources": ["10.0.0.9"], "probes": [[50000, 0]]}
 *
 * "device" is the first port on the same ethdev, often the port itself; "kernel_side" is none,
 * twin or shared, whose MAC "kernel_mac" is. A pool is the list of its slots: current, base,
 * moving; null: no backend. A backend's "way" is null when its next hop is not known.
 */
#ifndef MAILRAIL_TESTS_WORLD_H
#define MAILRAIL_TESTS_WORLD_H

#include <jansson.h>

#include "../lib/rig.h"

struct world {
	struct port ports[RIG_PORTS];
	uint32_t port_count;
	struct rte_ether_addr probe_mac;
	struct mr_snapshot *snapshot;
	_Atomic mr_backend_id probe_backends[UINT16_MAX + 1];
};

/*
 * The ports have the ethdevs of @devices, RIG_PORTS of them: a rig's ports as it was made with
 * them. NULL: after a message on standard error that says what is wrong.
 */
struct world *world_create(const json_t *json, const struct port *devices);
void world_destroy(struct world *world);

/*
 * The rig's worker, which must not run meanwhile, has these ports and probes from now on. The
 * snapshot is for the caller to publish. The world must stay until the rig has another.
 */
void world_enter(const struct world *world, struct rig *rig);

#endif
