/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

const char *const doctor_verdicts[] = {
	[DOCTOR_SKIP] = "skip",
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

const struct doctor_row *const doctor_tables[] = {doctor_machine_rows, doctor_network_rows,
						  doctor_balancer_rows, NULL};

void doctor_find(struct doctor_finding *out, enum doctor_verdict verdict, const char *advice,
		 const char *format, ...)
{
	va_list args;

	if (verdict <= out->verdict && out->value[0] != '\0')
		return;
	out->verdict = verdict;
	va_start(args, format);
	vsnprintf(out->value, sizeof(out->value), format, args);
	va_end(args);
	snprintf(out->advice, sizeof(out->advice), "%s", advice ? advice : "");
}

void doctor_run(const struct doctor_row *row, const struct doctor_facts *facts,
		struct doctor_finding *out)
{
	*out = (struct doctor_finding){.verdict = DOCTOR_SKIP};
	row->check(facts, out);
}
