/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations that a test writes down as text. */
#ifndef MAILRAIL_TESTS_CONFIG_TEXT_H
#define MAILRAIL_TESTS_CONFIG_TEXT_H

#include "config.h"

/*
 * Decodes JSON made as by printf(3), in which ' stands for " too. A text that is no configuration
 * ends the test, after its errors on standard output. config_free() what it returns.
 */
struct config *config_from_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
