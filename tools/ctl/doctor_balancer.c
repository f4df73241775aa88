/* SPDX-License-Identifier: BSD-3-Clause */
/* The running balancer: who is reached, what is lost, and what somebody has to finish. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ctl_result.h"
#include "doctor.h"
#include "doctor_files.h"

#define ETHERNET_MTU_BYTES   1500
#define CERTIFICATE_WARN_S   (14 * 24 * 3600)
#define NEARLY_FULL_PERCENT  75
#define NEARLY_BUSY_PERMILLE 900

static void check_answer(const struct doctor_facts *facts, struct doctor_finding *out)
{
	if (facts->node)
		doctor_find(out, DOCTOR_OK, NULL, "%s, version %s, generation %" PRIu64,
			    text(facts->node, "name"), text(facts->node, "version"),
			    number(facts->node, "generation"));
	else
		doctor_find(out, DOCTOR_WARN,
			    "Only the machine is checked. Start mailraild, or say --socket PATH.",
			    "no balancer answers");
}

static void check_services(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *service;

	json_array_foreach (facts->services, i, service) {
		if (number(service, "serving") == 0)
			doctor_find(
				out, DOCTOR_FAIL,
				"Clients are refused: enable backends of its pool, or mend them "
				"(mailrailctl health list).",
				"%s has no backend for new sessions", text(service, "name"));
		else if (number(service, "serving") < number(service, "backends"))
			doctor_find(out, DOCTOR_WARN, "mailrailctl backend list says why.",
				    "%s: %" PRIu64 " of %" PRIu64 " backends get sessions",
				    text(service, "name"), number(service, "serving"),
				    number(service, "backends"));
	}
	if (json_array_size(facts->services) > 0)
		doctor_find(out, DOCTOR_OK, NULL, "%zu, and every backend gets sessions",
			    json_array_size(facts->services));
}

/* Probes travel as mail does, through the workers to the service address. */
static void check_backends(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *backend;

	json_array_foreach (facts->backends, i, backend) {
		const char *health = text(backend, "health");

		if (strcmp(health, "up") == 0 || strcmp(text(backend, "state"), "disabled") == 0)
			continue;
		doctor_find(out, strcmp(health, "down") == 0 ? DOCTOR_FAIL : DOCTOR_WARN,
			    "Mend the server, or its way: mailrailctl health show POOL/BACKEND has "
			    "the dialogue, backend prepare the commands that make it ready.",
			    "%s/%s is %s: %s", text(backend, "pool"), text(backend, "name"), health,
			    text(backend, "reason"));
	}
	if (json_array_size(facts->backends) > 0)
		doctor_find(out, DOCTOR_OK, NULL, "all are reached");
}

static void check_neighbours(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *backend;

	json_array_foreach (facts->backends, i, backend)
		if (!json_object_get(backend, "next_hop"))
			doctor_find(
				out, DOCTOR_FAIL,
				"ip route get ADDRESS and ip neigh show have to lead there by a "
				"port; with l2dsr it has to be on the port's own network.",
				"%s/%s: no Ethernet address for %s", text(backend, "pool"),
				text(backend, "name"), text(backend, "address"));
	if (json_array_size(facts->backends) > 0)
		doctor_find(out, DOCTOR_OK, NULL, "every next hop is known");
}

static const json_t *pool_of(const struct doctor_facts *facts, const char *name)
{
	size_t i;
	json_t *pool;

	json_array_foreach (json_object_get(facts->config, "pools"), i, pool)
		if (strcmp(text(pool, "name"), name) == 0)
			return pool;
	return NULL;
}

/* What a client sends without asking: TCP in packets of an Ethernet. */
static void check_mtu(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *backend;

	json_array_foreach (facts->backends, i, backend) {
		const json_t *pool = pool_of(facts, text(backend, "pool"));
		const uint64_t fits = number(backend, "packet_max_bytes");
		const uint64_t mss = number(pool, "mss_max");

		if (!json_object_get(backend, "path_mtu_bytes"))
			continue;
		if (!json_object_get(backend, "packet_max_bytes"))
			doctor_find(out, DOCTOR_FAIL,
				    "Widen the path: MTU of port, switches and server.",
				    "%s/%s: %" PRIu64 " bytes are too few for %s",
				    text(backend, "pool"), text(backend, "name"),
				    number(backend, "path_mtu_bytes"), text(backend, "forwarding"));
		else if (fits < ETHERNET_MTU_BYTES && (mss == 0 || mss + 40 > fits))
			doctor_find(
				out, DOCTOR_WARN,
				"Widen the path by the outer headers (MTU of port, switches and "
				"server), or lower the segments: pool set POOL mss_max=N.",
				"%s/%s takes packets of %" PRIu64 " bytes", text(backend, "pool"),
				text(backend, "name"), fits);
		else
			doctor_find(out, DOCTOR_OK, NULL, "packets of clients fit everywhere");
	}
}

static void check_pins(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const json_t *pins = json_object_get(facts->stats, "pins");
	const uint64_t count = number(pins, "count"), budget = number(pins, "budget");
	const uint64_t at_risk = number(json_object_get(facts->stats, "total"), "sessions_at_risk");

	if (!facts->stats)
		return;
	if (at_risk > 0)
		doctor_find(out, DOCTOR_FAIL,
			    "Raise sessions.pins and start mailraild again, or look who floods: "
			    "mailrailctl session list.",
			    "%" PRIu64 " sessions may break", at_risk);
	if (count * 100 > budget * NEARLY_FULL_PERCENT)
		doctor_find(out, DOCTOR_WARN, "Raise sessions.pins and start mailraild again.",
			    "%" PRIu64 " of %" PRIu64, count, budget);
	doctor_find(out, DOCTOR_OK, NULL, "%" PRIu64 " of %" PRIu64, count, budget);
}

