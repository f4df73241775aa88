/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of DPDK's telemetry socket (dpdk-telemetry.py), answered by the control thread: a
 * thread of DPDK's takes the question and waits, while the control thread, told by a descriptor,
 * answers it from what it knows. Workers have no part in it.
 *
 * One for the process, as the socket is; it is there when mr_dataplane_config asked for it.
 */
#ifndef MAILRAIL_TELEMETRY_H
#define MAILRAIL_TELEMETRY_H

#include <stdint.h>

/* How long the one who asks is kept waiting while the control thread is busy otherwise. */
#define MR_TELEMETRY_WAIT_MS 1000

/* Entries of one answer: DPDK takes no more, nor more than 16 KiB of text. */
#define MR_TELEMETRY_LIST_MAX	512
#define MR_TELEMETRY_OBJECT_MAX 256

struct mr_telemetry_answer;

/*
 * What @command ("/mailrail/pools") with @argument (behind the comma; NULL: none) tells. Returns
 * 0, or negative: there is no such thing, and the one who asked gets null.
 */
typedef int mr_telemetry_fn(void *context, const char *command, const char *argument,
			    struct mr_telemetry_answer *answer);

struct mr_telemetry_command {
	const char *name; /* letters, digits, slashes */
	const char *help; /* one line of less than 128 bytes */
};

/*
 * Control thread. Registers @commands, @count of them, for good, and gives the descriptor that
 * is readable while a question waits, which stays the dataplane's. -ENOMEM, -EINVAL; -errno.
 */
int mr_telemetry_open(const struct mr_telemetry_command *commands, uint32_t count, int *out_fd);
/* Whoever asks from now on gets null. Harmless when it is not open. */
void mr_telemetry_close(void);

/* Control thread, when the descriptor is readable: calls @answer for the question, if it waits. */
void mr_telemetry_serve(mr_telemetry_fn *answer, void *context);

/*
 * From within mr_telemetry_fn: an answer is a list of texts, or an object of members, whose names
 * are of letters, digits and '_'. Beyond the bounds above entries are left out.
 */
void mr_telemetry_begin_list(struct mr_telemetry_answer *answer);
void mr_telemetry_add_item(struct mr_telemetry_answer *answer, const char *text);
void mr_telemetry_begin_object(struct mr_telemetry_answer *answer);
void mr_telemetry_add_number(struct mr_telemetry_answer *answer, const char *name, uint64_t number);
void mr_telemetry_add_text(struct mr_telemetry_answer *answer, const char *name, const char *text);

#endif
