/* SPDX-License-Identifier: BSD-3-Clause */
/* Text forms of addresses, prefixes and MAC addresses. Pure functions. */
#ifndef MAILRAIL_CONTROL_ADDRESS_TEXT_H
#define MAILRAIL_CONTROL_ADDRESS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include <mailrail/address.h>

/*
 * IPv4 in dotted decimal or IPv6 (RFC 4291, section 2.2). An IPv4-mapped IPv6 address is
 * refused: it would be a second spelling of the IPv4 address.
 */
bool address_parse(const char *text, struct mr_addr *out);

/* Not unspecified, multicast, broadcast, nor of IPv4's network 0 (RFC 6890, section 2.2.2). */
bool address_is_host(const struct mr_addr *addr);

/* As RFC 5952 has it. @out has MR_ADDR_TEXT_MAX bytes. */
void address_format(const struct mr_addr *addr, char *out);

enum prefix_parse_result {
	PREFIX_OK,
	PREFIX_MALFORMED,
	PREFIX_HOST_BITS, /* bits behind the length are set; @out is the prefix without them */
};

/* An address stands for the prefix that holds it alone. */
enum prefix_parse_result prefix_parse(const char *text, struct mr_prefix *out);

/* A host's prefix is written as its address. @out has MR_ADDR_TEXT_MAX bytes. */
void prefix_format(const struct mr_prefix *prefix, char *out);

/* Six pairs of hexadecimal digits between colons. */
bool mac_parse(const char *text, struct rte_ether_addr *out);

#define MAC_TEXT_MAX 18
/* @out has MAC_TEXT_MAX bytes. */
void mac_format(const struct rte_ether_addr *mac, char *out);

#endif
