/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include "path_world.h"

struct bare {
	struct rig *rig;
	uint32_t count;
	struct rte_mbuf *mbufs[BURST_SIZE];
	uint64_t forwarded;
};

static void run_receive(void *self)
{
	struct bare *bare = self;

	bare->count = rte_eth_rx_burst(bare->rig->ports[0].ethdev, 0, bare->mbufs, BURST_SIZE);
	for (uint32_t i = 0; i < bare->count; i++)
		rte_prefetch0(rte_pktmbuf_mtod(bare->mbufs[i], void *));
}

static void run_swap(void *self)
{
	struct bare *bare = self;

	for (uint32_t i = 0; i < bare->count; i++) {
		struct rte_ether_hdr *ethernet =
			rte_pktmbuf_mtod(bare->mbufs[i], struct rte_ether_hdr *);
		const struct rte_ether_addr station = ethernet->src_addr;

		ethernet->src_addr = ethernet->dst_addr;
		ethernet->dst_addr = station;
	}
}

static void run_transmit(void *self)
{
	struct bare *bare = self;

	bare->forwarded += rte_eth_tx_burst(bare->rig->ports[PATH_TX_PORT].ethdev, 0, bare->mbufs,
					    (uint16_t)bare->count);
}

static uint64_t forwarded(const void *self)
{
	const struct bare *bare = self;

	return bare->forwarded;
}

struct subject bare_create(struct rig *rig)
{
	struct bare *bare = calloc(1, sizeof(*bare));

	if (bare == NULL) {
		fputs("bench: no memory for a burst\n", stderr);
		exit(EXIT_FAILURE);
	}
	bare->rig = rig;
	return (struct subject){
		.name = "bare",
		.self = bare,
		.steps = {{"receive", run_receive}, {"swap", run_swap}, {"transmit", run_transmit}},
		.step_count = 3,
		.forwarded = forwarded,
	};
}

void bare_destroy(struct subject *subject)
{
	free(subject->self);
	subject->self = NULL;
}
