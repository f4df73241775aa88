/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <inttypes.h>
#include <math.h>

#include <rte_cycles.h>

#define HEADING_EVERY 20
/* What the wire carries beside a frame: check sequence, preamble, and the gap between frames. */
#define WIRE_OVERHEAD (4 + 8 + 12)

static double mpps(uint64_t packets, double seconds)
{
	return seconds > 0 ? (double)packets / seconds / 1e6 : 0;
}

static double gbits(uint64_t packets, uint64_t bytes, double seconds)
{
	return seconds > 0 ? (double)(bytes + packets * WIRE_OVERHEAD) * 8 / seconds / 1e9 : 0;
}

static double microseconds(uint64_t cycles)
{
	return (double)cycles * 1e6 / (double)rte_get_tsc_hz();
}

void report_progress(void *context, const struct trial_counts *now, const struct trial_counts *last)
{
	const double seconds = now->seconds - last->seconds;
	const uint64_t sent = now->sent.packets - last->sent.packets;
	const uint64_t seen = now->seen.packets - last->seen.packets;
	FILE *stream = context;

	if ((uint32_t)lround(now->seconds) % HEADING_EVERY == 1)
		fprintf(stream, "%6s %9s %8s %9s %8s %9s %9s %9s %7s\n", "second", "sent Mpps",
			"Gbit/s", "seen Mpps", "Gbit/s", "open", "begun/s", "missing", "broken");
	fprintf(stream,
		"%6.0f %9.3f %8.3f %9.3f %8.3f %9" PRIu64 " %9.0f %9" PRIu64 " %7" PRIu64 "\n",
		now->seconds, mpps(sent, seconds),
		gbits(sent, now->sent.bytes - last->sent.bytes, seconds), mpps(seen, seconds),
		gbits(seen, now->seen.bytes - last->seen.bytes, seconds), now->open,
		seconds > 0 ? (double)(now->begun - last->begun) / seconds : 0, now->seen.missing,
		now->seen.broken_sessions);
	fflush(stream);
}

static const double percents[] = {50, 90, 99, 99.9, 99.99};
static const char *const percent_names[] = {"p50", "p90", "p99", "p99.9", "p99.99"};

static void print_latency(FILE *stream, const struct histogram *latency)
{
	fprintf(stream, "latency    us:");
	for (uint32_t i = 0; i < RTE_DIM(percents); i++)
		fprintf(stream, " %s %.1f,", percent_names[i],
			microseconds(histogram_percentile(latency, percents[i])));
	fprintf(stream, " max %.1f\n", microseconds(latency->max));
}

static void print_backends(FILE *stream, const struct witness *witness)
{
	const struct roster *roster = &witness->roster;
	char text[ROSTER_TEXT_MAX];

	for (uint32_t i = 0; i <= ROSTER_OTHERS; i++) {
		const struct roster_backend *backend = &roster->backends[i];

		if (backend->packets == 0)
			continue;
		roster_format(roster, i, text);
		fprintf(stream,
			"backend    %-17s %" PRIu64 " packets (%.2f %%), %" PRIu64
			" sessions (%.2f %%)\n",
			text, backend->packets,
			(double)backend->packets * 100 / (double)witness->counts.packets,
			backend->sessions,
			(double)backend->sessions * 100 / (double)witness->counts.sessions);
	}
}

static void print_sent(FILE *stream, const struct trial_counts *counts)
{
	fprintf(stream, "sent       %" PRIu64 " packets in %.2f s: %.3f Mpps, %.3f Gbit/s\n",
		counts->sent.packets, counts->seconds, mpps(counts->sent.packets, counts->seconds),
		gbits(counts->sent.packets, counts->sent.bytes, counts->seconds));
	if (counts->begun > 0)
		fprintf(stream, "sessions   %" PRIu64 " begun, %" PRIu64 " open at the end\n",
			counts->begun, counts->open);
	if (counts->crowded_out > 0)
		fprintf(stream, "           %" PRIu64 " found no place: raise --open\n",
			counts->crowded_out);
	if (counts->sent.polls_refused > 0)
		fprintf(stream, "           the port could not take a burst %" PRIu64 " times\n",
			counts->sent.polls_refused);
}

