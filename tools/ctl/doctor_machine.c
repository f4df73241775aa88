/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: processor, memory, clock, kernel. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_result.h"
#include "doctor.h"
#include "doctor_files.h"

static const json_t *worker_cores(const struct doctor_facts *facts)
{
	const json_t *cores = json_object_get(facts->node, "cores");

	return cores ? cores : json_object_get(json_object_get(facts->config, "workers"), "cores");
}

static bool workers_share(const struct doctor_facts *facts)
{
	return strcmp(text(json_object_get(facts->config, "workers"), "poll"), "adaptive") == 0;
}

static bool has_pci_port(const struct doctor_facts *facts)
{
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(facts->config, "ports"), i, port)
		if (strncmp(text(port, "device"), "pci:", 4) == 0)
			return true;
	return false;
}

static void check_kernel(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char release[128];
	unsigned int major = 0, minor = 0;
	char *end;

	if (!doctor_line(facts->root, release, sizeof(release), "/proc/sys/kernel/osrelease"))
		return;
	major = (unsigned int)strtoul(release, &end, 10);
	if (*end == '.')
		minor = (unsigned int)strtoul(end + 1, NULL, 10);
	if (major > 5 || (major == 5 && minor >= 16))
		doctor_find(out, DOCTOR_OK, NULL, "Linux %s", release);
	else
		doctor_find(out, DOCTOR_FAIL,
			    "Install Linux 5.16 or later: older ones do not keep next hops fresh "
			    "(managed neighbours).",
			    "Linux %s", release);
}

static void check_hugepages(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const int64_t total = doctor_keyed_number(facts->root, "/proc/meminfo", "HugePages_Total:");
	const int64_t free = doctor_keyed_number(facts->root, "/proc/meminfo", "HugePages_Free:");
	const int64_t size_kb = doctor_keyed_number(facts->root, "/proc/meminfo", "Hugepagesize:");
	const uint64_t used = number(facts->node, "hugepage_bytes");

	if (total < 0)
		return;
	if (used > 0)
		doctor_find(out, DOCTOR_OK, NULL, "mailraild has %" PRIu64 " MiB", used >> 20);
	else if (facts->node)
		doctor_find(out, DOCTOR_WARN,
			    "Reserve some, as many as its log line asks for, and start mailraild "
			    "again: sysctl vm.nr_hugepages=512",
			    "mailraild uses ordinary pages");
	else if (total == 0)
		doctor_find(out, DOCTOR_WARN,
			    "Packets cost some 25 cycles more without: sysctl vm.nr_hugepages=512, "
			    "and the same in /etc/sysctl.d",
			    "none are reserved");
	else
		doctor_find(out, DOCTOR_OK, NULL, "%" PRId64 " of %" PRId64 " free, %" PRId64 " kB",
			    free, total, size_kb);
}

static void check_iommu(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const int units = doctor_count_entries(facts->root, "", "/sys/class/iommu");

	if (units > 0)
		doctor_find(out, DOCTOR_OK, NULL, "%d units", units);
	else if (has_pci_port(facts))
		doctor_find(out, DOCTOR_WARN,
			    "Switch it on in the firmware and by intel_iommu=on or amd_iommu=on on "
			    "the kernel's command line; without it vfio-pci takes a card only in "
			    "no-IOMMU mode.",
			    "none, and a port is a PCI device");
	else
		doctor_find(out, DOCTOR_SKIP, NULL, "no port is a PCI device");
}

/* -1: the core is of no node. */
static int node_of_core(const char *root, uint32_t core)
{
	char list[512];

	for (int node = 0;
	     doctor_line(root, list, sizeof(list), "/sys/devices/system/node/node%d/cpulist", node);
	     node++)
		if (doctor_list_has(list, core))
			return node;
	return -1;
}

static int64_t node_of_port(const char *root, const char *device)
{
	const char *colon = strchr(device, ':');

	if (!colon)
		return -1;
	if (strncmp(device, "pci:", 4) == 0)
		return doctor_number(root, "/sys/bus/pci/devices/%s/numa_node", colon + 1);
	return doctor_number(root, "/sys/class/net/%s/device/numa_node", colon + 1);
}

static void compare_nodes(const struct doctor_facts *facts, const json_t *port,
			  struct doctor_finding *out)
{
	const int64_t near = node_of_port(facts->root, text(port, "device"));
	size_t i;
	json_t *core;

	if (near < 0)
		return;
	json_array_foreach (worker_cores(facts), i, core) {
		const uint32_t number_of = (uint32_t)json_integer_value(core);
		const int node = node_of_core(facts->root, number_of);

		if (node >= 0 && node != near)
			doctor_find(
				out, DOCTOR_WARN,
				"Give mailraild cores of the card's node (workers.cores); lscpu "
				"shows them.",
				"port %s is on node %" PRId64 ", core %" PRIu32 " on node %d",
				text(port, "name"), near, number_of, node);
		else
			doctor_find(out, DOCTOR_OK, NULL, "cards and cores are on the same node");
	}
}

static void check_numa(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *port;

	if (!doctor_count_entries(facts->root, "node1", "/sys/devices/system/node")) {
		doctor_find(out, DOCTOR_OK, NULL, "one node");
		return;
	}
	json_array_foreach (json_object_get(facts->config, "ports"), i, port)
		compare_nodes(facts, port, out);
}

