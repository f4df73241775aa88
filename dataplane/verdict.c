/* SPDX-License-Identifier: BSD-3-Clause */
#include <mailrail/verdict.h>

#include <stddef.h>

const char *mr_verdict_name(enum mr_verdict verdict)
{
	static const char *const names[MR_VERDICT_COUNT] = {
#define VERDICT_NAME(id, name, text) [MR_##id] = (name),
		MR_VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
	};

	return verdict < MR_VERDICT_COUNT ? names[verdict] : NULL;
}

const char *mr_verdict_text(enum mr_verdict verdict)
{
	static const char *const texts[MR_VERDICT_COUNT] = {
#define VERDICT_TEXT(id, name, text) [MR_##id] = (text),
		MR_VERDICTS(VERDICT_TEXT)
#undef VERDICT_TEXT
	};

	return verdict < MR_VERDICT_COUNT ? texts[verdict] : NULL;
}
