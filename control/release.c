/* SPDX-License-Identifier: BSD-3-Clause */
#include "release.h"

#include <errno.h>
#include <stdlib.h>

#include "compile.h"

void release_fini(struct release *release)
{
	probe_plan_fini(&release->plan);
	mr_snapshot_destroy(release->snapshot);
	free(release->endpoints);
	free(release->nat_sources);
}

struct mr_steering release_steering(const struct release *release)
{
	return (struct mr_steering){
		.endpoints = release->endpoints,
		.endpoint_count = release->endpoint_count,
		.probe_sources = release->plan.sources,
		.probe_source_count = release->plan.source_count,
		.nat_sources = release->nat_sources,
		.nat_source_count = release->nat_source_count,
	};
}

int release_make(const struct fleet *fleet, const struct way_facts *facts, uint64_t generation,
		 struct release *out)
{
	struct release release = {0};
	struct mr_steering steering;

	if (probe_plan_make(fleet, facts, &release.plan) < 0)
		return -ENOMEM;
	release.endpoints = compile_endpoints(fleet, &release.endpoint_count);
	release.nat_sources = compile_nat_sources(fleet, &release.nat_source_count);
	steering = release_steering(&release);
	if (release.endpoints != NULL && release.nat_sources != NULL)
		release.snapshot = compile_snapshot(fleet, facts, &steering, generation);
	if (release.snapshot == NULL) {
		release_fini(&release);
		return -ENOMEM;
	}
	*out = release;
	return 0;
}
