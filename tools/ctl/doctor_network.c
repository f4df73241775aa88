/* SPDX-License-Identifier: BSD-3-Clause */
/* The ports' interfaces, and what the kernel does with packets. */
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl_result.h"
#include "doctor.h"
#include "doctor_files.h"

/* The kernel's name of the port's interface; NULL: it has none that has to be there. */
static const char *interface_of(const json_t *port)
{
	const char *device = text(port, "device");

	if (strncmp(device, "af_xdp:", 7) == 0)
		return device + 7;
	if (strncmp(device, "af_packet:", 10) == 0)
		return device + 10;
	return NULL;
}

static void look_at_interface(const struct doctor_facts *facts, const json_t *port,
			      struct doctor_finding *out)
{
	const char *interface = interface_of(port);
	char state[32];

	if (!interface)
		return;
	if (!doctor_line(facts->root, state, sizeof(state), "/sys/class/net/%s/operstate",
			 interface))
		doctor_find(out, DOCTOR_FAIL,
			    "Mend ports in the configuration; ip link lists them.",
			    "there is no interface %s", interface);
	else if (strcmp(state, "up") != 0 && strcmp(state, "unknown") != 0)
		doctor_find(out, DOCTOR_FAIL, "ip link set it up, and look at its cable.",
			    "%s is %s", interface, state);
	else
		doctor_find(out, DOCTOR_OK, NULL, "up");
}

static void check_link(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(facts->stats, "ports"), i, port)
		if (!is_true(port, "link_up"))
			doctor_find(out, DOCTOR_FAIL, "Look at its cable, and at its peer.",
				    "port %s has no link", text(port, "name"));
	json_array_foreach (json_object_get(facts->config, "ports"), i, port)
		look_at_interface(facts, port, out);
	if (json_array_size(json_object_get(facts->stats, "ports")) > 0)
		doctor_find(out, DOCTOR_OK, NULL, "up");
}

static size_t worker_count(const struct doctor_facts *facts)
{
	const json_t *workers = json_object_get(facts->config, "workers");
	const size_t count = json_array_size(json_object_get(workers, "cores"));

	return count > 0 ? count : 1;
}

/* Each worker needs a queue; a queue too many costs a worker another look. */
static void check_queues(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const size_t workers = worker_count(facts);
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(facts->config, "ports"), i, port) {
		const char *interface = interface_of(port);
		int queues;

		if (!interface || strncmp(text(port, "device"), "af_packet:", 10) == 0)
			continue;
		queues = doctor_count_entries(facts->root, "rx-", "/sys/class/net/%s/queues",
					      interface);
		if (queues < 0)
			continue;
		if ((size_t)queues < workers)
			doctor_find(out, DOCTOR_FAIL,
				    "ethtool -L IFNAME combined N, as many as workers, or fewer "
				    "workers.cores.",
				    "%s has %d queues for %zu workers", interface, queues, workers);
		else if ((size_t)queues % workers != 0)
			doctor_find(out, DOCTOR_WARN,
				    "ethtool -L IFNAME combined N, a multiple of the workers: RSS "
				    "gives each queue as much.",
				    "%s has %d queues, %zu workers share them unevenly", interface,
				    queues, workers);
		else
			doctor_find(out, DOCTOR_OK, NULL, "%d for %zu workers", queues, workers);
	}
}

struct offloads {
	bool gro, lro;
};

static bool ethtool_value(int fd, const char *interface, uint32_t command, uint32_t *out)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq request = {.ifr_data = (void *)&value};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return false;
	*out = value.data;
	return true;
}

static bool read_offloads(const char *interface, struct offloads *out)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t gro = 0, flags = 0;
	bool known = fd >= 0 && ethtool_value(fd, interface, ETHTOOL_GGRO, &gro) &&
		     ethtool_value(fd, interface, ETHTOOL_GFLAGS, &flags);

	if (fd >= 0)
		close(fd);
	*out = (struct offloads){.gro = gro != 0, .lro = (flags & ETH_FLAG_LRO) != 0};
	return known;
}

/* AF_XDP sees packets before GRO; LRO is the card's own doing. */
static void check_offloads(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(facts->config, "ports"), i, port) {
		const char *interface = interface_of(port);
		const bool packet = strncmp(text(port, "device"), "af_packet:", 10) == 0;
		struct offloads offloads;

		/* A question to this machine's kernel, not to files. */
		if (!interface || facts->root[0] || !read_offloads(interface, &offloads))
			continue;
		if (offloads.lro || (packet && offloads.gro))
			doctor_find(out, DOCTOR_FAIL, "ethtool -K IFNAME gro off lro off",
				    "%s merges received segments to frames that are lost",
				    interface);
		else
			doctor_find(out, DOCTOR_OK, NULL, "segments are not merged");
	}
}

static bool has_nat_pool(const struct doctor_facts *facts)
{
	size_t i;
	json_t *pool;

	json_array_foreach (json_object_get(facts->config, "pools"), i, pool)
		if (strcmp(text(pool, "forwarding"), "nat") == 0)
			return true;
	return false;
}

static void check_rp_filter(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const int64_t all = doctor_number(facts->root, "/proc/sys/net/ipv4/conf/all/rp_filter");

	if (all < 0)
		return;
	if (all == 1)
		doctor_find(
			out, has_nat_pool(facts) ? DOCTOR_FAIL : DOCTOR_WARN,
			"sysctl net.ipv4.conf.all.rp_filter=2, or 0: 1 overrules what mailrail0 "
			"needs, which gives the kernel nat's answers and fragments.",
			"net.ipv4.conf.all.rp_filter is 1");
	else
		doctor_find(out, DOCTOR_OK, NULL, "net.ipv4.conf.all.rp_filter is %" PRId64, all);
}

static void check_forwarding(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const int64_t v4 =
		doctor_number(facts->root, "/proc/sys/net/ipv4/conf/mailrail0/forwarding");

	if (!has_nat_pool(facts)) {
		doctor_find(out, DOCTOR_SKIP, NULL, "no pool uses nat");
		return;
	}
	if (v4 == 0)
		doctor_find(out, DOCTOR_FAIL,
			    "sysctl net.ipv4.conf.mailrail0.forwarding=1: nat's answers are routed "
			    "from there.",
			    "mailrail0 does not forward");
	else if (v4 == 1)
		doctor_find(out, DOCTOR_OK, NULL, "mailrail0 forwards");
}

const struct doctor_row doctor_network_rows[] = {
	{"ports", check_link, "are there, and have link"},
	{"queues", check_queues, "RSS has one for each worker"},
	{"offloads", check_offloads, "interfaces do not merge what they receive"},
	{"reverse path", check_rp_filter, "the kernel does not refuse what mailrail0 gives it"},
	{"forwarding", check_forwarding, "the kernel routes nat's answers"},
	{NULL, NULL, NULL},
};
