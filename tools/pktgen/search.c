/* SPDX-License-Identifier: BSD-3-Clause */
#include "search.h"

#define TRIALS_MAX 16

void search_begin(struct search *search, double resolution)
{
	*search = (struct search){.resolution = resolution, .as_fast_as_it_goes = true};
}

void search_trial(struct search *search, double achieved, bool passed)
{
	const bool was_first = search->as_fast_as_it_goes;

	search->trials++;
	search->as_fast_as_it_goes = false;
	if (passed && achieved > search->passed)
		search->passed = achieved;
	if (!passed)
		search->failed = was_first ? achieved : search->next;
	search->next = (search->passed + search->failed) / 2;
	search->done = search->failed == 0 || search->trials == TRIALS_MAX ||
		       search->failed - search->passed <= search->resolution * search->failed;
}
