/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap_output.h"

#include <errno.h>

#include <pcap/pcap.h>
#include <rte_cycles.h>

#define FLOOD_PERIOD_NS 1000

static void dump(pcap_dumper_t *dumper, struct traffic *traffic, const struct wire *wire,
		 uint64_t packets, uint64_t until_ns)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct planned planned;
	struct mr_tuple tuple;

	for (uint64_t i = 0; packets == 0 || i < packets; i++) {
		struct pcap_pkthdr header;

		if (!traffic_next(traffic, until_ns, &planned))
			return;
		if (traffic->is_flood)
			planned.time_ns = i * FLOOD_PERIOD_NS;
		if (planned.time_ns > until_ns)
			return;
		clients_tuple(&traffic->plan->clients, planned.serial, &tuple);
		header = (struct pcap_pkthdr){
			.ts = {(time_t)(planned.time_ns / NS_PER_S),
			       (suseconds_t)(planned.time_ns % NS_PER_S)},
			.caplen = wire_write(wire, &planned, &tuple, planned.time_ns, frame),
		};
		header.len = header.caplen;
		pcap_dump((void *)dumper, &header, frame);
	}
}

int pcap_output(const char *path, struct traffic *traffic, const struct wire *wire,
		uint64_t packets, double seconds, struct mr_error *error)
{
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, WIRE_FRAME_MAX,
							    PCAP_TSTAMP_PRECISION_NANO);
	const uint64_t until_ns = packets > 0 ? UINT64_MAX : (uint64_t)(seconds * 1e9);
	pcap_dumper_t *dumper;
	int rc = 0;

	if (!pcap)
		return mr_error_set(error, -ENOMEM, "no memory");
	dumper = pcap_dump_open(pcap, path);
	if (!dumper) {
		rc = mr_error_set(error, -EIO, "%s", pcap_geterr(pcap));
		pcap_close(pcap);
		return rc;
	}
	dump(dumper, traffic, wire, packets, until_ns);
	if (pcap_dump_flush(dumper) < 0 || ferror(pcap_dump_file(dumper)))
		rc = mr_error_set(error, -EIO, "%s: cannot be written", path);
	pcap_dump_close(dumper);
	pcap_close(pcap);
	return rc;
}
