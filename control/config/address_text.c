/* SPDX-License-Identifier: BSD-3-Clause */
#include "address_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_parse(const char *text, struct mr_addr *out)
{
	uint8_t bytes[16];
	struct mr_addr addr;

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*out = mr_addr_from_v4(bytes);
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	addr = mr_addr_from_v6(bytes);
	if (mr_addr_is_v4(&addr))
		return false;
	*out = addr;
	return true;
}

bool address_is_host(const struct mr_addr *addr)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};
	static const struct mr_addr unspecified;
	const uint8_t *v4 = &addr->bytes[12];

	if (mr_addr_is_v4(addr))
		return v4[0] != 0 && (v4[0] & 0xf0) != 0xe0 &&
		       memcmp(v4, broadcast, sizeof(broadcast)) != 0;
	return addr->bytes[0] != 0xff && !mr_addr_equal(addr, &unspecified);
}

void address_format(const struct mr_addr *addr, char *out)
{
	if (mr_addr_is_v4(addr))
		inet_ntop(AF_INET, &addr->bytes[12], out, MR_ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->bytes, out, MR_ADDR_TEXT_MAX);
}

/* Zeroes the bits behind @length; true when all of them were zero already. */
static bool prefix_mask(struct mr_addr *addr, unsigned int length)
{
	struct mr_addr masked = *addr;
	bool same;

	for (unsigned int bit = length; bit < 128; bit++)
		masked.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	same = mr_addr_equal(&masked, addr);
	*addr = masked;
	return same;
}

static bool prefix_length_parse(const char *text, unsigned int max, unsigned int *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned int length;

	if (digits == 0 || digits > 3 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return false;
	length = (unsigned int)strtoul(text, NULL, 10);
	if (length > max)
		return false;
	*out = length;
	return true;
}

enum prefix_parse_result prefix_parse(const char *text, struct mr_prefix *out)
{
	char address[INET6_ADDRSTRLEN];
	size_t address_length = strcspn(text, "/");
	struct mr_prefix prefix = {.length = 128};
	unsigned int length;
	bool masked;

	if (address_length >= sizeof(address))
		return PREFIX_MALFORMED;
	memcpy(address, text, address_length);
	address[address_length] = '\0';
	if (!address_parse(address, &prefix.addr))
		return PREFIX_MALFORMED;
	if (text[address_length] == '\0') {
		*out = prefix;
		return PREFIX_OK;
	}

	if (!prefix_length_parse(text + address_length + 1, mr_addr_is_v4(&prefix.addr) ? 32 : 128,
				 &length))
		return PREFIX_MALFORMED;
	prefix.length = (uint8_t)(mr_addr_is_v4(&prefix.addr) ? 96 + length : length);
	masked = prefix_mask(&prefix.addr, prefix.length);
	*out = prefix;
	return masked ? PREFIX_OK : PREFIX_HOST_BITS;
}

void prefix_format(const struct mr_prefix *prefix, char *out)
{
	unsigned int length = prefix->length;
	size_t used;

	address_format(&prefix->addr, out);
	if (prefix->length == 128)
		return;
	if (mr_addr_is_v4(&prefix->addr))
		length -= 96;
	used = strlen(out);
	snprintf(out + used, MR_ADDR_TEXT_MAX - used, "/%u", length);
}

bool mac_parse(const char *text, struct rte_ether_addr *out)
{
	struct rte_ether_addr mac;
	int end = 0;

	if (strlen(text) != MAC_TEXT_MAX - 1 || strspn(text, "0123456789abcdefABCDEF:") != 17)
		return false;
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac.addr_bytes[0],
		   &mac.addr_bytes[1], &mac.addr_bytes[2], &mac.addr_bytes[3], &mac.addr_bytes[4],
		   &mac.addr_bytes[5], &end) != 6 ||
	    end != MAC_TEXT_MAX - 1)
		return false;
	*out = mac;
	return true;
}

void mac_format(const struct rte_ether_addr *mac, char *out)
{
	const uint8_t *b = mac->addr_bytes;

	snprintf(out, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
}
