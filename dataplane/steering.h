/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel port's steering program (bpf/) hands to mailrail: the entries of its maps, and
 * the program's place on the interface. Control thread.
 */
#ifndef MAILRAIL_DATAPLANE_STEERING_H
#define MAILRAIL_DATAPLANE_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include <mailrail/dataplane.h>

#include "bpf/steer_keys.h"
#include "netdev.h"

/* The maps that mr_dataplane_steer() fills. bpf/steer.h says what each is asked. */
enum steering_map {
	STEERING_PROBE_SOURCES,
	STEERING_SERVICE_ADDRESSES,
	STEERING_NAT_ADDRESSES,
	STEERING_SERVICES,
	STEERING_NAT_SOURCES,
	STEERING_MAP_COUNT,
};

/* The keys of one map, sorted and without repetition: struct steer_address or steer_endpoint. */
struct steering_set {
	void *keys;
	uint32_t count;
};

/* All maps' entries. Zeroed: none. */
struct steering_keys {
	struct steering_set sets[STEERING_MAP_COUNT];
};

/* -ENOMEM; steering_keys_fini() frees what @out holds. */
int steering_keys_init(const struct mr_steering *steering, struct steering_keys *out);
void steering_keys_fini(struct steering_keys *keys);

/* The tags of all ports on one device, as keys of the program's map. Zeroed: no port. */
struct steering_tags {
	uint32_t count;
	__u32 keys[STEER_TAGS_MAX];
};

/* A port more. @ids: VLAN ids, outermost first, host byte order; @count 0: untagged frames. */
void steering_tags_add(struct steering_tags *tags, const uint16_t ids[2], uint8_t count);

struct bpf_object;

/* One interface's program. steering_init() makes it one without. */
struct steering {
	int maps[STEERING_MAP_COUNT]; /* descriptors; -1: none */
	struct bpf_object *tc;	      /* af_packet only; owns the maps then */
	int tc_ifindex;
	bool tc_hook_ours; /* the clsact qdisc is here because of us */
};

void steering_init(struct steering *steering);
bool steering_is_open(const struct steering *steering);

/* Enters what is missing; what is there already is not touched. */
int steering_add(const struct steering *steering, const struct steering_keys *keys,
		 struct mr_error *error);
/* Deletes everything else. */
void steering_keep_only(const struct steering *steering, const struct steering_keys *keys);

/* Lets go of the maps, and takes the tc program off; net_af_xdp takes off its own. */
void steering_close(struct steering *steering);

/*
 * AF_XDP. The program's object as a memory file for net_af_xdp, which loads and attaches it;
 * a descriptor to close.
 */
int steering_xdp_object(struct mr_error *error);
/*
 * Finds the maps of the attached program, and tells it whose tags it may take. On failure
 * @steering stays as it was.
 */
int steering_xdp_open(struct steering *steering, const struct netdev *netdev,
		      const struct steering_tags *tags, struct mr_error *error);
/* Is somebody else's program there? */
bool steering_xdp_is_foreign(const struct netdev *netdev);
/*
 * Takes our own program off an interface that no mailraild holds any more, as after a kill.
 * With @need_free, -EBUSY when a foreign program is there, which is never touched.
 */
int steering_xdp_clear(const struct netdev *netdev, bool need_free, struct mr_error *error);

/* AF_PACKET. Loads the program, tells it the tags and attaches it to the ingress hook. */
int steering_tc_open(struct steering *steering, const struct netdev *netdev,
		     const struct steering_tags *tags, struct mr_error *error);
/* Takes it off again, and the hook when it is here because of us and nobody else uses it. */
void steering_tc_close(struct steering *steering);
/* As steering_xdp_clear(). */
void steering_tc_clear(const struct netdev *netdev);

/* For the two above: the name of a map in the program's object. */
const char *steering_map_name(enum steering_map map);
/* Enters @tags into the program's map of tags, a descriptor. Returns a negative errno. */
int steering_tags_enter(const struct steering_tags *tags, int map);

#endif
