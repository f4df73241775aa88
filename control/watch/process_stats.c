/* SPDX-License-Identifier: BSD-3-Clause */
#include "process_stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"

/* The name of the program, which may hold anything, ends with the last bracket. */
static void read_stat(struct process_stats *out)
{
	const uint64_t ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t user, system, started;
	FILE *file = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *rest;

	if (file == NULL)
		return;
	rest = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
	fclose(file);
	if (rest == NULL ||
	    sscanf(rest,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &user, &system, &out->threads, &started, &out->virtual_bytes,
		   &out->resident_bytes) != 6)
		return;
	out->cpu_ms = (user + system) * 1000 / ticks_per_s;
	out->start_ms =
		clock_wall_ms() - clock_read_ms(CLOCK_BOOTTIME) + started * 1000 / ticks_per_s;
	out->resident_bytes *= (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 3; /* ".", "..", and the directory's own */
}

void process_stats_read(struct process_stats *out)
{
	struct rlimit limit;

	*out = (struct process_stats){.open_fds = count_fds()};
	read_stat(out);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		out->max_fds = limit.rlim_cur;
}
