/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: asks the machine and the balancer, runs every check of doctor.h, and prints them. */
#ifndef MAILRAIL_TOOLS_CTL_DOCTOR_H
#define MAILRAIL_TOOLS_CTL_DOCTOR_H

#include "ctl_commands.h"

/* CTL_REFUSED when a check has failed. */
ctl_run ctl_doctor;

#endif
