/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the steering programs: every kind that they tell apart, taken and left, as they
 * should be on an interface whose ports have no tags, tag 100, and tags 200 and 300; and what the
 * programs' maps hold then.
 */
#ifndef MAILRAIL_TESTS_STEER_FRAMES_H
#define MAILRAIL_TESTS_STEER_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEER_CLIENT   "192.0.2.7"
#define STEER_SERVICE  "10.0.0.10"
#define STEER_PROBER   "10.0.0.1"
#define STEER_BACKEND  "10.0.1.5"
#define STEER_CLIENT6  "2001:db8:7::7"
#define STEER_SERVICE6 "2001:db8::10"
#define STEER_PROBER6  "2001:db8::1"
#define STEER_BACKEND6 "2001:db8:1::5"
/* Of the services and of what nat backends answer from. */
#define STEER_PORT 25

/* The kernel takes the frames of test runs for the loopback interface's, which has this MAC. */
#define STEER_OUR_MAC	  "\0\0\0\0\0\0"
#define STEER_ANOTHER_MAC "\x02\0\0\0\0\x09"

#define STEER_RECIPE_TAGS 3

struct steer_tag {
	uint16_t type;
	uint16_t tci;
};

/* What a frame, or a packet that an ICMP error quotes, is made of. Zero: as it should be. */
struct steer_recipe {
	const char *what;
	bool taken;
	const char *source;
	const char *destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t protocol;	 /* 0: TCP, or ICMP with @quoted */
	const char *extensions;	 /* IPv6: one letter each, extension_kinds[] */
	uint8_t option_words;	 /* IPv4 */
	uint16_t fragment;	 /* IPv4: flags and offset */
	uint8_t version_and_ihl; /* IPv4 */
	uint8_t version;	 /* IPv6 */
	int length_error;	 /* added to the IP header's length */
	uint8_t icmp_type;
	const struct steer_recipe *quoted;
	const char *mac;
	uint16_t ethertype;
	struct steer_tag tags[STEER_RECIPE_TAGS]; /* type 0: no more */
	uint8_t padding;			  /* bytes behind the packet */
};

struct steer_frame {
	uint8_t bytes[2048];
	uint32_t length;
	uint32_t l3_offset;
	uint32_t needed; /* bytes without which it is not taken */
	bool is_v6;
};

/* NULL: there are no more. */
const struct steer_recipe *steer_recipe_at(size_t index);

struct steer_frame steer_frame_of(const struct steer_recipe *recipe);

struct bpf_object;

/* Enters services, nat backends, prober and tags into the maps of a steering program. */
void steer_fill_maps(const struct bpf_object *program);

/* Has the IP header say that the packet ends where the frame does. */
void steer_frame_fit(struct steer_frame *frame);

#endif
