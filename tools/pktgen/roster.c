/* SPDX-License-Identifier: BSD-3-Clause */
#include "roster.h"

#include <string.h>

#include "address_text.h"
#include "random.h"

static struct mr_addr key_of(const struct roster *roster, const struct dissected *packet)
{
	struct mr_addr key = {0};

	switch (roster->by) {
	case ROSTER_BY_MAC:
		memcpy(key.bytes, packet->to.addr_bytes, sizeof(packet->to.addr_bytes));
		return key;
	case ROSTER_BY_OUTER:
		return packet->outer;
	case ROSTER_BY_ADDRESS:
		return packet->inner;
	}
	return key;
}

static uint32_t hash(const struct mr_addr *key)
{
	uint64_t halves[2];

	memcpy(halves, key->bytes, sizeof(halves));
	return (uint32_t)(random_mix(halves[0] ^ random_mix(halves[1])) % ROSTER_BUCKETS);
}

uint16_t roster_find(struct roster *roster, const struct dissected *packet)
{
	const struct mr_addr key = key_of(roster, packet);
	uint32_t bucket = hash(&key);

	while (roster->buckets[bucket] != 0) {
		const uint16_t place = (uint16_t)(roster->buckets[bucket] - 1);

		if (mr_addr_equal(&roster->backends[place].key, &key))
			return place;
		bucket = (bucket + 1) % ROSTER_BUCKETS;
	}
	if (roster->count == ROSTER_MAX)
		return ROSTER_OTHERS;
	roster->backends[roster->count].key = key;
	roster->buckets[bucket] = (uint16_t)++roster->count;
	return (uint16_t)(roster->count - 1);
}

void roster_format(const struct roster *roster, uint32_t backend, char *out)
{
	struct rte_ether_addr mac;

	if (backend == ROSTER_OTHERS) {
		strcpy(out, "others");
	} else if (roster->by == ROSTER_BY_MAC) {
		memcpy(&mac, roster->backends[backend].key.bytes, sizeof(mac));
		mac_format(&mac, out);
	} else {
		address_format(&roster->backends[backend].key, out);
	}
}
