/* SPDX-License-Identifier: BSD-3-Clause */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "builtin_profiles.h"
#include "field.h"
#include "field_errors.h"
#include "field_schema.h"

#define PAYLOAD_MAX 8900 /* so that a frame with all its headers stays within 9216 bytes */

static const char *const packet_words[] = {
	[PROFILE_SYN] = "syn", [PROFILE_ACK] = "ack", [PROFILE_DATA] = "data",
	[PROFILE_FIN] = "fin", [PROFILE_RST] = "rst", NULL,
};

static const char *const gaps_words[] = {
	[PROFILE_GAPS_FIXED] = "fixed",
	[PROFILE_GAPS_EXPONENTIAL] = "exponential",
	NULL,
};

static const struct field step_fields[] = {
	{"packet", FIELD_ENUM, FIELD_AT(struct profile_step, packet), .choices = packet_words,
	 .required = true, .text = "What the client sends; data is a segment with payload"},
	{"payload", FIELD_UINT, FIELD_AT(struct profile_step, payload_bytes), .max = PAYLOAD_MAX,
	 .text = "Bytes of TCP payload"},
	{"count", FIELD_UINT, FIELD_AT(struct profile_step, count), .min = 1, .max = 10000000,
	 .fallback = 1, .text = "How many of these"},
	{"gap_us", FIELD_UINT, FIELD_AT(struct profile_step, gap_us), .max = 3600000000,
	 .text = "Microseconds from the session's packet before to each of these"},
};
static const struct shape step_shape =
	SHAPE("step", struct profile_step, step_fields, "Packets of one sort");

#define STEPS_MAX 10000

static const struct field kind_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct profile_kind, name), .required = true, .key = true,
	 .text = "What the kind is called in results"},
	{"share", FIELD_UINT, FIELD_AT(struct profile_kind, share), .required = true,
	 .max = 1000000000, .text = "Its share of the sessions, beside the others' shares"},
	{"open", FIELD_OBJECT, FIELD_LIST_AT(struct profile_kind, open.list, open.count),
	 .shape = &step_shape, .list_max = STEPS_MAX, .required = true, .list_min = 1,
	 .text = "How a session begins, or all of it"},
	{"messages", FIELD_UINT, FIELD_AT(struct profile_kind, messages), .fallback = 1,
	 .max = 1000000, .text = "How often the steps of a message follow"},
	{"message", FIELD_OBJECT, FIELD_LIST_AT(struct profile_kind, message.list, message.count),
	 .shape = &step_shape, .list_max = STEPS_MAX, .text = "A message"},
	{"close", FIELD_OBJECT, FIELD_LIST_AT(struct profile_kind, close.list, close.count),
	 .shape = &step_shape, .list_max = STEPS_MAX, .text = "How a session ends"},
};
static const struct shape kind_shape =
	SHAPE("kind", struct profile_kind, kind_fields, "A kind of session");

static const struct field frame_fields[] = {
	{"bytes", FIELD_UINT, FIELD_AT(struct profile_frame, bytes), .required = true, .min = 64,
	 .max = 9000,
	 .text = "Size of a frame, its check sequence included; IPv6 frames have at least 78 "
		 "bytes, "
		 "and each VLAN tag adds 4"},
	{"share", FIELD_UINT, FIELD_AT(struct profile_frame, share), .fallback = 1,
	 .max = 1000000000, .text = "Its share of the frames"},
};
static const struct shape frame_shape =
	SHAPE("frame", struct profile_frame, frame_fields, "Frames of one size");

static const struct field flood_fields[] = {
	{"sessions", FIELD_UINT, FIELD_AT(struct profile_flood, sessions), .required = true,
	 .min = 1, .max = 1 << 24, .text = "How many sessions send"},
	{"zipf_percent", FIELD_UINT, FIELD_AT(struct profile_flood, zipf_percent), .max = 500,
	 .text = "Exponent of the Zipf distribution of packets over sessions, times 100; 0 gives "
		 "all sessions as many"},
	{"frames", FIELD_OBJECT, FIELD_LIST_AT(struct profile_flood, frames, frame_count),
	 .shape = &frame_shape, .list_max = 64, .required = true, .list_min = 1,
	 .text = "Sizes of the frames"},
};
static const struct shape flood_shape = SHAPE("flood", struct profile_flood, flood_fields,
					      "Single segments of sessions that neither begin nor "
					      "end");

static const struct field source_fields[] = {
	{"prefix", FIELD_PREFIX, FIELD_AT(struct profile_source, prefix), .required = true,
	 .key = true, .text = "Where clients are"},
	{"share", FIELD_UINT, FIELD_AT(struct profile_source, share), .fallback = 1,
	 .max = 1000000000, .text = "Its share of the clients of its family"},
};
static const struct shape source_shape =
	SHAPE("source", struct profile_source, source_fields, "Client addresses");

static const struct field service_fields[] = {
	{"address", FIELD_ADDRESS, FIELD_AT(struct profile_service, address), .required = true,
	 .text = "Where clients send to"},
	{"port", FIELD_UINT, FIELD_AT(struct profile_service, port), .fallback = 25, .min = 1,
	 .max = UINT16_MAX, .text = "TCP port"},
	{"share", FIELD_UINT, FIELD_AT(struct profile_service, share), .fallback = 1,
	 .max = 1000000000, .text = "Its share of the sessions of its family"},
};
static const struct shape service_shape =
	SHAPE("service", struct profile_service, service_fields, "A virtual service");

