/* SPDX-License-Identifier: BSD-3-Clause */
#include "builtin_profiles.h"

#include <string.h>

#include <rte_common.h>

struct builtin_profile {
	const char *name;
	const char *text;
};

/* The table of profiles/, made when the program is built. */
#include "builtin_texts.h"

const char *builtin_profile(const char *name)
{
	for (uint32_t i = 0; i < RTE_DIM(builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return builtins[i].text;
	return NULL;
}

const char *builtin_profile_name(uint32_t index)
{
	return index < RTE_DIM(builtins) ? builtins[index].name : NULL;
}
