/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <rte_tcp.h>

#define STEPS_MAX 50000000

/* Payload that fills an IPv4 packet of 1500 bytes, and what IPv6's longer header takes of it. */
#define FULL_PAYLOAD	 (1500 - 20 - 20)
#define TIMESTAMPS_BYTES 12
#define V6_HEADER_MORE	 20

static const uint8_t flags_of[] = {
	[PROFILE_SYN] = RTE_TCP_SYN_FLAG,
	[PROFILE_ACK] = RTE_TCP_ACK_FLAG,
	[PROFILE_DATA] = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG,
	[PROFILE_FIN] = RTE_TCP_ACK_FLAG | RTE_TCP_FIN_FLAG,
	[PROFILE_RST] = RTE_TCP_RST_FLAG,
};

static uint64_t steps_of(const struct profile_kind *kind)
{
	return (uint64_t)kind->open.count + (uint64_t)kind->messages * kind->message.count +
	       kind->close.count;
}

static struct script_step *add(struct script_step *out, const struct profile_steps *steps)
{
	for (uint32_t i = 0; i < steps->count; i++) {
		const struct profile_step *step = &steps->list[i];

		*out++ = (struct script_step){
			.count = step->count,
			.gap_us = step->gap_us,
			.payload_bytes = step->payload_bytes,
			.tcp_flags = flags_of[step->packet],
		};
	}
	return out;
}

static struct script_step *add_kind(struct script_step *out, const struct profile_kind *kind)
{
	out = add(out, &kind->open);
	for (uint32_t i = 0; i < kind->messages; i++)
		out = add(out, &kind->message);
	out = add(out, &kind->close);
	out[-1].last = true;
	return out;
}

static int create_draw(struct scripts *scripts, const struct profile *profile)
{
	double *weights = calloc(profile->kind_count, sizeof(*weights));
	int rc;

	if (!weights)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->kind_count; i++)
		weights[i] = profile->kinds[i].share;
	rc = draw_create(&scripts->kind_draw, weights, profile->kind_count);
	free(weights);
	return rc;
}

static uint16_t payload_max(const struct profile_steps *steps, uint16_t max)
{
	for (uint32_t i = 0; i < steps->count; i++)
		if (steps->list[i].payload_bytes > max)
			max = steps->list[i].payload_bytes;
	return max;
}

/* A profile with larger packets than usual means a larger MTU, and its largest to fill it. */
static uint16_t v6_payload_max(const struct profile *profile)
{
	uint16_t max = FULL_PAYLOAD - (profile->timestamps ? TIMESTAMPS_BYTES : 0);

	for (uint32_t i = 0; i < profile->kind_count; i++) {
		max = payload_max(&profile->kinds[i].open, max);
		max = payload_max(&profile->kinds[i].message, max);
		max = payload_max(&profile->kinds[i].close, max);
	}
	return max - V6_HEADER_MORE;
}

int scripts_create(struct scripts *scripts, const struct profile *profile)
{
	uint64_t total = 0;
	struct script_step *next;
	int rc;

	*scripts = (struct scripts){
		.kind_count = profile->kind_count,
		.exponential = profile->gaps == PROFILE_GAPS_EXPONENTIAL,
		.v6_payload_max = v6_payload_max(profile),
	};
	for (uint32_t i = 0; i < profile->kind_count; i++)
		total += steps_of(&profile->kinds[i]);
	if (total == 0)
		return -EINVAL;
	if (total > STEPS_MAX)
		return -E2BIG;
	rc = create_draw(scripts, profile);
	scripts->steps = calloc(total, sizeof(*scripts->steps));
	scripts->first = calloc(profile->kind_count, sizeof(*scripts->first));
	if (rc == 0 && (!scripts->steps || !scripts->first))
		rc = -ENOMEM;
	if (rc < 0) {
		scripts_destroy(scripts);
		return rc;
	}
	next = scripts->steps;
	for (uint32_t i = 0; i < profile->kind_count; i++) {
		scripts->first[i] = (uint32_t)(next - scripts->steps);
		next = add_kind(next, &profile->kinds[i]);
	}
	return 0;
}

void scripts_destroy(struct scripts *scripts)
{
	draw_destroy(&scripts->kind_draw);
	free(scripts->steps);
	free(scripts->first);
	*scripts = (struct scripts){0};
}

uint64_t scripts_gap(const struct scripts *scripts, uint64_t mean, uint64_t random)
{
	if (!scripts->exponential || mean == 0)
		return mean;
	return (uint64_t)((double)mean * -log(((double)(random >> 12) + 1) * 0x1p-52));
}