static const struct field profile_fields[] = {
	{"name", FIELD_NAME, FIELD_AT(struct profile, name), .required = true,
	 .text = "What the profile is called in results"},
	{"sessions_per_second", FIELD_UINT, FIELD_AT(struct profile, sessions_per_second),
	 .fallback = 10000, .min = 1, .max = 100000000,
	 .text = "How fast sessions begin in the time of the profile, which decides how many are "
		 "open at once when packets are sent at a rate of their own"},
	{"gaps", FIELD_ENUM, FIELD_AT(struct profile, gaps), .choices = gaps_words,
	 .text = "Whether gaps, and the time from one new session to the next, are as given, or "
		 "exponentially distributed with that mean"},
	{"timestamps", FIELD_BOOL, FIELD_AT(struct profile, timestamps), .fallback = true,
	 .text = "Whether segments carry the TCP options that clients send these days: timestamps, "
		 "and four more in a SYN"},
	{"kinds", FIELD_OBJECT, FIELD_LIST_AT(struct profile, kinds, kind_count),
	 .shape = &kind_shape, .list_max = 256, .text = "Kinds of sessions"},
	{"flood", FIELD_OBJECT, FIELD_AT(struct profile, flood),
	 FIELD_PRESENT(struct profile, has_flood), .shape = &flood_shape,
	 .text = "A flood instead of kinds of sessions"},
	{"sources", FIELD_OBJECT, FIELD_LIST_AT(struct profile, sources, source_count),
	 .shape = &source_shape, .list_max = 100000, .required = true, .list_min = 1,
	 .text = "Prefixes that clients are in"},
	{"clients", FIELD_UINT, FIELD_AT(struct profile, clients), .max = 1 << 24,
	 .fallback = 1 << 16,
	 .text = "How many client addresses there are; 0 draws each session's from all of the "
		 "prefixes"},
	{"clients_zipf_percent", FIELD_UINT, FIELD_AT(struct profile, clients_zipf_percent),
	 .max = 500, .fallback = 100,
	 .text = "Exponent of the Zipf distribution of sessions over clients, times 100"},
	{"services", FIELD_OBJECT, FIELD_LIST_AT(struct profile, services, service_count),
	 .shape = &service_shape, .list_max = 100000, .required = true, .list_min = 1,
	 .text = "Services that sessions go to"},
	{"ipv6_percent", FIELD_UINT, FIELD_AT(struct profile, ipv6_percent), .max = 100,
	 .text = "Share of IPv6 among the sessions"},
	{"vlan", FIELD_UINT, FIELD_LIST_AT(struct profile, vlan, vlan_count), .list_max = 2,
	 .min = 1, .max = 4094, .text = "VLAN ids of the frames, outermost first"},
};
static const struct shape profile_shape =
	SHAPE("profile", struct profile, profile_fields, "Traffic for mailrail-pktgen");

static bool check_families(const struct profile *profile, struct field_errors *errors)
{
	const struct field_path sources = {NULL, "sources", 0}, services = {NULL, "services", 0};
	bool ok = true;

	for (int v6 = 0; v6 <= 1; v6++) {
		const char *family = v6 ? "IPv6" : "IPv4";
		uint64_t source_shares = 0, service_shares = 0;

		if (profile->ipv6_percent == (v6 ? 0 : 100))
			continue;
		for (uint32_t i = 0; i < profile->source_count; i++)
			if (mr_addr_is_v4(&profile->sources[i].prefix.addr) != v6)
				source_shares += profile->sources[i].share;
		for (uint32_t i = 0; i < profile->service_count; i++)
			if (mr_addr_is_v4(&profile->services[i].address) != v6)
				service_shares += profile->services[i].share;
		if (source_shares == 0)
			field_errors_add(errors, &sources, "none of %s has a share", family);
		if (service_shares == 0)
			field_errors_add(errors, &services, "none of %s has a share", family);
		ok &= source_shares > 0 && service_shares > 0;
	}
	return ok;
}

static bool check_kinds(const struct profile *profile, struct field_errors *errors)
{
	const struct field_path kinds = {NULL, "kinds", 0}, flood = {NULL, "flood", 0};
	const struct field_path frames = {&flood, "frames", 0};
	uint64_t shares = 0;

	if (profile->has_flood == (profile->kind_count > 0)) {
		field_errors_add(errors, &kinds, "either these or a flood is wanted");
		return false;
	}
	for (uint32_t i = 0; i < profile->kind_count; i++)
		shares += profile->kinds[i].share;
	for (uint32_t i = 0; i < profile->flood.frame_count; i++)
		shares += profile->flood.frames[i].share;
	if (shares == 0)
		field_errors_add(errors, profile->has_flood ? &frames : &kinds, "none has a share");
	return shares > 0;
}

bool profile_decode(const json_t *json, struct profile *out, struct field_errors *errors)
{
	return shape_decode(&profile_shape, json, NULL, out, errors) && check_kinds(out, errors) &&
	       check_families(out, errors);
}

json_t *profile_read(const char *name_or_path, struct field_errors *errors)
{
	const char *builtin = builtin_profile(name_or_path);
	json_error_t error;
	json_t *json;

	free(errors->source);
	errors->source = strdup(name_or_path);
	if (builtin)
		json = json_loads(builtin, JSON_REJECT_DUPLICATES, &error);
	else
		json = json_load_file(name_or_path, JSON_REJECT_DUPLICATES, &error);
	if (!json && error.line > 0)
		field_errors_add(errors, NULL, "line %d, column %d: %s", error.line, error.column,
				 error.text);
	else if (!json)
		field_errors_add(errors, NULL, "%s", error.text);
	return json;
}

void profile_fini(struct profile *profile)
{
	shape_fini(&profile_shape, profile);
}

json_t *profile_schema(void)
{
	return shape_schema(&profile_shape, FIELD_SCHEMA_PLAIN);
}
