/* SPDX-License-Identifier: BSD-3-Clause */
/* The profiles that come with the program (profiles/), as JSON texts. */
#ifndef MAILRAIL_PKTGEN_BUILTIN_PROFILES_H
#define MAILRAIL_PKTGEN_BUILTIN_PROFILES_H

#include <stdint.h>

/* NULL: there is none with that name. */
const char *builtin_profile(const char *name);
/* NULL behind the last one. */
const char *builtin_profile_name(uint32_t index);

#endif
