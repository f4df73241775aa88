/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One question at a time is on the desk. A thread of DPDK's puts it there, rings, and waits until
 * it is answered; one that the control thread has not begun with in time is taken back. DPDK
 * tells a command's function nothing but the command, never forgets one, and does not end its
 * threads: hence the one desk, which stays when the rest of the dataplane is gone.
 */
#include <mailrail/telemetry.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_telemetry.h>

enum desk_state {
	DESK_FREE,
	DESK_ASKED,
	DESK_ANSWERING,
	DESK_ANSWERED,
};

static struct {
	pthread_mutex_t turn; /* whoever holds it may ask */
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t answered;
	enum desk_state state;
	bool open;
	int bell;
	const char *command, *argument;
	struct rte_tel_data *data; /* the answer; of who asks */
	int result;
} desk = {
	.turn = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.answered = PTHREAD_COND_INITIALIZER,
	.bell = -1,
};

static struct timespec deadline(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += MR_TELEMETRY_WAIT_MS / 1000;
	at.tv_nsec += MR_TELEMETRY_WAIT_MS % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

/* With the lock held. An answer that has begun is waited for: it writes to what is ours. */
static int wait_for_answer(const struct timespec *until)
{
	int rc = 0;

	while (desk.state == DESK_ANSWERING || (desk.state == DESK_ASKED && rc == 0)) {
		if (desk.state == DESK_ANSWERING)
			pthread_cond_wait(&desk.answered, &desk.lock);
		else
			rc = pthread_cond_timedwait(&desk.answered, &desk.lock, until);
	}
	return desk.state == DESK_ANSWERED ? desk.result : -1;
}

/* On a thread of DPDK's. */
static int ask(const char *command, const char *argument, struct rte_tel_data *data)
{
	const struct timespec until = deadline();
	int rc = -1;

	if (pthread_mutex_timedlock(&desk.turn, &until) != 0)
		return -1;
	pthread_mutex_lock(&desk.lock);
	if (desk.open) {
		desk.command = command;
		desk.argument = argument;
		desk.data = data;
		desk.state = DESK_ASKED;
		if (eventfd_write(desk.bell, 1) == 0)
			rc = wait_for_answer(&until);
		desk.state = DESK_FREE;
	}
	pthread_mutex_unlock(&desk.lock);
	pthread_mutex_unlock(&desk.turn);
	return rc;
}

int mr_telemetry_open(const struct mr_telemetry_command *commands, uint32_t count, int *out_fd)
{
	const int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (bell < 0)
		return -errno;
	for (uint32_t i = 0; i < count; i++) {
		const int rc = rte_telemetry_register_cmd(commands[i].name, ask, commands[i].help);

		if (rc != 0) {
			close(bell);
			return rc;
		}
	}
	pthread_mutex_lock(&desk.lock);
	desk.bell = bell;
	desk.open = true;
	pthread_mutex_unlock(&desk.lock);
	*out_fd = bell;
	return 0;
}

void mr_telemetry_close(void)
{
	pthread_mutex_lock(&desk.lock);
	if (desk.open)
		close(desk.bell);
	desk.bell = -1;
	desk.open = false;
	if (desk.state == DESK_ASKED) {
		desk.state = DESK_ANSWERED;
		desk.result = -1;
		pthread_cond_signal(&desk.answered);
	}
	pthread_mutex_unlock(&desk.lock);
}

void mr_telemetry_serve(mr_telemetry_fn *answer, void *context)
{
	eventfd_t rung;
	bool asked;
	int result;

	pthread_mutex_lock(&desk.lock);
	if (desk.open)
		eventfd_read(desk.bell, &rung);
	asked = desk.state == DESK_ASKED;
	if (asked)
		desk.state = DESK_ANSWERING;
	pthread_mutex_unlock(&desk.lock);
	if (!asked)
		return;
	result = answer(context, desk.command, desk.argument,
			(struct mr_telemetry_answer *)desk.data);
	pthread_mutex_lock(&desk.lock);
	desk.result = result;
	desk.state = DESK_ANSWERED;
	pthread_cond_signal(&desk.answered);
	pthread_mutex_unlock(&desk.lock);
}

static struct rte_tel_data *data_of(struct mr_telemetry_answer *answer)
{
	return (struct rte_tel_data *)answer;
}

void mr_telemetry_begin_list(struct mr_telemetry_answer *answer)
{
	rte_tel_data_start_array(data_of(answer), RTE_TEL_STRING_VAL);
}

void mr_telemetry_add_item(struct mr_telemetry_answer *answer, const char *text)
{
	rte_tel_data_add_array_string(data_of(answer), text);
}

void mr_telemetry_begin_object(struct mr_telemetry_answer *answer)
{
	rte_tel_data_start_dict(data_of(answer));
}

void mr_telemetry_add_number(struct mr_telemetry_answer *answer, const char *name, uint64_t number)
{
	rte_tel_data_add_dict_u64(data_of(answer), name, number);
}

void mr_telemetry_add_text(struct mr_telemetry_answer *answer, const char *name, const char *text)
{
	rte_tel_data_add_dict_string(data_of(answer), name, text);
}