static void check_isolation(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char isolated[512] = "", nohz[512] = "";
	size_t i;
	json_t *core;

	if (workers_share(facts)) {
		doctor_find(out, DOCTOR_OK, NULL, "not needed: workers poll adaptively");
		return;
	}
	doctor_line(facts->root, isolated, sizeof(isolated), "/sys/devices/system/cpu/isolated");
	doctor_line(facts->root, nohz, sizeof(nohz), "/sys/devices/system/cpu/nohz_full");
	json_array_foreach (worker_cores(facts), i, core) {
		const uint32_t number_of = (uint32_t)json_integer_value(core);

		if (!doctor_list_has(isolated, number_of))
			doctor_find(out, DOCTOR_WARN,
				    "Keep other programs off the workers' cores: isolcpus= and "
				    "nohz_full= on the kernel's command line, or CPUAffinity= in "
				    "systemd; on shared machines set workers.poll to adaptive.",
				    "core %" PRIu32 " is not isolated", number_of);
		else if (!doctor_list_has(nohz, number_of))
			doctor_find(out, DOCTOR_WARN,
				    "Add it to nohz_full= on the kernel's command line.",
				    "core %" PRIu32 " has timer ticks", number_of);
		else
			doctor_find(out, DOCTOR_OK, NULL, "the workers' cores are their own");
	}
}

static void check_governor(const struct doctor_facts *facts, struct doctor_finding *out)
{
	size_t i;
	json_t *core;

	json_array_foreach (worker_cores(facts), i, core) {
		const uint32_t number_of = (uint32_t)json_integer_value(core);
		char governor[64];

		if (!doctor_line(facts->root, governor, sizeof(governor),
				 "/sys/devices/system/cpu/cpu%" PRIu32 "/cpufreq/scaling_governor",
				 number_of))
			doctor_find(out, DOCTOR_OK, NULL, "the clock rate is not the kernel's");
		else if (strcmp(governor, "performance") != 0)
			doctor_find(out, DOCTOR_WARN,
				    "cpupower frequency-set -g performance: others let the first "
				    "packets after a pause wait.",
				    "core %" PRIu32 " has %s", number_of, governor);
		else
			doctor_find(out, DOCTOR_OK, NULL, "performance");
	}
}

static void check_clock(const struct doctor_facts *facts, struct doctor_finding *out)
{
	switch (facts->clock) {
	case DOCTOR_CLOCK_SYNCHRONISED:
		doctor_find(out, DOCTOR_OK, NULL, "synchronised");
		break;
	case DOCTOR_CLOCK_FREE:
		doctor_find(out, DOCTOR_WARN,
			    "Run chrony or systemd-timesyncd: the times in logs, events and "
			    "certificates are this clock's.",
			    "not synchronised");
		break;
	case DOCTOR_CLOCK_UNKNOWN:
		break;
	}
}

/* What mailraild may open at once: clients over both transports, probes, and its own. */
static uint64_t files_needed(const struct doctor_facts *facts)
{
	const json_t *limits = json_object_get(json_object_get(facts->config, "control"), "limits");

	return 2 * number(limits, "connections") + json_array_size(facts->backends) + 128;
}

static void check_files(const struct doctor_facts *facts, struct doctor_finding *out)
{
	const uint64_t needed = files_needed(facts);
	char path[64];
	int64_t limit;

	if (!facts->node)
		return;
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/limits", number(facts->node, "pid"));
	limit = doctor_keyed_number(facts->root, path, "Max open files");
	if (limit < 0)
		return;
	if ((uint64_t)limit < needed)
		doctor_find(out, DOCTOR_WARN,
			    "Raise it where mailraild is started: LimitNOFILE= in systemd, or "
			    "ulimit -n.",
			    "%" PRId64 " open files, %" PRIu64 " may be needed", limit, needed);
	else
		doctor_find(out, DOCTOR_OK, NULL, "%" PRId64 " open files", limit);
}

/* CAP_IPC_LOCK, see capabilities(7). */
static bool may_lock_all(const struct doctor_facts *facts, const char *process)
{
	char path[64], line[128];
	uint64_t effective = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/limits", process);
	if (doctor_keyed_number(facts->root, path, "Max locked memory") == INT64_MAX)
		return true;
	snprintf(line, sizeof(line), "%s%s/status", facts->root, process);
	file = fopen(line, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "CapEff:", 7) == 0)
			effective = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return effective & (UINT64_C(1) << 14);
}

static void check_memlock(const struct doctor_facts *facts, struct doctor_finding *out)
{
	char process[40];

	if (!facts->node || !has_pci_port(facts))
		return;
	snprintf(process, sizeof(process), "/proc/%" PRIu64, number(facts->node, "pid"));
	if (may_lock_all(facts, process))
		doctor_find(out, DOCTOR_OK, NULL, "unlimited");
	else
		doctor_find(
			out, DOCTOR_FAIL,
			"VFIO locks all memory of packets: LimitMEMLOCK=infinity in systemd, or "
			"CAP_IPC_LOCK.",
			"limited");
}

const struct doctor_row doctor_machine_rows[] = {
	{"kernel", check_kernel, "Linux 5.16 or later"},
	{"hugepages", check_hugepages, "are reserved, and used"},
	{"iommu", check_iommu, "is there, when a port is a PCI device"},
	{"numa", check_numa, "cards and workers are on the same node"},
	{"isolated cores", check_isolation, "workers have their cores to themselves"},
	{"governor", check_governor, "the workers' cores run at full clock rate"},
	{"clock", check_clock, "is synchronised"},
	{"open files", check_files, "mailraild may open as many as it may need"},
	{"locked memory", check_memlock, "mailraild may lock what VFIO needs"},
	{NULL, NULL, NULL},
};
