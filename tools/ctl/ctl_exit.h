/* SPDX-License-Identifier: BSD-3-Clause */
/* What mailrailctl tells scripts by its exit status; mailrailctl(1) has the same list. */
#ifndef MAILRAIL_TOOLS_CTL_EXIT_H
#define MAILRAIL_TOOLS_CTL_EXIT_H

enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1,     /* the balancer, or the check of a file, said no */
	CTL_USAGE = 2,	     /* the command line is wrong */
	CTL_UNREACHABLE = 3, /* no balancer answers */
	CTL_STALE = 4,	     /* --generation is not the one in force any more */
	CTL_FORBIDDEN = 5,   /* the caller's role does not reach so far */
	CTL_NOT_FOUND = 6,   /* what the command is about does not exist */
};

#endif
