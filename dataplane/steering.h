/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel port's steering programs (bpf/) take for mailrail: the entries of their maps, and
 * the programs' places on the interface. Control thread.
 *
 * XDP hands frames over (AF_XDP). Behind it tc hides the same ones from the kernel, on every
 * kernel port: AF_PACKET gets no more than a copy, and no session's packet may reach a kernel
 * that owns the service's address and knows no such session, for it would answer with a reset.
 * The tc program is the guard for all the time in which no mailraild runs: a killed one leaves it
 * behind, and the next start puts its own in its place when that knows all it must know.
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

/* One program of one interface. steering_init() makes it one without. */
struct steering {
	int maps[STEERING_MAP_COUNT]; /* descriptors; -1: none */
	struct bpf_object *tc;	      /* tc only; owns the maps then */
	int tc_ifindex;
	bool tc_attached;
	bool tc_hook_ours; /* the clsact qdisc is here because of us, or of one that was killed */
	bool tc_stays;	   /* on the interface, when this is closed */
};

void steering_init(struct steering *steering);
bool steering_is_open(const struct steering *steering);

/* Enters what is missing; what is there already is not touched. */
int steering_add(const struct steering *steering, const struct steering_keys *keys,
		 struct mr_error *error);
/* Deletes everything else. */
void steering_keep_only(const struct steering *steering, const struct steering_keys *keys);

/* Lets go of the maps, and takes off the tc program; net_af_xdp takes off its own. */
void steering_close(struct steering *steering);

/*
 * XDP. The program's object as a memory file for net_af_xdp, which loads and attaches it;
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

/* tc. Loads the program and tells it the tags; its maps can be filled then. */
int steering_tc_open(struct steering *steering, const struct netdev *netdev,
		     const struct steering_tags *tags, struct mr_error *error);
/*
 * Attaches it to the ingress hook, in one step in the place of one that a killed mailraild left
 * there: no frame passes between them. Until steering_tc_own() closing leaves the one that took
 * such a place, as it would have been left. Nothing, when it is attached already.
 */
int steering_tc_attach(struct steering *steering, const struct netdev *netdev,
		       struct mr_error *error);
/* What is attached goes when this is closed, whoever attached the first. */
void steering_tc_own(struct steering *steering);
/* It stays then, for the next mailraild. */
void steering_tc_leave(struct steering *steering);
/* For steering_close(): takes it off, and the hook when it is ours and nobody else uses it. */
void steering_tc_close(struct steering *steering);

/* For the two above: the name of a map in the program's object. */
const char *steering_map_name(enum steering_map map);
/* Enters @tags into the program's map of tags, a descriptor. Returns a negative errno. */
int steering_tags_enter(const struct steering_tags *tags, int map);

#endif
