/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What operators, servers and fate do to a world of sessions (session_world.h), drawn at random:
 * backends added, removed, drained, disabled, re-weighted, started slowly, down and up, all of them
 * down, at another address; lists rewritten in another order or as they were; several of these on
 * top of one another; another session_idle; the process killed before, while and after a change is
 * saved, and started again with the same or another configuration, and another budget of
 * pins.
 */
#ifndef MAILRAIL_TESTS_SESSION_CHANGES_H
#define MAILRAIL_TESTS_SESSION_CHANGES_H

#include "session_world.h"

#define CHANGES_LONGEST_IDLE_S 900
#define CHANGES_BUDGET_MIN     1024U

typedef void changes_fn(void);

/* @wished is called after every wish, before anything follows from it: session_idle may differ. */
void changes_make(struct world *world, changes_fn *wished);

/* @exchange: lets packets pass, by what workers know until the last. The clock may go back. */
void changes_restart(struct world *world, changes_fn *wished, changes_fn *exchange);

#endif
