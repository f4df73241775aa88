/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening TCP socket, and the connections that it accepts. */
#ifndef MAILRAIL_CONTROL_TCP_LISTENER_H
#define MAILRAIL_CONTROL_TCP_LISTENER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <mailrail/address.h>
#include <mailrail/error.h>

/* *@out_fd is non-blocking and close-on-exec. @error names /control/http. */
int tcp_listener_open(const struct mr_addr *address, uint16_t port, int *out_fd,
		      struct mr_error *error);

/*
 * Prepares a connection: small answers leave at once, and a peer that is gone without a word is
 * found out. Writes its address, without the port, to @out_peer, of @size bytes.
 */
void tcp_listener_accepted(int fd, const struct sockaddr *address, socklen_t length, char *out_peer,
			   size_t size);

#endif
