/* SPDX-License-Identifier: BSD-3-Clause */
/* The server that a script is for, as its writers see it: one writer for each system. */
#ifndef MAILRAIL_CONTROL_PREPARE_SERVER_H
#define MAILRAIL_CONTROL_PREPARE_SERVER_H

#include "address_text.h"
#include "prepare.h"

struct prepare_server {
	const struct prepare_request *request;
	const struct config_pool *pool;
	const struct config_backend *backend;
	bool v4;	       /* the server's own address, hence outer headers and routes */
	bool carries_services; /* every mode but nat: the service addresses are its own */
	bool tunnelled;
	bool services_v4, services_v6; /* families of the service addresses */
	uint16_t packet_max_bytes;     /* that gets through the tunnel */
	char address[MR_ADDR_TEXT_MAX];
	char from[MR_ADDR_TEXT_MAX]; /* empty: not known */
};

/* Calls @each for every address of every service of the pool. */
typedef void prepare_address_fn(const struct config_service *service, const struct mr_addr *address,
				const char *text, struct prepare_script *script);
void prepare_each_address(const struct prepare_server *server, struct prepare_script *script,
			  prepare_address_fn *each);

/* The largest TCP payload of a packet that fits (RFC 9293, section 3.7.1). */
uint32_t prepare_mss(const struct prepare_server *server, bool v4);

/* Comment: whom the script is for. */
void prepare_title(const struct prepare_server *server, struct prepare_script *script);

/* For a shell: the balancer's address as the script's variable @name. */
void prepare_balancer(const struct prepare_server *server, const char *name,
		      struct prepare_script *script);
/* For a shell, nat: the variable balancer, and why routers must not redirect, before it is so. */
void prepare_way_back(const struct prepare_server *server, struct prepare_script *script);

/* Calls @each for the families of the service addresses, below the reason. */
typedef void prepare_family_fn(const struct prepare_server *server, bool v4,
			       struct prepare_script *script);
void prepare_segment_sizes(const struct prepare_server *server, struct prepare_script *script,
			   prepare_family_fn *each);

typedef int prepare_writer(const struct prepare_server *server, struct prepare_script *script,
			   struct mr_error *error);

prepare_writer prepare_linux;
prepare_writer prepare_freebsd;
prepare_writer prepare_windows;

#endif
