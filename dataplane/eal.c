/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "library_log.h"

#include <mailrail/limits.h>

#define MIB (UINT64_C(1) << 20)

/* Snapshots need room for the current one and the one being built. */
#define SNAPSHOT_BYTES (64 * MIB)
/* Ordinary pages are reserved once and for all, but cost little until they are written to. */
#define SNAPSHOT_BYTES_RESERVED (512 * MIB)

#define CPU_LIST_MAX 4096

/* "0-3,8" of @cpus. */
static void list_cpus(const cpu_set_t *cpus, char out[CPU_LIST_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int first = cpu;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, cpus))
			cpu++;
		used += (size_t)snprintf(out + used, CPU_LIST_MAX - used,
					 first == cpu ? "%s%d" : "%s%d-%d", used > 0 ? "," : "",
					 first, cpu);
		if (used >= CPU_LIST_MAX)
			return;
	}
}

static bool core_is_repeated(const uint16_t *cores, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (cores[i] == cores[index])
			return true;
	return false;
}

int eal_check_cores(const struct eal_config *config, struct mr_error *error)
{
	cpu_set_t cpus;
	char list[CPU_LIST_MAX];

	if (config->worker_count == 0 || config->worker_count > MR_WORKERS_MAX)
		return mr_error_set(error, -EINVAL, "/workers/cores: %u workers, 1..%u can work",
				    config->worker_count, MR_WORKERS_MAX);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return mr_error_set(error, -errno, "/workers/cores: sched_getaffinity: %s",
				    strerror(errno));
	list_cpus(&cpus, list);
	for (uint32_t i = 0; i < config->worker_count; i++) {
		const uint16_t core = config->cores[i];

		if (core >= CPU_SETSIZE || !CPU_ISSET(core, &cpus))
			return mr_error_set(error, -ENODEV,
					    "/workers/cores/%u: core %u is not available "
					    "(this process may use %.200s)",
					    i, core, list);
		if (core_is_repeated(config->cores, i))
			return mr_error_set(error, -EINVAL,
					    "/workers/cores/%u: core %u has a worker already", i,
					    core);
	}
	return 0;
}

static uint64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t number = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

uint64_t eal_free_hugepage_bytes(void)
{
	static const char directory[] = "/sys/kernel/mm/hugepages";
	DIR *sizes = opendir(directory);
	const struct dirent *entry;
	uint64_t bytes = 0;

	if (sizes == NULL)
		return 0;
	while ((entry = readdir(sizes)) != NULL) {
		char path[sizeof(directory) + sizeof(entry->d_name) + sizeof("/free_hugepages")];
		uint64_t page_kib;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &page_kib) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", directory, entry->d_name);
		bytes += read_number(path) * page_kib * 1024;
	}
	closedir(sizes);
	return bytes;
}

uint64_t eal_hugepage_bytes_wanted(const struct eal_config *config)
{
	return config->memory_bytes + SNAPSHOT_BYTES;
}

/* "0@(0-3),1@2,2@3": lcore@CPUs. NULL: no memory. */
static char *lcores_option(const struct eal_config *config, const cpu_set_t *cpus)
{
	char list[CPU_LIST_MAX];
	char *option = NULL;
	size_t size;
	FILE *text = open_memstream(&option, &size);

	if (text == NULL)
		return NULL;
	list_cpus(cpus, list);
	fprintf(text, "--lcores=0@(%s)", list);
	for (uint32_t i = 0; i < config->worker_count; i++)
		fprintf(text, ",%u@%u", eal_worker_lcore(i), config->cores[i]);
	if (fclose(text) != 0) {
		free(option);
		return NULL;
	}
	return option;
}

/*
 * rte_eal_init() writes its last words to stderr past its own log; glibc lets stderr be
 * replaced, so that they join the rest.
 */
static int init(int argc, char **argv)
{
	FILE *const saved = stderr;
	FILE *const log = rte_log_get_stream();
	int rc;

	library_log_clear();
	stderr = log;
	rc = rte_eal_init(argc, argv);
	stderr = saved;
	return rc;
}

/*
 * net_tap has the kernel announce frames by a realtime signal. Taking it is for the threads
 * that DPDK starts; the calling thread, whose system calls it would interrupt, takes all
 * others. Call before those threads start; they inherit the mask.
 */
static void mask_signals_of_threads(void)
{
	sigset_t mask;

	sigfillset(&mask);
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		sigdelset(&mask, signal);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void mask_signals_of_caller(const sigset_t *before)
{
	sigset_t mask = *before;

	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		sigaddset(&mask, signal);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* EAL makes it always. While a socket of this or another process is there, it stays. */
static void remove_runtime_directory(void)
{
	rmdir(rte_eal_get_runtime_dir());
}

int eal_start(const struct eal_config *config, bool hugepages, struct mr_error *error)
{
	/* An address that no device has: of those that are there, EAL is to take none by itself. */
	char no_pci[] = "--no-pci", no_pci_yet[] = "--allow=ffff:ff:1f.7";
	char program[] = "mailraild";
	char telemetry[] = "--telemetry", no_telemetry[] = "--no-telemetry";
	char iova[] = "--iova-mode=va", main_lcore[] = "--main-lcore=0";
	char in_memory[] = "--in-memory", prefix[] = "--file-prefix=mailrail";
	char no_files[] = "--no-shconf", no_huge[] = "--no-huge", memory_flag[] = "-m";
	char memory[24];
	char *lcores;
	char *argv[12] = {program,
			  config->has_pci ? no_pci_yet : no_pci,
			  config->telemetry ? telemetry : no_telemetry,
			  iova,
			  main_lcore,
			  prefix};
	int argc = 6;
	sigset_t before;
	cpu_set_t cpus;
	int rc;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return mr_error_set(error, -errno, "sched_getaffinity: %s", strerror(errno));
	lcores = lcores_option(config, &cpus);
	if (lcores == NULL)
		return mr_error_set(error, -ENOMEM, "no memory");
	argv[argc++] = lcores;
	/* Both ways leave no file behind; --in-memory is for hugepages only. */
	if (hugepages) {
		argv[argc++] = in_memory;
	} else {
		snprintf(memory, sizeof(memory), "%" PRIu64,
			 (config->memory_bytes + SNAPSHOT_BYTES_RESERVED) / MIB);
		argv[argc++] = no_files;
		argv[argc++] = no_huge;
		argv[argc++] = memory_flag;
		argv[argc++] = memory;
	}
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	mask_signals_of_threads();
	/* Sockets go at exit, by a function that EAL registers, which is called before this one. */
	if (config->telemetry)
		atexit(remove_runtime_directory);
	rc = init(argc, argv);
	mask_signals_of_caller(&before);
	free(lcores);
	if (rc < 0)
		return mr_error_set(error, -rte_errno, "DPDK does not start: %s",
				    library_log_first());
	if (!config->telemetry)
		remove_runtime_directory();
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