static void check_limits(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *limit;

	json_array_foreach (json_object_get(facts->stats, "limits"), i, limit)
		if (number(limit, "used") * 100 > number(limit, "max") * NEARLY_FULL_PERCENT)
			doctor_find(out, DOCTOR_WARN, "Spread services and pools over more nodes.",
				    "%s: %" PRIu64 " of %" PRIu64, text(limit, "name"),
				    number(limit, "used"), number(limit, "max"));
	if (facts->stats)
		doctor_find(out, DOCTOR_OK, NULL, "far");
}

static void check_losses(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const json_t *verdicts =
		json_object_get(json_object_get(facts->stats, "total"), "verdicts");
	size_t i;
	json_t *port;

	if (!facts->stats)
		return;
	json_array_foreach (json_object_get(facts->stats, "ports"), i, port)
		if (number(port, "rx_missed") > 0)
			doctor_find(out, DOCTOR_WARN,
				    "Workers came too late: more workers.cores, or cores of their "
				    "own; mailrailctl worker list shows how busy they are.",
				    "port %s missed %" PRIu64 " packets since the start",
				    text(port, "name"), number(port, "rx_missed"));
	if (number(verdicts, "drop_tx_full") > 0)
		doctor_find(out, DOCTOR_WARN,
			    "The port sends slower than packets come: a faster link, or longer "
			    "queues (ethtool -G).",
			    "%" PRIu64 " packets found a full transmit queue since the start",
			    number(verdicts, "drop_tx_full"));
	doctor_find(out, DOCTOR_OK, NULL, "none");
}

static void check_load(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *worker;

	json_array_foreach (facts->workers, i, worker) {
		const uint64_t busy =
			number(json_object_get(worker, "last_minute"), "busy_permille");

		if (busy > NEARLY_BUSY_PERMILLE)
			doctor_find(out, DOCTOR_WARN, "Add cores: workers.cores, and a queue each.",
				    "core %" PRIu64 " was busy for %" PRIu64
				    "%% of the last minute",
				    number(worker, "core"), busy / 10);
	}
	if (json_array_size(facts->workers) > 0)
		doctor_find(out, DOCTOR_OK, NULL, "every worker has room");
}

static void check_file(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const json_t *changes = json_object_get(facts->diff, "changes");

	if (!facts->diff)
		return;
	if (json_array_size(changes) == 0)
		doctor_find(out, DOCTOR_OK, NULL, "says what is in force");
	else
		doctor_find(out, DOCTOR_WARN,
			    "mailrailctl config diff shows how; config reload applies the file, "
			    "config apply of config get keeps what is in force.",
			    "differs from what is in force: %s%s",
			    text(json_array_get(changes, 0), "path"),
			    json_array_size(changes) > 1 ? ", and more" : "");
}

static void check_confirmation(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const uint64_t left = number(facts->history, "unconfirmed_ms");

	if (!facts->history)
		return;
	if (left > 0)
		doctor_find(out, DOCTOR_WARN, "mailrailctl config confirm keeps it.",
			    "generation %" PRIu64 " is rolled back in %s",
			    number(facts->node, "generation"), time_text(left).text);
	else
		doctor_find(out, DOCTOR_OK, NULL, "nothing waits for one");
}

/* -1: it cannot be read. */
static int read_expiry(const char *root, const char *path, int64_t *out_s)
{
	char name[4096];
	X509 *certificate;
	struct tm expiry;
	FILE *file;
	int rc = -1;

	snprintf(name, sizeof(name), "%s%s", root, path);
	file = fopen(name, "re");
	certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	if (certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expiry) == 1) {
		*out_s = timegm(&expiry);
		rc = 0;
	}
	X509_free(certificate);
	if (file)
		fclose(file);
	return rc;
}

static void check_certificate(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const json_t *http = json_object_get(json_object_get(facts->config, "control"), "http");
	const char *path = json_string_value(json_object_get(http, "certificate"));
	const char *renew = "Renew it, and start mailraild again.";
	int64_t expiry_s, left_s;

	if (!path) {
		doctor_find(out, DOCTOR_SKIP, NULL, "control.http has none");
		return;
	}
	if (read_expiry(facts->root, path, &expiry_s) < 0) {
		doctor_find(out, DOCTOR_WARN, "Ask as the user that mailraild runs as.",
			    "%s cannot be read", path);
		return;
	}
	left_s = expiry_s - facts->now_s;
	if (left_s < 0)
		doctor_find(out, DOCTOR_FAIL, renew, "%s has expired", path);
	else
		doctor_find(out, left_s < CERTIFICATE_WARN_S ? DOCTOR_WARN : DOCTOR_OK,
			    left_s < CERTIFICATE_WARN_S ? renew : NULL,
			    "expires in %" PRId64 " days", left_s / (24 * 3600));
}

const struct doctor_row doctor_balancer_rows[] = {
	{"balancer", check_answer, "answers"},
	{"services", check_services, "have backends for new sessions"},
	{"backends", check_backends, "are reached by the way that mail takes"},
	{"neighbours", check_neighbours, "every backend's next hop is known"},
	{"path mtu", check_mtu, "clients' packets fit into the way to every backend"},
	{"pins", check_pins, "there is room to remember sessions"},
	{"limits", check_limits, "fixed bounds are far"},
	{"losses", check_losses, "no packet was lost for want of time or queues"},
	{"load", check_load, "workers have room"},
	{"file", check_file, "the file on disk says what is in force"},
	{"confirmation", check_confirmation, "no change waits for config confirm"},
	{"certificate", check_certificate, "of HTTPS is valid, and for longer than 14 days"},
	{NULL, NULL, NULL},
};
