/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers that can be had again: each is a function of a seed and a place. */
#ifndef MAILRAIL_PKTGEN_RANDOM_H
#define MAILRAIL_PKTGEN_RANDOM_H

#include <stdint.h>

/* The output function of SplitMix64 (Steele, Lea, Flood, 2014): a permutation that mixes well. */
static inline uint64_t random_mix(uint64_t value)
{
	value += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

#endif
