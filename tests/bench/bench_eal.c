/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_eal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#define MIB (UINT64_C(1) << 20)

/* For EAL itself, its heap's edges and a page begun here and there. */
#define SPARE_BYTES (64 * MIB)

/* What /proc/meminfo says of @name; 0: nothing. */
static uint64_t meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	uint64_t found = 0;
	char line[128];

	while (file != NULL && found == 0 && fgets(line, sizeof(line), file) != NULL) {
		char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		if (strcmp(line, name) == 0)
			found = strtoull(colon + 1, NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

static bool has_hugepages(uint64_t bytes)
{
	return meminfo("HugePages_Free") * meminfo("Hugepagesize") * 1024 >= bytes;
}

/* --in-memory needs no mounted file system; EAL refuses it together with --no-huge. */
int bench_eal_start(unsigned int core, uint64_t memory_bytes)
{
	const uint64_t wanted = memory_bytes + SPARE_BYTES;
	char pages[16], lcores[32], mebibytes[32];
	char *arguments[] = {
		(char[]){"bench"},
		pages,
		(char[]){"--no-shconf"},
		(char[]){"--no-pci"},
		(char[]){"--no-telemetry"},
		(char[]){"--log-level=error"},
		(char[]){"-m"},
		mebibytes,
		lcores,
		NULL,
	};

	snprintf(pages, sizeof(pages), "%s", has_hugepages(wanted) ? "--in-memory" : "--no-huge");
	snprintf(lcores, sizeof(lcores), "--lcores=0@%u", core);
	snprintf(mebibytes, sizeof(mebibytes), "%" PRIu64, wanted / MIB);
	if (rte_eal_init(RTE_DIM(arguments) - 1, arguments) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	return 0;
}

void bench_eal_stop(void)
{
	rte_eal_cleanup();
}
