/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl_args.h"
#include "ctl_exit.h"
#include "top_link.h"
#include "top_screen.h"

#define INTERVAL_MS 1000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until there is something to read, a signal, or @until_ms. False: the terminal has gone. */
static bool wait_for(const struct top_link *link, int64_t until_ms)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {link->rpc.fd, POLLIN, 0}};
	const int64_t left = until_ms - now_ms();

	if (poll(fds, 2, left > 0 ? (int)left : 0) < 0)
		return errno == EINTR;
	return !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void watch(struct top_link *link, struct top_screen *screen, struct top_model *model)
{
	int64_t next_ms = now_ms();

	while (!top_screen_keys(screen)) {
		if (now_ms() >= next_ms) {
			next_ms = now_ms() + INTERVAL_MS;
			top_link_ask(link, model);
		}
		top_screen_draw(screen, model, top_link_is_open(link) ? NULL : link->error.text);
		if (!wait_for(link, next_ms))
			return;
		if (top_link_is_open(link))
			top_link_read(link, model);
	}
}

int ctl_top(const struct ctl_line *line)
{
	struct top_screen screen = {.view = TOP_VIEW_ALL};
	struct top_model model = {0};
	struct top_link link;

	if (ctl_option_given(line->options, CTL_OPTION_JSON))
		return ctl_usage_error("--json", "not with top; call stats.get instead");
	if (ctl_option_given(line->options, CTL_OPTION_URL))
		return ctl_usage_error("--url", "top needs the socket, for its events");
	if (top_screen_open(ctl_options_colour(line->options)) < 0)
		return ctl_usage_error("top", "needs a terminal that TERM describes");
	top_link_init(&link, ctl_options_target(line->options).socket);
	watch(&link, &screen, &model);
	top_screen_close();
	top_link_fini(&link);
	top_model_fini(&model);
	return CTL_DONE;
}
