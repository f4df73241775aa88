/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL for tests: ordinary pages, none of the machine's devices, no files, no other process. */
#ifndef MAILRAIL_TESTS_TEST_EAL_H
#define MAILRAIL_TESTS_TEST_EAL_H

/* 0, or a negative number after a message on standard error. Once per process. */
int test_eal_start(void);
void test_eal_stop(void);

#endif
