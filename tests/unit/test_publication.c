/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots come and go with a reader that takes its time: this thread. */
#include "publication.h"

#include "../lib/test_eal.h"
#include "../lib/unit.h"

#define READER 1

static struct mr_snapshot *snapshot(uint64_t generation)
{
	struct mr_snapshot *made = mr_snapshot_create(&(struct mr_snapshot_sizes){0});

	CU_ASSERT_PTR_NOT_NULL_FATAL(made);
	made->generation = generation;
	return made;
}

static void test_reader_holds_what_it_may_read(void)
{
	struct publication publication = {NULL};

	CU_ASSERT_EQUAL_FATAL(publication_init(&publication, 2), 0);
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 0);
	rte_rcu_qsbr_thread_register(publication.qsbr, READER);
	publication_publish(&publication, snapshot(5));
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 5);

	rte_rcu_qsbr_thread_online(publication.qsbr, READER);
	publication_publish(&publication, snapshot(6));
	publication_publish(&publication, snapshot(7));
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 5);
	CU_ASSERT_EQUAL(publication_generation(&publication, 0), 7); /* reads nothing */
	CU_ASSERT_FALSE(publication_reclaim(&publication));
	rte_rcu_qsbr_quiescent(publication.qsbr, READER);
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 7);
	CU_ASSERT(publication_reclaim(&publication));

	publication_publish(&publication, snapshot(8));
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 7);
	rte_rcu_qsbr_thread_offline(publication.qsbr, READER);
	CU_ASSERT_EQUAL(publication_generation(&publication, READER), 8);
	rte_rcu_qsbr_thread_unregister(publication.qsbr, READER);
	publication_fini(&publication);
}

int main(void)
{
	CU_TestInfo tests[] = {
		UNIT_TEST(test_reader_holds_what_it_may_read),
		CU_TEST_INFO_NULL,
	};
	int status;

	if (test_eal_start() < 0)
		return 2;
	status = unit_run("publication", tests);
	test_eal_stop();
	return status;
}
