/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_eal.h"

#include <sched.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

/*
 * EAL pins its main thread to a core, from which the test's own threads would inherit it: all
 * of them get back the cores that the test was given.
 *
 * --no-shconf instead of --in-memory, which EAL refuses together with --no-huge.
 */
int test_eal_start(void)
{
	char lcores[32];
	char *arguments[] = {
		(char[]){"test"},
		(char[]){"--no-huge"},
		(char[]){"--no-shconf"},
		(char[]){"--no-pci"},
		(char[]){"--no-telemetry"},
		(char[]){"--log-level=error"},
		(char[]){"-m"},
		(char[]){"128"},
		lcores,
		NULL,
	};
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) {
		perror("sched_getaffinity");
		return -1;
	}
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	if (rte_eal_init(RTE_DIM(arguments) - 1, arguments) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0) {
		perror("sched_setaffinity");
		return -1;
	}
	return 0;
}

void test_eal_stop(void)
{
	rte_eal_cleanup();
}
