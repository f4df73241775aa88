/* SPDX-License-Identifier: BSD-3-Clause */
/* The main() of a CUnit program whose tests need mbufs, but no rig. */
#ifndef MAILRAIL_TESTS_MBUF_UNIT_H
#define MAILRAIL_TESTS_MBUF_UNIT_H

#include <rte_mbuf.h>

#include "test_eal.h"
#include "unit.h"

/* unit_run() with *@out_mbufs there for as long as the tests run. */
static inline int mbuf_unit_run(const char *name, CU_TestInfo *tests,
				struct rte_mempool **out_mbufs)
{
	int status;

	if (test_eal_start() < 0)
		return 2;
	*out_mbufs =
		rte_pktmbuf_pool_create(name, 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (*out_mbufs == NULL)
		return 2;
	status = unit_run(name, tests);
	rte_mempool_free(*out_mbufs);
	test_eal_stop();
	return status;
}

#endif
