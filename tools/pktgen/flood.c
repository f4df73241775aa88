/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_tcp.h>

#include "random.h"

static int create_frames(struct flood *flood, const struct profile_flood *profile)
{
	double *weights = calloc(profile->frame_count, sizeof(*weights));
	int rc = -ENOMEM;

	flood->frame_bytes = calloc(profile->frame_count, sizeof(*flood->frame_bytes));
	if (weights && flood->frame_bytes) {
		for (uint32_t i = 0; i < profile->frame_count; i++) {
			flood->frame_bytes[i] =
				(uint16_t)(profile->frames[i].bytes - RTE_ETHER_CRC_LEN);
			weights[i] = profile->frames[i].share;
		}
		rc = draw_create(&flood->frame_draw, weights, profile->frame_count);
	}
	free(weights);
	return rc;
}

int flood_create(struct flood *flood, const struct profile_flood *profile, uint32_t first_slot,
		 uint32_t slot_count, uint64_t seed)
{
	int rc;

	*flood = (struct flood){
		.first_slot = first_slot,
		.slot_count = slot_count,
		.seed = random_mix(seed + first_slot),
		.numbers = calloc(slot_count, sizeof(*flood->numbers)),
	};
	rc = flood->numbers ? create_frames(flood, profile) : -ENOMEM;
	if (rc == 0 && profile->zipf_percent > 0)
		rc = draw_create_zipf(&flood->session_draw, slot_count,
				      profile->zipf_percent / 100.0);
	if (rc < 0)
		flood_destroy(flood);
	return rc;
}

void flood_destroy(struct flood *flood)
{
	free(flood->numbers);
	free(flood->frame_bytes);
	draw_destroy(&flood->frame_draw);
	draw_destroy(&flood->session_draw);
	*flood = (struct flood){0};
}

void flood_next(struct flood *flood, struct planned *out)
{
	const uint64_t random = random_mix(flood->seed + flood->sent++);
	uint32_t slot, frame;

	if (flood->session_draw.count > 0)
		slot = draw_pick(&flood->session_draw, random);
	else
		slot = (uint32_t)((random >> 32) * flood->slot_count >> 32);
	frame = flood->frame_draw.count > 1 ? draw_pick(&flood->frame_draw, random_mix(random)) : 0;
	*out = (struct planned){
		.serial = flood->first_slot + slot,
		.session = planned_session(flood->first_slot + slot, 0),
		.number = flood->numbers[slot]++,
		.frame_bytes = flood->frame_bytes[frame],
		.tcp_flags = RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG,
	};
}
