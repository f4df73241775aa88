/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the readers of all formats fill: virtual services with their servers. It chooses those
 * that are SMTP, brings together what shares servers, and makes a configuration of it.
 */
#ifndef MAILRAIL_TOOLS_IMPORT_MODEL_H
#define MAILRAIL_TOOLS_IMPORT_MODEL_H

#include <net/if.h>

#include <jansson.h>

#include <mailrail/address.h>
#include <mailrail/dataplane.h>
#include <mailrail/limits.h>

#include "import.h"

struct import_server {
	uint32_t line;
	char name[MR_NAME_MAX];
	struct mr_addr address;
	uint16_t port; /* host byte order; 0: the service's */
	uint32_t weight;
	const char *state; /* as the configuration has it; NULL: enabled */
};

/* Zeroed: mailrail's own defaults. */
struct import_health {
	uint64_t interval_ms, timeout_ms;
	uint64_t rise, fall;
};

/* A virtual service. Zero it; import_virtual_fini() frees what the lists hold. */
struct import_virtual {
	uint32_t line;
	char name[MR_NAME_MAX];	     /* "": after its port */
	char pool_name[MR_NAME_MAX]; /* "": the service's */
	bool smtp;		     /* for another reason than its port */
	struct mr_addr *addresses;   /* none: all that its machine has */
	uint32_t address_count;
	uint16_t *ports; /* host byte order */
	uint32_t port_count;
	enum mr_forwarding forwarding;
	uint16_t tunnel_port; /* of gue; 0: mailrail's default */
	struct import_server *servers;
	uint32_t server_count;
	struct import_health health;
};

/* False: no memory. What is there already is not added again. */
bool import_virtual_add_address(struct import_virtual *service, const struct mr_addr *address);
bool import_virtual_add_port(struct import_virtual *service, uint16_t port);
bool import_virtual_add_server(struct import_virtual *service, const struct import_server *server);
void import_virtual_fini(struct import_virtual *service);

/* Where a service listens. Zero the list; free() it. */
struct import_endpoint {
	bool any; /* on all addresses that its machine has */
	struct mr_addr address;
	uint16_t port; /* host byte order; 0: on all */
};
struct import_endpoints {
	struct import_endpoint *list;
	uint32_t count;
};
/* False: no memory. */
bool import_endpoints_add(struct import_endpoints *endpoints, const struct import_endpoint *added);

/* Zero it but for @options and @notes, which are borrowed. */
struct import_model {
	const struct import_options *options;
	struct import_notes *notes;
	char node_name[MR_NAME_MAX]; /* "": lb1 */
	char interface[IFNAMSIZ];    /* that the services' addresses are on; "": unknown */
	bool servers_are_new;	     /* to direct server return */
	bool no_memory;		     /* something is missing: there will be no result */
	struct import_virtual *services;
	uint32_t service_count;
};

/*
 * Takes what @service holds; it is empty then. Nothing happens but a note if it is no SMTP
 * service, or has no servers.
 */
void import_model_add(struct import_model *model, struct import_virtual *service);

/*
 * A service as @like, which stays the caller's and has neither addresses nor ports, for each port
 * of @endpoints.
 */
void import_model_add_each(struct import_model *model, const struct import_virtual *like,
			   const struct import_endpoints *endpoints);

/* As import_text(). */
int import_model_finish(struct import_model *model, json_t **out_config);
void import_model_fini(struct import_model *model);

bool import_is_smtp_port(const struct import_options *options, uint16_t port);
/* Whether a service there is wanted for its ports alone, or since all are. */
bool import_endpoints_wanted(const struct import_options *options,
			     const struct import_endpoints *endpoints);

/* Makes a name that objects of mailrail may have out of @text. */
void import_name(const char *text, char out[MR_NAME_MAX]);

/* Names @server after its address, for formats whose servers have no names. */
void import_server_name(struct import_server *server);

/* "25", or "smtp", "submission" and the like. 0: neither. */
uint16_t import_port(const char *text);

/* A whole number up to @max. False: it is none. */
bool import_number(const char *text, uint64_t max, uint64_t *out);

/* The readers. -EINVAL: the text is broken, and the last note says where. -ENOMEM. */
typedef int import_reader(struct import_model *model, const char *text, size_t size);
import_reader import_read_keepalived;
import_reader import_read_haproxy;
import_reader import_read_ipvsadm;

#endif
