/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What traffic is like: kinds of sessions and their shares, who sends them to where. A profile
 * is a JSON document, also those that come with the program (builtin_profiles.h). Owned by
 * whoever decoded it, read-only afterwards.
 */
#ifndef MAILRAIL_PKTGEN_PROFILE_H
#define MAILRAIL_PKTGEN_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <mailrail/address.h>

struct field_errors;

enum profile_packet { PROFILE_SYN, PROFILE_ACK, PROFILE_DATA, PROFILE_FIN, PROFILE_RST };

/* @count packets, each @gap_us after the one before it in its session. */
struct profile_step {
	enum profile_packet packet;
	uint16_t payload_bytes;
	uint32_t count;
	uint32_t gap_us;
};

struct profile_steps {
	struct profile_step *list;
	uint32_t count;
};

/* What a client sends: the beginning, each message, the end. */
struct profile_kind {
	char *name;
	uint32_t share;
	uint32_t messages;
	struct profile_steps open, message, close;
};

struct profile_frame {
	uint16_t bytes; /* with the frame check sequence, as RFC 2544 counts */
	uint32_t share;
};

/* Single segments of sessions that never begin or end. */
struct profile_flood {
	uint32_t sessions;
	uint32_t zipf_percent;
	struct profile_frame *frames;
	uint32_t frame_count;
};

struct profile_source {
	struct mr_prefix prefix;
	uint32_t share;
};

struct profile_service {
	struct mr_addr address;
	uint16_t port;
	uint32_t share;
};

enum profile_gaps { PROFILE_GAPS_FIXED, PROFILE_GAPS_EXPONENTIAL };

struct profile {
	char *name;
	uint32_t sessions_per_second; /* where nothing else sets the pace */
	enum profile_gaps gaps;
	bool timestamps;
	struct profile_kind *kinds;
	uint32_t kind_count;
	bool has_flood;
	struct profile_flood flood;
	struct profile_source *sources;
	uint32_t source_count;
	uint32_t clients; /* distinct source addresses; 0: any of the prefixes */
	uint32_t clients_zipf_percent;
	struct profile_service *services;
	uint32_t service_count;
	uint32_t ipv6_percent;
	uint16_t *vlan; /* ids, outermost first */
	uint32_t vlan_count;
};

/*
 * The document of a profile that comes with the program, or else in a file: a new reference. NULL:
 * @errors says why.
 */
json_t *profile_read(const char *name_or_path, struct field_errors *errors);
/* False: @errors says what is wrong. Either way @out wants profile_fini(). */
bool profile_decode(const json_t *json, struct profile *out, struct field_errors *errors);
void profile_fini(struct profile *profile);

/* New reference; NULL: no memory. */
json_t *profile_schema(void);

#endif
