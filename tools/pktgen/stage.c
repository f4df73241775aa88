/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

/* What cards take to agree with their switch, at most. */
#define LINK_SECONDS 9
#define LINK_POLL_US 1000

/* A core that only receives can be had once there are two. */
static uint32_t count_senders(const struct pktgen_options *options, bool receives)
{
	const uint32_t workers = rte_lcore_count() - 1;

	if (strcmp(options->tx, "none") == 0)
		return 0;
	return receives && workers > 1 ? workers - 1 : workers;
}

/* What was not said: port 1, or the one that sends. */
static uint32_t choose_rx(const struct pktgen_options *options, const char **out)
{
	if (options->rx_count == 0) {
		out[0] = rte_eth_dev_is_valid_port(1) ? "1" : options->tx;
		return strcmp(out[0], "none") != 0;
	}
	if (options->rx_count == 1 && strcmp(options->rx[0], "none") == 0)
		return 0;
	memcpy(out, options->rx, options->rx_count * sizeof(*out));
	return options->rx_count;
}

static int open_nic(struct stage *stage, const char *name, uint16_t tx_queues, uint16_t rx_queues,
		    uint16_t frame_bytes_max, struct mr_error *error)
{
	const struct nic_config config = {name, tx_queues, rx_queues, frame_bytes_max};
	const int rc = nic_open(&stage->nics[stage->nic_count], &config, error);

	if (rc == 0)
		stage->nic_count++;
	return rc;
}

/*
 * Every port is opened with a queue in each direction, because not every driver does with less.
 * The one that sends has as many to receive: a ring that leads back to itself has pairs.
 */
int stage_open(struct stage *stage, const struct pktgen_options *options, uint16_t frame_bytes_max,
	       struct mr_error *error)
{
	const char *rx[RECEIVER_NICS_MAX];
	const uint32_t rx_count = choose_rx(options, rx);
	int rc = 0;

	*stage = (struct stage){.receiver.gue_port = options->gue_port};
	if (rte_lcore_count() < 2)
		return mr_error_set(error, -EINVAL,
				    "no core to work on: EAL needs a second lcore, as in "
				    "--lcores '0@0,1@1'");
	stage->sender_count = count_senders(options, rx_count > 0);
	if (stage->sender_count == 0 && rx_count == 0)
		return mr_error_set(error, -EINVAL,
				    "nothing to send to, and nothing to receive "
				    "from");
	if (stage->sender_count > 0) {
		const uint16_t queues = (uint16_t)stage->sender_count;

		rc = open_nic(stage, options->tx, queues, queues, frame_bytes_max, error);
		stage->tx = &stage->nics[0];
	}
	for (uint32_t i = 0; i < rx_count && rc == 0; i++) {
		const bool is_tx = stage->tx && strcmp(rx[i], options->tx) == 0;
		const struct nic *nic = is_tx ? stage->tx : &stage->nics[stage->nic_count];

		if (!is_tx)
			rc = open_nic(stage, rx[i], 1, 1, frame_bytes_max, error);
		if (rc == 0)
			stage->receiver.nics[stage->receiver.nic_count++] = nic;
	}
	if (rc == 0 && rx_count > 0) {
		stage->receiver.witness = witness_create(options->backends_by);
		if (!stage->receiver.witness)
			rc = mr_error_set(error, -ENOMEM, "no memory to remember sessions");
	}
	if (rc < 0)
		stage_close(stage);
	return rc;
}

void stage_close(struct stage *stage)
{
	for (uint32_t i = 0; i < stage->nic_count; i++)
		nic_close(&stage->nics[i]);
	witness_destroy(stage->receiver.witness);
	*stage = (struct stage){0};
}

int stage_wait_for_links(const struct stage *stage, struct mr_error *error)
{
	const uint64_t until = rte_rdtsc() + LINK_SECONDS * rte_get_tsc_hz();

	for (uint32_t i = 0; i < stage->nic_count; i++) {
		while (!nic_has_link(&stage->nics[i])) {
			if (trial_is_stopped() || rte_rdtsc() >= until)
				return mr_error_set(error, -ENETDOWN, "port %u has no link",
						    stage->nics[i].port);
			rte_delay_us_sleep(LINK_POLL_US);
		}
	}
	return 0;
}

struct rte_ether_addr stage_mac(const struct stage *stage, const struct pktgen_options *options)
{
	if (options->has_from || !stage->tx)
		return options->from;
	return stage->tx->mac;
}
