/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration as the operator wrote it, decoded and validated. Plain data; whoever holds
 * a struct config owns all of it. config.c has the tables of fields that decode it from JSON,
 * encode it again, and yield the JSON Schema.
 */
#ifndef MAILRAIL_CONTROL_CONFIG_H
#define MAILRAIL_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <rte_ether.h>

#include <mailrail/dataplane.h>

#include "config_control.h"
#include "field.h"
#include "log_settings.h"

#define CONFIG_KEY_BYTES 32

struct config_node {
	char *name;
	uint8_t key[CONFIG_KEY_BYTES]; /* 0..15: session hash, 16..31: Maglev permutation */
};

struct config_workers {
	uint32_t *cores; /* one worker on each; default: the last core this process may use */
	uint32_t core_count;
	enum mr_poll poll;
};

struct config_sessions {
	uint32_t pin_budget; /* "pins": how many sessions may be remembered; 1,000,000 */
	/* Directory of what outlives the process: tables and pins; /run/mailrail/sessions */
	char *state;
};

struct config_neighbour {
	struct mr_addr address;
	struct rte_ether_addr mac;
};

struct config_port {
	char *name;
	enum mr_device_kind device_kind; /* from the device's prefix */
	char *device;			 /* as written: "af_xdp:eth0" */
	const char *device_arguments;	 /* into @device, behind the prefix */
	uint16_t *vlan;			 /* ids of the port's frames, outermost first; 0..2 */
	uint32_t vlan_count;
	bool mtu_given; /* pci and virtual devices; else 0, and the device has its own or 1500 */
	uint16_t mtu_bytes;
	bool twin_given;
	bool twin;			     /* default: true for pci and virtual devices */
	char *interface;		     /* kernel interface that routes lead to; NULL: found */
	struct config_neighbour *neighbours; /* static next hops of test and bench ports */
	uint32_t neighbour_count;
};

enum config_backend_state {
	CONFIG_BACKEND_ENABLED,
	CONFIG_BACKEND_DRAIN,	 /* keeps its sessions, gets no new ones */
	CONFIG_BACKEND_DISABLED, /* loses its sessions at once */
};

struct config_backend {
	char *name;
	struct mr_addr address;
	uint32_t weight; /* 0..1000, default 100; 0 is as good as drain */
	enum config_backend_state state;
};

enum config_health_type {
	CONFIG_HEALTH_SMTP,
	CONFIG_HEALTH_NONE, /* always up: for ports without a kernel */
};

struct config_health {
	enum config_health_type type;
	uint32_t interval_ms; /* 10 s */
	uint32_t timeout_ms;  /* of each step; 10 s: longer than postscreen's greet wait */
	uint32_t rise;	      /* 2 */
	uint32_t fall;	      /* 3 */
};

enum config_hash {
	CONFIG_HASH_SESSION,
};

#define CONFIG_GUE_PORT	     6080
#define CONFIG_MSS_MAX_BYTES 9176 /* in the largest packet that a port takes */

/* Outer headers of ipip and gue. */
struct config_tunnel {
	bool source_given; /* else where the kernel would send from */
	struct mr_prefix source;
	bool port_given;
	uint16_t port; /* gue: UDP destination port, host byte order; CONFIG_GUE_PORT */
};

struct config_pool {
	char *name;
	enum mr_forwarding forwarding;
	struct config_tunnel tunnel;
	uint16_t mss_max_bytes; /* a SYN that offers more is lowered to this; 0: not touched */
	uint32_t table_size;	/* prime; 65537 */
	enum config_hash hash;
	uint32_t session_idle_ms; /* a session silent for this long may be forgotten; 15 min */
	struct config_backend *backends;
	uint32_t backend_count;
	struct config_health health;
};

struct config_exclude {
	struct mr_prefix *sources;
	uint32_t source_count;
	enum mr_exclude_action action; /* reject */
};

struct config_service {
	char *name;
	char *namespace; /* the FQDN that clients resolve and servers greet with */
	struct mr_addr *addresses;
	uint32_t address_count;
	uint16_t *ports; /* host byte order */
	uint32_t port_count;
	char *pool;
	struct config_exclude exclude;
};

struct config {
	struct config_node node;
	struct config_control control;
	struct log_settings log;
	struct config_workers workers;
	struct config_sessions sessions;
	struct config_port *ports;
	uint32_t port_count;
	struct config_pool *pools;
	uint32_t pool_count;
	struct config_service *services;
	uint32_t service_count;
};

/*
 * Decodes and validates: fields, then what ties them together (names unique, pool known,
 * endpoint used once, table size prime and large enough for the backends). NULL with every
 * error found in @errors, each with the JSON Pointer (RFC 6901) of its place.
 */
struct config *config_decode(const json_t *json, struct field_errors *errors);
/* A new reference; every field is there, defaults too. Durations with units. NULL: no memory. */
json_t *config_encode(const struct config *config);
struct config *config_copy(const struct config *config);
/* What follows from the fields but is not one, after a change to @config in code. */
void config_derive(struct config *config);
void config_free(struct config *config);

/* The JSON Schema (draft 2020-12) of the above, from the same tables. New reference. */
json_t *config_schema(void);

/* Index of the service, pool or backend with that name; -ENOENT. */
int config_find_service(const struct config *config, const char *name);
int config_find_pool(const struct config *config, const char *name);
int config_find_backend(const struct config_pool *pool, const char *name);

/* The first of the service's addresses that is of the family of @like; NULL: it has none. */
const struct mr_addr *config_service_address(const struct config_service *service,
					     const struct mr_addr *like);

/* Pairs of address and port over all services. */
uint64_t config_count_endpoints(const struct config *config);

/*
 * Reads a file; errors name it, with line and column where the JSON itself is broken (duplicate
 * keys too). NULL on failure.
 */
struct config *config_load(const char *path, struct field_errors *errors);

/*
 * Replaces @path by @config: written beside it, synced, renamed, directory synced. On failure
 * the old file is whole.
 */
int config_save(const char *path, const struct config *config, struct mr_error *error);

#endif
