/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address_text.h"

#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_GAP_S	 10
#define KEEPALIVE_TRIES	 3

static socklen_t fill_address(struct sockaddr_storage *out, const struct mr_addr *address,
			      uint16_t port)
{
	*out = (struct sockaddr_storage){0};
	if (mr_addr_is_v4(address)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, &address->bytes[12], sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address->bytes, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

static void set_option(int fd, int level, int option, int value)
{
	/* On a connection that is gone already it fails, which shows soon enough. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

int tcp_listener_open(const struct mr_addr *address, uint16_t port, int *out_fd,
		      struct mr_error *error)
{
	struct sockaddr_storage place;
	const socklen_t length = fill_address(&place, address, port);
	const int fd = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[MR_ADDR_TEXT_MAX];
	int rc = fd < 0 ? -errno : 0;

	if (rc == 0) {
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* after a restart */
		if (bind(fd, (struct sockaddr *)&place, length) < 0 || listen(fd, SOMAXCONN) < 0)
			rc = -errno;
	}
	if (rc == 0) {
		*out_fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	address_format(address, text);
	return mr_error_set(error, rc, "/control/http: %s port %u: %s", text, port, strerror(-rc));
}

void tcp_listener_accepted(int fd, const struct sockaddr *address, socklen_t length, char *out_peer,
			   size_t size)
{
	if (getnameinfo(address, length, out_peer, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
		snprintf(out_peer, size, "somebody");
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_GAP_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES);
}
