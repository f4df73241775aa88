/* SPDX-License-Identifier: BSD-3-Clause */
/* The main() of a CUnit program whose tests share one rig. */
#ifndef MAILRAIL_TESTS_RIG_UNIT_H
#define MAILRAIL_TESTS_RIG_UNIT_H

#include "rig.h"
#include "test_eal.h"
#include "unit.h"

/* unit_run() with *@out_rig there for as long as the tests run. */
static inline int rig_unit_run(const char *name, CU_TestInfo *tests, struct rig **out_rig)
{
	int status;

	if (test_eal_start() < 0)
		return 2;
	*out_rig = rig_create();
	if (*out_rig == NULL)
		return 2;
	status = unit_run(name, tests);
	rig_destroy(*out_rig);
	test_eal_stop();
	return status;
}

#endif