void report_summary(FILE *stream, const struct trial_counts *counts, const struct witness *witness,
		    bool sent)
{
	const struct witness_counts *seen = &counts->seen;

	if (sent)
		print_sent(stream, counts);
	if (!witness)
		return;
	fprintf(stream, "received   %" PRIu64 " packets: %.3f Mpps; %" PRIu64 " strangers\n",
		seen->packets, mpps(seen->packets, counts->seconds), seen->strangers);
	if (sent)
		fprintf(stream, "lost       %" PRIu64 " packets (%.6f %%)\n", trial_lost(counts),
			counts->sent.packets > 0
				? (double)trial_lost(counts) * 100 / (double)counts->sent.packets
				: 0);
	fprintf(stream,
		"order      %" PRIu64 " missing, %" PRIu64 " reordered, %" PRIu64
		" duplicates, %" PRIu64 " too late to tell\n",
		seen->missing, seen->reordered, seen->duplicates, seen->unsure);
	if (seen->moved_syns > 0)
		fprintf(stream, "           %" PRIu64 " SYNs repeated at another backend\n",
			seen->moved_syns);
	fprintf(stream, "broken     %" PRIu64 " of %" PRIu64 " sessions (%" PRIu64 " packets)\n",
		seen->broken_sessions, seen->sessions, seen->broken_packets);
	print_backends(stream, witness);
	if (witness->latency.total > 0)
		print_latency(stream, &witness->latency);
}

static json_t *sent_json(const struct trial_counts *counts)
{
	return json_pack("{s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I}", "packets",
			 (json_int_t)counts->sent.packets, "bytes", (json_int_t)counts->sent.bytes,
			 "packets_per_second", mpps(counts->sent.packets, counts->seconds) * 1e6,
			 "wire_bits_per_second",
			 gbits(counts->sent.packets, counts->sent.bytes, counts->seconds) * 1e9,
			 "sessions_begun", (json_int_t)counts->begun, "sessions_open",
			 (json_int_t)counts->open, "sessions_crowded_out",
			 (json_int_t)counts->crowded_out, "polls_refused",
			 (json_int_t)counts->sent.polls_refused);
}

static json_t *seen_json(const struct trial_counts *counts)
{
	const struct witness_counts *seen = &counts->seen;

	return json_pack(
		"{s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "packets",
		(json_int_t)seen->packets, "bytes", (json_int_t)seen->bytes, "packets_per_second",
		mpps(seen->packets, counts->seconds) * 1e6, "strangers",
		(json_int_t)seen->strangers, "missing", (json_int_t)seen->missing, "reordered",
		(json_int_t)seen->reordered, "duplicates", (json_int_t)seen->duplicates, "unsure",
		(json_int_t)seen->unsure, "sessions", (json_int_t)seen->sessions, "moved_syns",
		(json_int_t)seen->moved_syns, "broken_sessions", (json_int_t)seen->broken_sessions,
		"broken_packets", (json_int_t)seen->broken_packets);
}

static json_t *latency_json(const struct histogram *latency)
{
	json_t *json = json_object();

	for (uint32_t i = 0; i < RTE_DIM(percents); i++)
		json_object_set_new(
			json, percent_names[i],
			json_real(microseconds(histogram_percentile(latency, percents[i])) * 1e3));
	json_object_set_new(json, "max", json_real(microseconds(latency->max) * 1e3));
	if (latency->total > 0)
		json_object_set_new(json, "mean",
				    json_real(microseconds(latency->sum / latency->total) * 1e3));
	return json;
}

static json_t *backends_json(const struct roster *roster)
{
	json_t *list = json_array();
	char text[ROSTER_TEXT_MAX];

	for (uint32_t i = 0; i <= ROSTER_OTHERS; i++) {
		if (roster->backends[i].packets == 0)
			continue;
		roster_format(roster, i, text);
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:I}", "backend", text, "packets",
						(json_int_t)roster->backends[i].packets, "sessions",
						(json_int_t)roster->backends[i].sessions));
	}
	return list;
}

json_t *report_json(const char *profile, const struct trial_counts *counts,
		    const struct witness *witness, bool sent)
{
	json_t *json = json_pack("{s:s, s:f}", "profile", profile, "seconds", counts->seconds);

	if (sent)
		json_object_set_new(json, "sent", sent_json(counts));
	if (!witness)
		return json;
	json_object_set_new(json, "received", seen_json(counts));
	if (sent)
		json_object_set_new(json, "lost", json_integer((json_int_t)trial_lost(counts)));
	json_object_set_new(json, "backends", backends_json(&witness->roster));
	json_object_set_new(json, "latency_ns", latency_json(&witness->latency));
	return json;
}
