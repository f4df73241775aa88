/* SPDX-License-Identifier: BSD-3-Clause */
#include "name.h"

#include <net/if.h>
#include <string.h>

#include <mailrail/limits.h>

/* isalnum() follows the locale; names must not. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= MR_NAME_MAX || !is_alnum(name[0]))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_alnum(name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

static bool label_is_valid(const char *label, size_t length)
{
	if (length == 0 || length > 63 || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(label[i]) && label[i] != '-')
			return false;
	return true;
}

bool fqdn_is_valid(const char *name)
{
	const char *label = name;

	if (strlen(name) > 253)
		return false;
	for (;;) {
		size_t length = strcspn(label, ".");

		if (!label_is_valid(label, length))
			return false;
		if (label[length] == '\0')
			break;
		label += length + 1;
	}
	return label[strspn(label, "0123456789")] != '\0';
}

bool interface_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] == 0x7f || name[i] == '/' || name[i] == ':')
			return false;
	return true;
}
